"""When a run ends, and how far it is: counted in steps, by the clock, or as once recorded."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from groundup.train.config import TrainConfig
from groundup.train.schedules import Progress
from groundup.train.state import RunState

MARGIN = 1.25
"""Of what the end of a run is expected to take: other programs may come."""

SHORTEST_STEP = 1e-3
"""Seconds that a step is taken to need before one has been timed."""


@dataclass
class Stopwatch:
    """Time on the wall over all sessions of a run.

    Attributes:
        before: seconds of earlier sessions, up to the checkpoint that this one goes on from.
        started: when this session began, by ``now``.
        now: the clock, in seconds.
    """

    before: float
    started: float
    now: Callable[[], float] = time.perf_counter

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.before + self.now() - self.started


class Horizon(ABC):
    """Says before each step whether there is one, and how far the run is.

    What is told to it, how long things took, matters to the clock only.
    """

    @abstractmethod
    def over(self, step: int) -> bool:
        """Return whether a run ends after ``step`` steps."""

    @abstractmethod
    def progress(self, step: int) -> Progress:
        """Return how far a run is after ``step`` steps; it is not over."""

    @abstractmethod
    def done(self, step: int) -> float:
        """Return the share of the run that ``step`` steps are, for what is averaged after the last.

        By the clock that is where the last of them began: what is recorded.
        """

    def stepped(self, seconds: float) -> None:  # noqa: B027 - who counts steps need not know
        """Note how long a step took."""

    def paused(self, seconds: float) -> None:  # noqa: B027
        """Note a time between two steps in which the schedule should stand still."""

    def ended(self, part: str, seconds: float) -> None:  # noqa: B027
        """Note how long a part of a run's end takes: what has been done of it is a forecast."""

    def affords(self, part: str) -> bool:  # noqa: ARG002 - only the clock asks what
        """Return whether a part of a run's end can be done now already, with steps after it."""
        return True

    @property
    def reserves_unknown(self) -> bool:
        """Whether the run's end has to be timed before its first step."""
        return False

    def note(self, state: RunState) -> None:  # noqa: B027
        """Note in the state that is saved what a resumed run needs to know."""


class Counted(Horizon):
    """A run of ``num_steps`` steps."""

    def __init__(self, num_steps: int) -> None:
        self.num_steps = num_steps

    def over(self, step: int) -> bool:
        """Return whether the steps are done."""
        return step >= self.num_steps

    def progress(self, step: int) -> Progress:
        """Return the share of the steps that is done."""
        return Progress.in_steps(step, self.num_steps)

    def done(self, step: int) -> float:
        """Return the share of the steps that is done."""
        return 1.0 if self.over(step) else self.progress(step).share


class Clock(Horizon):
    """A run that ends when its time is over, annealed.

    The budget is the time on the wall from the start of the stage to its end: compiling,
    validation, samples and checkpoints are in it, as a person who looks at a watch expects. Only
    what cannot be avoided at the end is held back, the *reserve*: the last validation, the last
    sample, and saving. Progress runs from 0 as the first step begins to 1 as the reserve begins, so
    that what was spent on compiling shortens the schedule and does not cut into it. It never runs
    backwards: where the reserve turns out larger or smaller, it jumps ahead or waits.

    A step is begun if one as long as the last would end before the reserve begins. So a run is late
    by no more than what its last step, or a validation before that, took longer than the one before
    it, and its last step has one to two steps' worth of the learning rate's fall left, like that of
    a run counted in steps. The first step is always taken.

    Args:
        budget: seconds.
        watch: what has been used of it.
        begun: the elapsed seconds as the first step began, None where it has not.
        share: progress of the latest step.
        ends: seconds that the parts of the run's end have taken or are expected to.
    """

    def __init__(
        self,
        budget: float,
        watch: Stopwatch,
        *,
        begun: float | None = None,
        share: float = 0.0,
        ends: dict[str, float] | None = None,
    ) -> None:
        self.budget, self.watch = budget, watch
        self.begun, self.share, self.ends = begun, share, dict(ends or {})
        self._first = begun is None
        self._step_seconds = SHORTEST_STEP

    @property
    def left(self) -> float:
        """Seconds until the reserve begins; negative after."""
        return self.budget - MARGIN * sum(self.ends.values()) - self.watch.elapsed

    def over(self, step: int) -> bool:
        """Return whether no further step fits."""
        return step > 0 and self.left < self._step_seconds

    def progress(self, step: int) -> Progress:
        """Return the share of the time that is used."""
        elapsed, left = self.watch.elapsed, self.left
        if self._first:
            self.begun = elapsed
        assert self.begun is not None
        used, whole = elapsed - self.begun, elapsed - self.begun + left
        # Where compiling has used up all, the one step that is left is the schedule's first.
        share = min(used / whole, 1 - 1e-9) if whole > 0 else 0.0
        self.share = max(self.share, share)
        return Progress(step, self.share)

    def done(self, step: int) -> float:  # noqa: ARG002 - the latest
        """Return the share of the time that was used as the latest step began."""
        return self.share

    def stepped(self, seconds: float) -> None:
        """Note how long a step took."""
        self._first, self._step_seconds = False, max(seconds, SHORTEST_STEP)

    def paused(self, seconds: float) -> None:
        """Note a time after the first step that belongs to no step.

        Less is left after it, but the schedule goes on from where it was.
        """
        assert self.begun is not None
        self.begun += seconds

    def ended(self, part: str, seconds: float) -> None:
        """Note how long a part of the run's end takes."""
        self.ends[part] = seconds

    def affords(self, part: str) -> bool:
        """Return whether ``part`` leaves time for a step."""
        return self.left > self.ends.get(part, 0.0) + self._step_seconds

    @property
    def reserves_unknown(self) -> bool:
        """Whether no session of this run has timed its end yet."""
        return "checkpoint" not in self.ends

    def note(self, state: RunState) -> None:
        """Note when the first step began, and how long the parts of the end take."""
        state.begun, state.ends = self.begun, self.ends


class Recorded(Horizon):
    """The progress of an earlier run, step by step: the run without its clock.

    Two runs by the clock differ, for no machine is as fast twice. Given the progress that
    ``metrics.jsonl`` holds, a run that compiled nothing is repeated bit for bit, and so is one with
    ``compile`` on; but where ``auto`` tried compiled steps, they began when the clock said so. With
    ``auto`` nothing is compiled here.
    """

    def __init__(self, shares: Sequence[float]) -> None:
        self.shares = list(shares)

    def over(self, step: int) -> bool:
        """Return whether the recorded run had no more steps."""
        return step >= len(self.shares)

    def progress(self, step: int) -> Progress:
        """Return what was recorded."""
        return Progress(step, self.shares[step])

    def done(self, step: int) -> float:
        """Return what was recorded of the last of the steps."""
        return self.shares[step - 1]


def horizon_of(config: TrainConfig, state: RunState, watch: Stopwatch) -> Horizon:
    """Return what decides the length of a run that stands at ``state``.

    Args:
        config: its budget, in time or settled to ``max_steps`` (``budget.settle``).
        state: where the run stands.
        watch: the time on the wall.
    """
    budget = config.duration
    if budget.unit == "steps":
        return Counted(int(budget.amount))
    seconds = budget.seconds
    assert seconds is not None, f"{budget}: only data can tell the steps; budget.settle first"
    if state.finished and state.budget >= seconds:
        return Recorded([])
    # A run that is given more time than at first goes back to where it is in that.
    share = state.progress if state.budget == seconds else 0.0
    return Clock(seconds, watch, begun=state.begun, share=share, ends=state.ends)
