"""Reading token shards into batches: one vectorised gather from the memory map.

A split is read as a ring: after its last token comes its first, the end_of_text that ends the last
document. So a window may start anywhere, none is shorter than another, and every token has one that
follows it: for a document's last that is an end_of_text, whichever document comes next.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from groundup.data.batch import Batch
from groundup.data.shards import TokenShards
from groundup.errors import UserError

PADDING = -1
"""The place of a token that is none: read as an end_of_text, and nothing is learned from it."""


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
    columns_T = np.arange(context_length)
    places_BT = (starts_B[:, None] + columns_T) % len(shards)
    loss_mask_BT = None
    if num_targets_B is not None:
        loss_mask_BT = columns_T < num_targets_B[:, None]
    return read_places(shards, places_BT, document_mask=document_mask, loss_mask_BT=loss_mask_BT)


def read_places(
    shards: TokenShards,
    places_BT: NDArray[np.int64],
    *,
    document_mask: bool,
    loss_mask_BT: NDArray[np.bool_] | None = None,
) -> Batch:
    """Return the tokens at some places, each with the one that follows it in its document.

    Args:
        shards: the split to read.
        places_BT: numbers of the inputs' tokens, below ``len(shards)``, or ``PADDING``.
        document_mask: also give document ids and positions; padding is a document of its own.
        loss_mask_BT: which targets count; by default all but those of padding.

    Raises:
        UserError: the file holds an id outside the vocabulary.
    """
    padding_BT = places_BT == PADDING
    inputs_BT = shards.tokens[np.where(padding_BT, 0, places_BT)]
    targets_BT = shards.tokens[(places_BT + 1) % len(shards)]  # of padding, the token at 0 again
    largest = max(inputs_BT.max(), targets_BT.max())  # about 5 µs for 8,192 ids
    if largest >= shards.vocab_size:
        raise UserError(
            f"{shards.folder / shards.split}.bin: token id {largest} is outside the "
            f"vocabulary of {shards.vocab_size}, so the file was damaged; remove the folder "
            f"{shards.folder} and tokenize again"
        )
    document_ids = positions = None
    if document_mask:
        document_ids, positions = _documents(shards, places_BT)
    return Batch(
        inputs=torch.from_numpy(inputs_BT.astype(np.int64)),
        targets=torch.from_numpy(targets_BT.astype(np.int64)),
        loss_mask=torch.from_numpy(~padding_BT if loss_mask_BT is None else loss_mask_BT),
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
    # A part of a document that does not begin with its beginning, after another one.
    apart_BT = places_BT[:, 1:] != (places_BT[:, :-1] + 1) % len(shards)
    apart_BT &= (places_BT[:, 1:] != PADDING) | (places_BT[:, :-1] != PADDING)
    begins_BT[:, 1:] |= apart_BT
    document_ids_BT = np.cumsum(begins_BT, axis=1) - 1
    columns_T = np.arange(places_BT.shape[1])
    first_BT = np.maximum.accumulate(np.where(begins_BT, columns_T, 0), axis=1)
    return torch.from_numpy(document_ids_BT), torch.from_numpy(columns_T - first_BT)
