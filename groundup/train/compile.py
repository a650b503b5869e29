"""torch.compile where it pays."""

import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from groundup.data import Batch
from groundup.machine import compiler_name, has_compiler, trim_memory
from groundup.model import RNN
from groundup.train import rng
from groundup.train.batches import StepBatch
from groundup.train.budget import num_sequences
from groundup.train.config import TrainConfig
from groundup.train.display import Display, duration
from groundup.train.flops import flops_per_token
from groundup.train.horizon import Clock, Horizon, Recorded
from groundup.train.loss import Objective
from groundup.train.precision import Masters
from groundup.train.workers import Workers

PAYS_FROM = {"cpu": 1e14, "cuda": 3e16}
"""FLOPs of a whole run from which compiling pays: about five minutes of training on two
AVX512-BF16 cores, minutes on one large GPU (estimated, not measured). On those cores compiling took
ten seconds to a minute and made steps 0.9 to 1.5 times as fast (benchmarks/LOG.md): small models
may lose. Counted, not timed: two runs must decide alike, or their losses would differ.
"""

TRIAL_FROM_SECONDS = 150.0
"""A run by the clock is no other's equal anyway, and can try: with less time than this left, what a
third more steps gain hardly pays for compiling."""

TRIAL_PAIRS = 12
"""Pairs of an eager and a compiled step in a trial. The first two do not count."""

TOO_SHORT = "not compiling: what that takes would not be earned back in the time that is left"
AS_RECORDED = "not compiling: a run that repeats another's progress does so only if told to"


def compile_obstacle(model: nn.Module, device: torch.device) -> str:
    """Return why ``compile = "auto"`` cannot compile at all; empty where it can.

    It can on CUDA and on CPUs with a C++ compiler; but no recurrent network, for its loop over time
    would be unrolled.
    """
    if device.type not in PAYS_FROM:
        return f"not tried on {device.type}"
    if device.type == "cpu" and not has_compiler():
        return f"no C++ compiler was found: {compiler_name()}, or what CXX names"
    if isinstance(model, RNN):
        return "a recurrent network's loop over time would be unrolled"
    return ""


class Compilation:
    """The objective, compiled where that pays for the shape that micro-batches have now.

    Each shape is one compilation: code for one shape is faster than code for any, and a ramp has
    few of them. It happens between two steps, so that no step is timed with it.

    Attributes:
        objective: what to learn, compiled or plain.
    """

    def __init__(
        self,
        objective: Objective,
        model: nn.Module,
        masters: Masters,
        config: TrainConfig,
        device: torch.device,
        display: Display,
        horizon: Horizon,
        workers: Workers,
    ) -> None:
        self.workers = workers
        self.plain_objective, self.objective = objective, objective
        self.model, self.masters, self.config = model, masters, config
        self.device, self.display, self.horizon = device, display, horizon
        self._shape: torch.Size | None = None
        self._choice: Literal["on", "off", "try"] | None = None  # None: not decided yet
        self._compiled_objective = objective
        self._trial: Trial | None = None

    @property
    def compiled(self) -> bool:
        """Whether the objective is compiled."""
        return self.objective is not self.plain_objective

    def prepare(self, next_batch: StepBatch) -> bool:
        """Make ready for a batch, compiling if need be; return whether time went by."""
        shape = next_batch.first_part().inputs.shape
        if shape != self._shape:
            self._shape = shape
            self.objective, self._trial = self.plain_objective, None
            if self._choice is None:
                self._choice = self._choose(next_batch)
            if self._choice == "on":
                self._compile(next_batch)
            elif self._choice == "try":
                if not self._time_to_earn():
                    self.display.say(TOO_SHORT)
                elif self._compile(next_batch):
                    self._trial = Trial()
            return True
        if self._trial is not None:
            self._use(self._trial.turn)
        return False

    def stepped(self, seconds: float) -> None:
        """Note how long a step took, for a trial of compiled steps against eager ones."""
        trial = self._trial
        if trial is None:
            return
        trial.seconds.append(seconds)
        if trial.over:
            share = trial.share()
            faster = share < 1
            self._use("compiled" if faster else "eager")
            says = f"compiled steps take {share:.2f} of the time of eager ones"
            self.display.say(says if faster else f"{says}: back to those")
            self._trial = None

    def _use(self, kind: Literal["eager", "compiled"]) -> None:
        self.objective = self._compiled_objective if kind == "compiled" else self.plain_objective

    def _compile(self, next_batch: StepBatch) -> bool:
        """Compile for a batch's shape; return whether that was possible."""
        self.display.say("compiling the forward and backward pass, up to a minute")
        start = time.perf_counter()
        self.objective = self._compiled_objective = compile_objective(
            self.plain_objective,
            self.model,
            next_batch.first_part().to(self.device),
            self.masters,
            self.display.warn,
            self.workers,
        )
        seconds = time.perf_counter() - start
        self.horizon.paused(seconds)
        if self.compiled:
            self.display.say(f"compiled in {duration(seconds)}")
        return self.compiled

    def _choose(self, next_batch: StepBatch) -> Literal["on", "off", "try"]:
        """Decide for the whole run, and say why not."""
        config = self.config
        if config.compile != "auto":
            return config.compile
        if obstacle := compile_obstacle(self.model, self.device):
            self.display.say(f"not compiling: {obstacle}")
            return "off"
        if isinstance(self.horizon, Recorded):
            self.display.say(AS_RECORDED)
            return "off"
        if config.duration.seconds is not None:
            choice: Literal["on", "off", "try"] = "try" if self._time_to_earn() else "off"
        else:  # a sequence is as long as any, however short a ramp's rows are now
            tokens = next_batch.batch.inputs.numel() // next_batch.sequences
            sequence_flops = tokens * flops_per_token(self.model, tokens)
            run_flops = sequence_flops * num_sequences(config, config.max_steps)
            choice = "on" if run_flops >= PAYS_FROM[self.device.type] else "off"
        if choice == "off":
            self.display.say(TOO_SHORT)
        return choice

    def _time_to_earn(self) -> bool:
        return isinstance(self.horizon, Clock) and self.horizon.left >= TRIAL_FROM_SECONDS


