"""The learning rate over time, as a multiple of its peak."""

import math

from groundup.train.config import TrainConfig


def multiplier(step: int, config: TrainConfig) -> float:
    """Return the learning rate of a step as a part of the peak, in (0, 1].

    Warm-up is linear and reaches the peak at step ``warmup_steps - 1``: the first step already
    learns. What follows:

    - ``cosine`` falls along half a cosine (arXiv 1608.03983, eq. 5) from the end of warm-up;
    - ``wsd`` stays, then falls linearly over the last ``decay_fraction`` of the steps (arXiv
      2405.18392): a run can be made longer without having planned it;
    - ``constant`` stays.

    The end value ``final_fraction`` is that of the step after the last: no step is spent at rate 0.

    Args:
        step: counted from 0.
        config: names the schedule; only its numbers matter, never the time.
    """
    assert 0 <= step < config.max_steps
    warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    # Where warm-up and decay meet, in very short runs, the lower of the two holds.
    return min(warm, _after_warmup(step, config))


def _after_warmup(step: int, config: TrainConfig) -> float:
    final = config.final_fraction
    left = config.max_steps - step
    match config.schedule:
        case "constant":
            return 1.0
        case "cosine":
            decay_steps = max(1, config.max_steps - config.warmup_steps)
            share_left = min(1.0, left / decay_steps)
            return final + (1 - final) * (1 - math.cos(math.pi * share_left)) / 2
        case "wsd":
            decay_steps = max(1, round(config.decay_fraction * config.max_steps))
            return final + (1 - final) * min(1.0, left / decay_steps)
