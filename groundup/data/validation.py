"""Validation batches: the whole split, once, in order."""

from collections.abc import Iterator

import numpy as np

from groundup.data.batch import Batch
from groundup.data.shards import TokenShards
from groundup.data.windows import cut_windows
from groundup.errors import UserError


def validation_batches(
    shards: TokenShards, *, batch_size: int, context_length: int, document_mask: bool = False
) -> Iterator[Batch]:
    """Yield batches in which every token after the first is a target exactly once.

    Windows follow one another without overlap. All batches have the same shape, so that a compiled
    model is compiled once: what lies past the end reads on from the split's start and has
    ``loss_mask`` False.

    Args:
        shards: the split to read.
        batch_size: sequences per batch, B.
        context_length: tokens per sequence, T.
        document_mask: also give each token's document and its position there.

    Raises:
        UserError: the split has fewer than two tokens (at once, not at the first batch).
    """
    if len(shards) < 2:
        raise UserError(
            f"{shards.folder}: the {shards.split} split has {len(shards)} tokens, too few to "
            "measure anything; raise corpus.validation_fraction or add text to corpus.sources"
        )
    return _batches(shards, batch_size, context_length, document_mask)


def _batches(shards: TokenShards, B: int, T: int, document_mask: bool) -> Iterator[Batch]:
    num_targets = len(shards) - 1
    for first in range(0, num_targets, B * T):
        starts_B = first + np.arange(B) * T
        yield cut_windows(
            shards,
            starts_B,
            T,
            document_mask=document_mask,
            num_targets_B=np.clip(num_targets - starts_B, 0, T),
        )
