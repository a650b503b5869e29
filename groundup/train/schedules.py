"""What changes while a model is trained: pure functions of how far the run is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from groundup.train.config import TrainConfig

FIRST_SHARE = 0.001
"""Where warm-up as a share of a time budget begins: the clock stands at 0 in the first step, which
should learn all the same."""


@dataclass(frozen=True)
class Progress:
    """How far a run is as a step begins.

    Attributes:
        step: steps done.
        share: of the budget that is used, in [0, 1).
        num_steps: steps in all, None where the clock decides.
    """

    step: int
    share: float
    num_steps: int | None = None

    @classmethod
    def in_steps(cls, step: int, num_steps: int) -> "Progress":
        """Return the progress of a run whose steps are counted."""
        assert 0 <= step < num_steps
        return cls(step, step / num_steps, num_steps)

    def left(self, share: float) -> float:
        """Return how much of the last ``share`` of the run is left, in (0, 1].

        A run that is counted in steps gives that part whole steps, at least one.
        """
        if self.num_steps is not None:
            steps = max(1, round(share * self.num_steps))
            return min(1.0, (self.num_steps - self.step) / steps)
        return min(1.0, (1 - self.share) / share) if share else 1.0


def multiplier(progress: Progress, config: TrainConfig) -> float:
    """Return the learning rate of a step as a part of the peak, in (0, 1].

    Warm-up is linear and reaches the peak at step ``warmup_steps - 1``: the first step already
    learns. ``warmup_fraction`` gives it a share of the run instead. What follows:

    - ``wsd`` stays, then falls linearly over the last ``decay_fraction`` of the run (arXiv
      2405.18392): a run can be made longer without having planned it;
    - ``cosine`` falls along half a cosine (arXiv 1608.03983, eq. 5) from the end of warm-up; by the
      clock and with warm-up in steps, which take a time not known before, from the beginning;
    - ``inverse_sqrt`` falls as 1/√step after warm-up (arXiv 1706.03762, section 5.3), and needs to
      know nothing of the end;
    - ``constant`` stays.

    The end value ``final_fraction`` is that of the step after the last: no step is spent at rate 0.
    """
    # Where warm-up and decay meet, in very short runs, the lower of the two holds.
    return min(_warmup(progress, config), _after_warmup(progress, config))


def batch_multiplier(sequences: int, config: TrainConfig) -> float:
    """Return what a step of fewer ``sequences`` than ``batch_size`` multiplies its rate by.

    The square root of the share: noise in an adaptive or normalized update goes with lr/√B, so this
    keeps it as it is at the full batch (Malladi et al., arXiv 2205.10287, section 5; batch size
    warm-up by the same rule: arXiv 2505.23971).
    """
    return math.sqrt(sequences / config.batch_size)


def ramp(stages: Sequence[tuple[float, int]], share: float, full: int) -> int:
    """Return the value of a ramp, ``((until, value), …)`` with rising ends, and ``full`` after."""
    return next((value for until, value in stages if share < until), full)


def _warmup(progress: Progress, config: TrainConfig) -> float:
    if not config.warmup_fraction:
        steps = config.warmup_steps
    elif progress.num_steps is not None:
        steps = _warmup_steps(config, progress.num_steps)
    else:
        return min(1.0, max(progress.share, FIRST_SHARE) / config.warmup_fraction)
    return min(1.0, (progress.step + 1) / steps) if steps else 1.0


def _warmup_steps(config: TrainConfig, num_steps: int) -> int:
    """Return the length of warm-up in a run whose steps are counted."""
    if config.warmup_fraction:
        return max(1, round(config.warmup_fraction * num_steps))
    return config.warmup_steps


def _after_warmup(progress: Progress, config: TrainConfig) -> float:
    final = config.final_fraction
    match config.schedule:
        case "constant":
            return 1.0
        case "inverse_sqrt":
            if not config.warmup_fraction:
                return min(1.0, math.sqrt(config.warmup_steps / (progress.step + 1)))
            return min(1.0, math.sqrt(config.warmup_fraction / max(progress.share, FIRST_SHARE)))
        case "cosine":
            if progress.num_steps is None:
                left = progress.left(1 - config.warmup_fraction)
            else:
                decay_steps = progress.num_steps - _warmup_steps(config, progress.num_steps)
                left = min(1.0, (progress.num_steps - progress.step) / max(1, decay_steps))
            return final + (1 - final) * (1 - math.cos(math.pi * left)) / 2
        case "wsd":
            return final + (1 - final) * progress.left(config.decay_fraction)
