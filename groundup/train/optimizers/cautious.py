"""Weight decay that never works against the update."""

from torch import Tensor


def decay_cautiously(weight: Tensor, update: Tensor, share: float) -> None:
    """Take ``share`` of a weight away, in place, where the update shrinks it too.

    Where the two disagree the loss wants the weight larger, and decay would only undo the step
    (arXiv 2510.12402).

    Args:
        weight: before the step.
        update: of the same shape; a positive multiple of it is about to be subtracted.
        share: learning rate times weight decay.
    """
    weight.sub_(weight * (weight * update >= 0), alpha=share)
