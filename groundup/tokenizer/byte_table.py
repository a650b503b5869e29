"""The bytes of every token side by side, so that those of many ids are gathered at once."""

from array import array
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.errors import UserError

BLOCK_IDS = 1 << 14
"""Ids gathered at a time: their bytes and places stay in the cache."""


class ByteTable:
    """What each id stands for, as bytes.

    Args:
        tokens: the bytes of id 0, 1, ….

    Attributes:
        lengths: bytes of each id, (V,) int64.
    """

    def __init__(self, tokens: Sequence[bytes]) -> None:
        self.lengths = np.array([len(token) for token in tokens], np.int64)
        self._starts = np.cumsum(self.lengths) - self.lengths
        self._data = np.frombuffer(b"".join(tokens), np.uint8)

    def gather(self, ids: Iterable[int]) -> bytes:
        """Return the bytes of ``ids``, a row of N integers, one after the other.

        Raises:
            UserError: an id is not below V.
        """
        numbers = _as_array(ids)
        outside = (numbers < 0) | (numbers >= len(self.lengths))
        if outside.any():
            raise UserError(
                f"id {numbers[outside][0]} is outside the vocabulary of {len(self.lengths)} tokens"
            )
        blocks = [numbers[i : i + BLOCK_IDS] for i in range(0, len(numbers), BLOCK_IDS)]
        return b"".join([self._gather_block(block) for block in blocks])

    def _gather_block(self, ids: NDArray[Any]) -> bytes:
        lengths = self.lengths[ids]
        written = np.cumsum(lengths) - lengths  # where each token begins in the block's bytes
        places = np.repeat(self._starts[ids] - written, lengths)
        places += np.arange(len(places))
        return self._data[places].tobytes()


def _as_array(ids: Iterable[int]) -> NDArray[Any]:
    """Return ``ids`` as (N,) integers; floats are refused, not cut."""
    if isinstance(ids, np.ndarray):
        if ids.ndim != 1 or (ids.dtype.kind not in "iu" and ids.size):
            raise TypeError(f"ids must be a row of integers, not {ids.dtype} of shape {ids.shape}")
        return ids if ids.size else np.empty(0, np.int64)
    numbers = list(ids)
    try:
        return np.asarray(array("q", numbers))
    except OverflowError:  # more than 64 bits: outside any vocabulary, as the caller will say
        return np.array(numbers, object)