class Trial:
    """Whether compiled steps are faster: eager and compiled ones in turn.

    A machine that others use as well may be a third slower for some seconds, which is more than
    compiling gains: steps of one kind after those of the other would be judged by when they ran.

    Attributes:
        seconds: what the steps took, eager and compiled ones in turn.
    """

    def __init__(self) -> None:
        self.seconds: list[float] = []

    @property
    def turn(self) -> Literal["eager", "compiled"]:
        """Which kind the next step is."""
        return "compiled" if len(self.seconds) % 2 else "eager"

    @property
    def over(self) -> bool:
        """Whether there were enough."""
        return len(self.seconds) == 2 * TRIAL_PAIRS

    def share(self) -> float:
        """Return what a compiled step takes of the time of the eager one before it, the median."""
        eager, compiled = self.seconds[4::2], self.seconds[5::2]
        return statistics.median(b / a for a, b in zip(eager, compiled, strict=True))


def compile_cache() -> Path:
    """Return the folder of compiled code, ``~/.cache/groundup/compiled`` by default."""
    home = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    return Path(home) / "groundup" / "compiled"


def _let_others_run() -> None:
    """Have compiled kernels let go of the interpreter's lock, so that ``Workers`` run at once.

    Inductor calls them with the lock held. Where another torch calls them otherwise, nothing is
    changed: workers then wait for each other.
    """
    from torch._inductor import codecache  # slow to import

    bindings: Any = getattr(codecache, "CppPythonBindingsCodeCache", None)
    if getattr(bindings, "call_entry_function", "") == "kernel({}); Py_RETURN_NONE;":
        # The arguments are read while the lock is held, as those of the function; and it is held
        # again where what the kernel throws is caught.
        bindings.call_entry_function = (
            "[](auto... a) {{ struct Unlocked {{ PyThreadState* state = PyEval_SaveThread(); "
            "~Unlocked() {{ PyEval_RestoreThread(state); }} }} unlocked; kernel(a...); }}({}); "
            "Py_RETURN_NONE;"
        )


def compile_objective(
    objective: Objective,
    model: nn.Module,
    batch: Batch,
    masters: Masters,
    warn: Callable[[str], None],
    workers: Workers | None = None,
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
        workers: that will take parts of the batch: one of their parts is compiled.
    """
    workers = workers or Workers()
    # By default it would lie in /tmp, which a restart empties; a folder the user named stays.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(compile_cache()))
    _let_others_run()
    # What was compiled for another shape or training is over. Torch would keep it, and from the
    # ninth on (its recompile_limit) compile nothing, with no more than a line in its own log.
    torch.compiler.reset()
    compiled: Objective = torch.compile(objective, dynamic=False)
    try:
        parts = workers.parts(batch)
        with rng.isolated(batch.inputs.device):
            workers.alone(lambda: compiled(model, parts[0]).sum.backward(), len(parts))
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
