"""torch.compile where it pays."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from torch import nn

from groundup.data import Batch
from groundup.machine import has_compiler
from groundup.model import RNN
from groundup.train import rng
from groundup.train.loss import Objective
from groundup.train.precision import Masters

PAYS_FROM = {"cpu": 1e14, "cuda": 3e16}
"""FLOPs of a whole run from which compiling pays: about five minutes of training on two
AVX512-BF16 cores, minutes on one large GPU (estimated, not measured). On those cores compiling took
half a minute to a minute and gained between nothing and a third (benchmarks/LOG.md).

Counted, not timed: a run that is resumed must decide as it did before, or its losses would differ.
"""

PAYS_FROM_SECONDS = 300.0
"""The same for a run by the clock, whose steps are not known before."""


def should_compile(
    mode: Literal["auto", "on", "off"], model: nn.Module, device: torch.device, run_flops: float
) -> bool:
    """Return whether to compile.

    Args:
        mode: the user's wish.
        model: a recurrent one is left alone by ``auto``: its loop over time would be unrolled.
        device: ``auto`` compiles on CPUs with a C++ compiler and on CUDA.
        run_flops: of all steps of the run.
    """
    if mode != "auto":
        return mode == "on"
    if isinstance(model, RNN) or (device.type == "cpu" and not has_compiler()):
        return False
    return device.type in PAYS_FROM and run_flops >= PAYS_FROM[device.type]


def compile_cache() -> Path:
    """Return the folder of compiled code, ``~/.cache/groundup/compiled`` by default."""
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home) / "groundup" / "compiled"


def compile_objective(
    objective: Objective,
    model: nn.Module,
    batch: Batch,
    masters: Masters,
    warn: Callable[[str], None],
) -> Objective:
    """Return the objective compiled with the model in it, or as it was where that fails.

    Compiles now, by one forward and backward pass that leaves no trace, so that no training step is
    timed with the compiler in it. What was compiled is kept in ``compile_cache()``, where the next
    run of the same shape finds it.

    Args:
        objective: called with ``model`` in training mode.
        model: on its device.
        batch: a micro-batch of the shape of all others.
        masters: its gradients are cleared.
        warn: told in one line why compiling failed.
    """
    # By default it would lie in /tmp, which a restart empties; a folder the user named stays.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(compile_cache()))
    compiled: Objective = torch.compile(objective, dynamic=False)
    try:
        with rng.isolated(batch.inputs.device):
            compiled(model, batch).sum.backward()
    except Exception as error:  # noqa: BLE001 - a compiler fails in any way it likes
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        warn(f"torch.compile failed ({reason}); training goes on without it")
        return objective
    finally:
        masters.clear_gradients()
    return compiled
