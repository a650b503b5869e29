"""Which tokens stand in which sequence of an epoch: a stream that is cut, or documents that fit.

Both give ``sequences_per_epoch`` rows of at most T tokens in random order, each epoch anew, as a
pure function of (seed, epoch).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from groundup.data.shards import TokenShards
from groundup.data.windows import PADDING


@dataclass(frozen=True)
class Waste:
    """What packing costs, in the first epoch.

    Attributes:
        padding: share of the batches' places that hold no token.
        cut: share of the documents that stand in more than one sequence.
    """

    padding: float
    cut: float

    def __str__(self) -> str:
        return f"{self.padding:.2%} padding, {self.cut:.1%} of the documents cut"


class Packing(Protocol):
    """How an epoch's tokens are laid out in sequences."""

    sequences_per_epoch: int
    tokens_per_sequence: float

    def places(self, epoch: int, numbers_B: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return which tokens stand in some of an epoch's sequences, (B, T); -1 for padding."""
        ...

    def waste(self) -> Waste:
        """Measure what this packing costs."""
        ...


class Stream:
    """Documents one after another, cut where a sequence ends.

    An epoch cuts the split, read as a ring, into ``tokens // T`` windows from a random offset on
    and visits each once in random order; the next epoch cuts elsewhere, so that a token is not
    always seen with the same context. Fewer than T tokens of an epoch are left over.
    """

    def __init__(self, shards: TokenShards, context_length: int, seed: int) -> None:
        self.shards, self.context_length, self.seed = shards, context_length, seed
        self.sequences_per_epoch = len(shards) // context_length
        self.tokens_per_sequence = float(context_length)
        self._starts: tuple[int, NDArray[np.int64]] = (-1, np.zeros(0, np.int64))

    def places(self, epoch: int, numbers_B: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of windows of an epoch."""
        if self._starts[0] != epoch:
            self._starts = (epoch, self._cut(epoch))
        starts_B = self._starts[1][numbers_B]
        return (starts_B[:, None] + np.arange(self.context_length)) % len(self.shards)

    def waste(self) -> Waste:
        """Count the documents that a window's end cuts: no place is lost to padding."""
        N, T = len(self.shards), self.context_length
        first = self.shards.document_starts
        last = np.append(first[1:], N) - 1
        offset = int(_random(self.seed, 0).random_raw()) % N
        first, last = (first - offset) % N, (last - offset) % N
        return Waste(0.0, float(((first > last) | (first // T != last // T)).mean()))

    def _cut(self, epoch: int) -> NDArray[np.int64]:
        """Return the first tokens of an epoch's windows in the order of their visit."""
        raw = _random(self.seed, epoch).random_raw(1 + self.sequences_per_epoch)
        offset = int(raw[0]) % len(self.shards)
        return (offset + _order(raw[1:]) * self.context_length) % len(self.shards)


class BestFit:
    """Documents whole where they fit a sequence (Ding et al., arXiv 2404.10830, section 3).

    A document longer than T is cut into pieces of T tokens and a remainder; the pieces of all
    documents, longest first, each go where the least room is left for them. Every token stands in
    an epoch exactly once. Each epoch is shuffled: the order of the rows, which of equally long
    pieces goes where, and after how many of a long document's pieces its remainder is cut.
    """

    def __init__(self, shards: TokenShards, context_length: int, seed: int) -> None:
        self.shards, self.context_length, self.seed = shards, context_length, seed
        T, starts = context_length, shards.document_starts
        self._lengths = np.diff(starts, append=len(shards))  # of the documents, in tokens
        self._num_pieces = -(-self._lengths // T)
        # Lengths are the same in every epoch, so the layout of the rows is too.
        lengths = np.sort(self._cut(np.zeros_like(starts))[1])[::-1]
        self._rows = best_fit_rows(lengths, T)
        self.sequences_per_epoch = int(self._rows.max()) + 1
        self.tokens_per_sequence = len(shards) / self.sequences_per_epoch
        self._layout: tuple[int, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]] | None
        self._layout = None

    def places(self, epoch: int, numbers_B: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the places of rows of an epoch; padding is at the end of a row."""
        if self._layout is None or self._layout[0] != epoch:
            self._layout = (epoch, *self._lay_out(epoch))
        _, starts, lengths, first_piece = self._layout
        places_BT = np.full((len(numbers_B), self.context_length), PADDING, np.int64)
        for row, number in enumerate(numbers_B):
            here = slice(first_piece[number], first_piece[number + 1])
            pieces = zip(starts[here], lengths[here], strict=True)
            tokens = np.concatenate([np.arange(start, start + n) for start, n in pieces])
            places_BT[row, : len(tokens)] = tokens
        return places_BT

    def waste(self) -> Waste:
        """Count the padding, and the documents longer than a sequence."""
        filled = self.tokens_per_sequence / self.context_length
        return Waste(1 - filled, float((self._num_pieces > 1).mean()))

    def _cut(self, before: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return starts and lengths of all pieces, given how many full ones precede a remainder."""
        T = self.context_length
        document = np.repeat(np.arange(len(self._lengths)), self._num_pieces)
        first_piece = np.cumsum(self._num_pieces) - self._num_pieces
        number = np.arange(len(document)) - first_piece[document]  # of a piece in its document
        remainder = ((self._lengths - 1) % T + 1)[document]  # T where nothing is left over
        lengths = np.where(number == before[document], remainder, T)
        shift = np.where(number > before[document], T - remainder, 0)
        return self.shards.document_starts[document] + number * T - shift, lengths

    def _lay_out(
        self, epoch: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return starts and lengths of the pieces row by row, and the first piece of each row."""
        documents, pieces, rows = len(self._lengths), len(self._rows), self.sequences_per_epoch
        raw = _random(self.seed, epoch).random_raw(documents + 2 * pieces + rows)
        draws = np.split(raw, np.cumsum([documents, pieces, pieces]))
        starts, lengths = self._cut((draws[0] % self._num_pieces.astype(np.uint64)).astype(int))
        by_length = np.lexsort((draws[1], -lengths))
        row = _order(draws[3])[self._rows]
        order = by_length[by_row := np.lexsort((draws[2], row))]
        first_piece = np.searchsorted(row[by_row], np.arange(rows + 1))
        return starts[order], lengths[order], first_piece


def best_fit_rows(lengths_N: NDArray[np.int64], capacity: int) -> NDArray[np.int64]:
    """Put pieces into rows, each where the least room is left for it, or into a new row.

    Best fit decreasing. Pieces of one length are placed together: the row with the least room s ≥ L
    has s - L after one of them, which is the least room again if another fits. So each row of room
    s takes as many as it can before the next one takes any, and rows of equal room are handled as
    one array: a few operations per length, however many pieces there are.

    Args:
        lengths_N: lengths that do not rise, each in 1 … ``capacity``.
        capacity: T.

    Returns:
        The row of each piece, (N,), counted from 0.
    """
    rows_N = np.empty(len(lengths_N), np.int64)
    rooms: dict[int, NDArray[np.int64]] = {}  # rows by the room left in them
    occupied = 0  # bit s is set where there are rows of room s
    done = num_rows = 0
    for length, count in _runs(lengths_N):
        while count:
            fitting = occupied >> length
            if fitting:
                room = length + (fitting & -fitting).bit_length() - 1
                rows = rooms.pop(room)
                occupied &= ~(1 << room)
            else:
                room = capacity
                rows = num_rows + np.arange(-(-count // (capacity // length)))
                num_rows += len(rows)
            each = room // length
            placed = min(count, each * len(rows))
            rows_N[done : done + placed] = np.repeat(rows, each)[:placed]
            done, count = done + placed, count - placed
            full, rest = divmod(placed, each)
            for some, left in (
                (rows[:full], room - each * length),
                (rows[full : full + 1], room - rest * length),
                (rows[full + 1 :], room),
            ):
                if len(some) and left:
                    rooms[left] = np.concatenate((rooms[left], some)) if left in rooms else some
                    occupied |= 1 << left
    return rows_N


def _runs(lengths_N: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Yield each length, longest first, and how often it comes."""
    lengths, counts = np.unique(lengths_N, return_counts=True)
    yield from zip(lengths[::-1].tolist(), counts[::-1].tolist(), strict=True)


def _random(seed: int, epoch: int) -> np.random.PCG64:
    return np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(epoch,)))


def _order(raw: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return a random order.

    numpy promises that a bit generator's raw numbers stay as they are (NEP 19) but not what
    ``Generator.permutation`` makes of them, so the shuffle is a sort by raw numbers.
    """
    return np.argsort(raw, kind="stable").astype(np.int64)
