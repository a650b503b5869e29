"""torch.compile where it pays."""

import os
import statistics
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from groundup.data import Batch
from groundup.machine import has_compiler, trim_memory
from groundup.model import RNN
from groundup.train import rng
from groundup.train.loss import Objective
from groundup.train.precision import Masters

PAYS_FROM = {"cpu": 1e14, "cuda": 3e16}
"""FLOPs of a whole run from which compiling pays: about five minutes of training on two
AVX512-BF16 cores, minutes on one large GPU (estimated, not measured). On those cores compiling took
ten seconds to a minute and made steps 0.9 to 1.5 times as fast (benchmarks/LOG.md): small models
may lose. Counted, not timed: two runs must decide alike, or their losses would differ.
"""

TRIAL_FROM_SECONDS = 150.0
"""A run by the clock is no other's equal anyway, and can try: with less time than this left, what a
third more steps gain hardly pays for compiling."""

TRIAL_STEPS = 12
"""Steps of each kind in a trial. The first two of each do not count."""


def compile_obstacle(model: nn.Module, device: torch.device) -> str:
    """Return why ``compile = "auto"`` cannot compile at all; empty where it can.

    It can on CUDA and on CPUs with a C++ compiler; but no recurrent network, for its loop over time
    would be unrolled.
    """
    if device.type not in PAYS_FROM:
        return f"not tried on {device.type}"
    if device.type == "cpu" and not has_compiler():
        return "no C++ compiler (g++, clang++ or CXX) was found"
    if isinstance(model, RNN):
        return "a recurrent network's loop over time would be unrolled"
    return ""


class Trial:
    """Whether compiled steps are faster, by the time that a few of either kind took.

    Attributes:
        eager: seconds of the steps before compiling.
        compiled: seconds of those after.
    """

    def __init__(self) -> None:
        self.eager: list[float] = []
        self.compiled: list[float] = []

    def speeds(self) -> tuple[float, float]:
        """Return the median seconds of an eager and of a compiled step."""
        return statistics.median(self.eager[2:]), statistics.median(self.compiled[2:])


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
        lines = (str(error).strip() or type(error).__name__).splitlines()
        until = 2 if lines[0].endswith(":") else 1  # "backend='inductor' raised:" says little
        reason = " ".join(lines[:until])[:200]
        warn(f"torch.compile failed ({reason}); training goes on without it")
        return objective
    finally:
        masters.clear_gradients()
    trim_memory()  # of what the compiler used; keep_memory() would keep it to the end
    return compiled
