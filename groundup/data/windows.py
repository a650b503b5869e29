"""Cutting token shards into batches: one vectorised gather from the memory map.

A split is read as a ring: after its last token comes its first, the end_of_text that ends the last
document. So a window may start anywhere, and none is shorter than another.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.data.batch import Batch
from groundup.data.shards import TokenShards
from groundup.errors import UserError


def cut_windows(
    shards: TokenShards,
    starts_B: NDArray[np.int64],
    context_length: int,
    *,
    document_mask: bool,
    num_targets_B: NDArray[np.int64] | None = None,
) -> Batch:
    """Return the windows that begin at tokens ``starts_B``, each with the token that follows it.

    Args:
        shards: the split to read.
        starts_B: first token of each window, any integers ≥ 0 (taken around the ring).
        context_length: T, tokens per window.
        document_mask: also give document ids and positions.
        num_targets_B: targets of each row that count, the first ones; by default all.

    Raises:
        UserError: the file holds an id outside the vocabulary.
    """
    B, T = len(starts_B), context_length
    offsets_T = np.arange(T + 1)
    places_BT = (starts_B[:, None] + offsets_T) % len(shards)  # (B, T + 1)
    ids_BT = shards.tokens[places_BT]
    if ids_BT.max() >= shards.vocab_size:  # about 3 µs for 8,192 ids
        raise UserError(
            f"{shards.folder / shards.split}.bin: token id {ids_BT.max()} is outside the "
            f"vocabulary of {shards.vocab_size}, so the file was damaged; remove the folder "
            f"{shards.folder} and tokenize again"
        )
    if num_targets_B is None:
        loss_mask = torch.ones(B, T, dtype=torch.bool)
    else:
        loss_mask = torch.from_numpy(offsets_T[:T] < num_targets_B[:, None])
    document_ids = positions = None
    if document_mask:
        document_ids, positions = _documents(shards, places_BT[:, :T])
    return Batch(
        inputs=torch.from_numpy(ids_BT[:, :T].astype(np.int64)),
        targets=torch.from_numpy(ids_BT[:, 1:].astype(np.int64)),
        loss_mask=loss_mask,
        document_ids=document_ids,
        positions=positions,
    )


def _documents(
    shards: TokenShards, places_BT: NDArray[np.int64]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return each token's document, counted from 0 in its row, and its place in that document.

    The part of a document that a window opens with counts from 0 too: what came before is not seen.
    """
    starts = shards.document_starts
    begins_BT = starts[np.searchsorted(starts, places_BT, side="right") - 1] == places_BT
    begins_BT[:, 0] = True
    document_ids_BT = np.cumsum(begins_BT, axis=1) - 1
    columns_T = np.arange(places_BT.shape[1])
    first_BT = np.maximum.accumulate(np.where(begins_BT, columns_T, 0), axis=1)
    return torch.from_numpy(document_ids_BT), torch.from_numpy(columns_T - first_BT)
