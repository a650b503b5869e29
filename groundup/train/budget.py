"""What a budget and its ramps come to: steps, sequences and tokens, before the run."""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise

from groundup.errors import UsageError
from groundup.train.config import TrainConfig
from groundup.train.schedules import ramp


@dataclass(frozen=True)
class StepSize:
    """Some steps of one size.

    Attributes:
        steps: how many.
        sequences: per step, of the model's context length.
        length: tokens per row; sequences are cut into rows of this length.
    """

    steps: int
    sequences: int
    length: int


def step_sizes(config: TrainConfig, num_steps: int, context_length: int) -> list[StepSize]:
    """Return the sizes of the steps of a run, in order; one where nothing is ramped.

    Args:
        config: batch size and ramps.
        num_steps: of the run.
        context_length: T, tokens.
    """
    ends = [until for until, _ in (*config.batch_ramp, *config.length_ramp)]
    # the first step of a run whose share is not below the ramp's end
    firsts = {bisect_left(range(num_steps), end, key=lambda s: s / num_steps) for end in ends}
    bounds = sorted({0, num_steps, *firsts})
    sizes = []
    for first, after in pairwise(bounds):
        sequences, length = sizes_at(config, first / num_steps, context_length)
        sizes.append(StepSize(after - first, sequences, length))
    return sizes


def sizes_at(config: TrainConfig, share: float, context_length: int) -> tuple[int, int]:
    """Return the sequences of a step and the tokens of a row at this share of the run."""
    sequences = ramp(config.batch_ramp, share, config.batch_size)
    return sequences, ramp(config.length_ramp, share, context_length)


def num_sequences(config: TrainConfig, num_steps: int) -> int:
    """Return how many sequences (of the model's context length) a run of so many steps reads."""
    return sum(size.steps * size.sequences for size in step_sizes(config, num_steps, 1))


def steps_for(config: TrainConfig, sequences: float) -> int:
    """Return the fewest steps that read so many sequences, at least one."""
    most = 1
    while num_sequences(config, most) < sequences:
        most *= 2
    return bisect_left(range(most), sequences, lo=1, key=lambda n: num_sequences(config, n))


def check_length_ramp(config: TrainConfig, context_length: int) -> None:
    """Check that rows of the ramp's lengths fill sequences of ``context_length`` tokens.

    Raises:
        UsageError: they do not.
    """
    for _, length in config.length_ramp:
        if length >= context_length or context_length % length:
            raise UsageError(
                f"pretrain.length_ramp: {length} tokens should be a smaller divisor of "
                f"model.context_length {context_length}"
            )


def settle(
    config: TrainConfig,
    *,
    context_length: int,
    tokens_per_sequence: float,
    sequences_per_epoch: int,
) -> TrainConfig:
    """Turn a budget in steps, tokens or epochs into ``max_steps``; one in time stays.

    Steps are whole, so the last may read past the tokens or into the next epoch.

    Args:
        config: with a budget or without.
        context_length: T, tokens; rows of the length ramp divide it.
        tokens_per_sequence: mean, without padding.
        sequences_per_epoch: in the training split.

    Raises:
        UsageError: ``length_ramp`` does not fit ``context_length``.
    """
    check_length_ramp(config, context_length)
    duration = config.duration
    match duration.unit:
        case "seconds":
            return config
        case "steps":
            steps = int(duration.amount)
        case "tokens":
            steps = steps_for(config, int(duration.amount) / tokens_per_sequence)
        case "epochs":
            steps = steps_for(config, float(duration.amount) * sequences_per_epoch)
    return config.model_copy(update={"max_steps": steps, "budget": ""})
