"""Where a run stands, and how it ended."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch

from groundup.errors import UserError
from groundup.train import rng
from groundup.train.checkpoint import Checkpoints, Tensors
from groundup.train.config import TrainConfig
from groundup.train.loss import BatchSource, ResizableSource
from groundup.train.spikes import SpikeGuard
from groundup.train.validate import Validation


@dataclass
class RunState:
    """The counters of a run; with weights, optimizer state and generators, all there is.

    Attributes:
        step: steps done.
        tokens: read in them, without padding.
        seconds: spent in them, without validation, samples and checkpoints.
        elapsed: seconds on the wall since the run began, all sessions up to their checkpoints.
        begun: ``elapsed`` as the first step began; None before.
        progress: share of the run that was done as the latest step began.
        ends: seconds that the parts of the run's end take, for a budget of time.
        budget: of time, in seconds, that ``progress`` is the share of; 0 without one.
        finished: the run has ended as it should, with all its steps or time.
        last: the latest validation.
        best: the one with the lowest loss.
        best_step: steps done then.
        file_bytes: lengths of the run's JSON-lines files.
        spikes: the last accepted steps, and how many were skipped.
    """

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0
    elapsed: float = 0.0
    begun: float | None = None
    progress: float = 0.0
    ends: dict[str, float] = field(default_factory=dict)
    budget: float = 0.0
    finished: bool = False
    last: Validation | None = None
    best: Validation | None = None
    best_step: int | None = None
    file_bytes: dict[str, int] = field(default_factory=dict)
    spikes: SpikeGuard = field(default_factory=SpikeGuard)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "RunState":
        """Return what ``dataclasses.asdict`` wrote; other keys are passed over."""
        values = {known.name: content[known.name] for known in fields(cls)}
        for name in ("last", "best"):
            if values[name] is not None:
                values[name] = Validation(**values[name])
        values["spikes"] = SpikeGuard(**values["spikes"])
        return cls(**values)

    def advance(self, tokens: int, seconds: float, progress: float) -> None:
        """Count a step that began at ``progress``."""
        self.step += 1
        self.tokens += tokens
        self.seconds += seconds
        self.progress = progress

    def record_validation(self, validation: Validation) -> bool:
        """Note a validation; return whether it is the best so far."""
        self.last = validation
        if self.best is not None and not validation.nats_per_token < self.best.nats_per_token:
            return False
        self.best, self.best_step = validation, self.step
        return True


def resume(
    checkpoints: Checkpoints,
    tensors: Tensors,
    batches: BatchSource,
    config: TrainConfig,
    device: torch.device,
) -> RunState:
    """Put tensors, batches and generators where the newest whole checkpoint left them.

    Args:
        checkpoints: of the run; where there is none yet, nothing is changed.
        tensors: read into.
        batches: checked to be of the data that the checkpoint is of; with a ramp, resized.
        config: of the run.
        device: whose generators are restored.

    Returns:
        The run's counters then.

    Raises:
        UserError: the run has trained longer than ``config`` says, or the checkpoints are damaged,
            or of another model or other data.
    """
    saved = checkpoints.resume(tensors, lambda state: batches.check_state(state["loader"]))
    if saved is None:
        return RunState()
    state = RunState.from_json(saved)
    if config.batch_ramp or config.length_ramp:
        assert isinstance(batches, ResizableSource), "a ramp needs batches that can be resized"
        batches.restore(saved["loader"])
    if not config.budget and state.step > config.max_steps:
        raise UserError(
            f"{checkpoints.folder.parent} has already trained {state.step} steps, more than "
            f"max_steps {config.max_steps}; raise it, or remove that folder to start anew"
        )
    rng.restore(saved["rng"], device)
    return state


@dataclass(frozen=True)
class FitResult:
    """How a training run ended.

    Attributes:
        step: steps done, those before a resume included; so are the other counts.
        tokens: read in them, without padding.
        seconds: spent in them, without validation, samples and checkpoints.
        elapsed: seconds on the wall, everything included.
        last: the latest validation, None where there was none.
        best: the one with the lowest loss.
        best_step: steps done then.
        checkpoint: folder of the newest checkpoint.
        best_checkpoint: folder of the best validation's; None without one, or where by the clock
            there was no time to save it.
        interrupted: a signal asked the run to stop; it has been saved, all of it if it was over.
    """

    step: int
    tokens: int
    seconds: float
    elapsed: float
    last: Validation | None
    best: Validation | None
    best_step: int | None
    checkpoint: Path | None
    best_checkpoint: Path | None
    interrupted: bool

    @classmethod
    def of(cls, state: RunState, checkpoints: Checkpoints, *, interrupted: bool) -> "FitResult":
        """Return the result of a run that stands at ``state``."""
        return cls(
            step=state.step,
            tokens=state.tokens,
            seconds=state.seconds,
            elapsed=state.elapsed,
            last=state.last,
            best=state.best,
            best_step=state.best_step,
            checkpoint=checkpoints.newest(),
            best_checkpoint=checkpoints.best(),
            interrupted=interrupted,
        )

    @property
    def tokens_per_second(self) -> float:
        """Mean speed of the steps."""
        return self.tokens / self.seconds if self.seconds else 0.0
