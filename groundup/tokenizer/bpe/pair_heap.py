"""Which pair comes next: a heap of the most frequent pairs, the rest waiting outside.

Most pairs are so rare that their turn never comes. Only pairs that occur at least ``floor`` times
are in the heap; when it is empty, the floor is lowered to three quarters of the best that is left,
and all pairs are looked through for those above it. So the heap stays small: about a thousand of
150,000 pairs for a vocabulary of 32,768.

A pair's count can fall while it waits in the heap. It is then put back with today's count when it
comes to the top. Counts never rise: every merge makes new pairs (`groundup.tokenizer.bpe.learn`).
"""

from typing import Any

import numpy as np

from groundup.kernels import kernel
from groundup.tokenizer.bpe.cells import Bytes, Numbers, Records

ENTRY = np.dtype([("count", np.int64), ("pair", np.int64)])
"""A pair that waits, and how often it occurred when it was put there."""

PAIR = np.dtype([("left", np.int32), ("right", np.int32), ("first", np.int64), ("size", np.int64)])
"""Two tokens, and where in the list of places those begin where the two have met, and how many."""


@kernel
def best_pair(
    heap: Records,
    size: int,
    floor: int,
    least: int,
    pair_counts: Numbers,
    pairs: Records,
    tokens: Records,
    data: Bytes,
) -> tuple[int, int]:
    """Bring the most frequent pair to the top; of several, that of the greatest bytes.

    Args:
        heap: the waiting pairs, with room for all.
        size: how many wait.
        floor: the count from which on pairs are in the heap.
        least: the count below which no pair is wanted.
        pair_counts: how often each pair occurs today.
        pairs: what the pairs are.
        tokens: what the tokens are.
        data: the bytes in which tokens stand.

    Returns:
        The size and the floor as they are now; size 0 if no pair is wanted.
    """
    while True:
        if size == 0:
            most = 0
            for count in pair_counts:
                most = max(most, count)
            if most < least:
                return 0, floor
            floor = max(least, most - most // 4)
            for pair in range(len(pair_counts)):
                if pair_counts[pair] >= floor:
                    size = push(heap, size, pair_counts[pair], pair, pairs, tokens, data)
        count = pair_counts[heap[0].pair]
        if count == heap[0].count:
            return size, floor
        if count >= floor:
            heap[0].count = count
            _sink(heap, size, pairs, tokens, data)
        else:
            size = pop(heap, size, pairs, tokens, data)


@kernel
def push(
    heap: Records, size: int, count: int, pair: int, pairs: Records, tokens: Records, data: Bytes
) -> int:
    """Put a pair into the heap; return its new size."""
    place = size
    heap[place].count, heap[place].pair = count, pair
    while place > 0 and _above(heap, place, (place - 1) >> 1, pairs, tokens, data):
        _swap(heap, place, (place - 1) >> 1)
        place = (place - 1) >> 1
    return size + 1


@kernel
def pop(heap: Records, size: int, pairs: Records, tokens: Records, data: Bytes) -> int:
    """Take the top out of the heap; return its new size."""
    _swap(heap, np.int64(0), size - 1)
    _sink(heap, size - 1, pairs, tokens, data)
    return size - 1


@kernel
def _sink(heap: Records, size: int, pairs: Records, tokens: Records, data: Bytes) -> None:
    """Bring the top to where it belongs."""
    place = np.int64(0)
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and _above(heap, child + 1, child, pairs, tokens, data):
            child += 1
        if not _above(heap, child, place, pairs, tokens, data):
            break
        _swap(heap, child, place)
        place = child


@kernel
def _swap(heap: Records, one: int, other: int) -> None:
    count, pair = heap[one].count, heap[one].pair
    heap[one].count, heap[one].pair = heap[other].count, heap[other].pair
    heap[other].count, heap[other].pair = count, pair


@kernel
def _above(
    heap: Records, one: int, other: int, pairs: Records, tokens: Records, data: Bytes
) -> bool:
    """Return whether one entry goes before another: by count, left bytes, right bytes."""
    if heap[one].count != heap[other].count:
        return heap[one].count > heap[other].count
    mine, theirs = pairs[heap[one].pair], pairs[heap[other].pair]
    if mine.left != theirs.left:
        return _greater(tokens[mine.left], tokens[theirs.left], data)
    return _greater(tokens[mine.right], tokens[theirs.right], data)


@kernel
def _greater(one: Any, other: Any, data: Bytes) -> bool:
    """Return whether the bytes of one token are greater than those of another."""
    if one.prefix != other.prefix:  # a short token's prefix ends in zero bytes
        return one.prefix > other.prefix
    for offset in range(min(one.length, other.length)):
        mine, theirs = data[one.place + offset], data[other.place + offset]
        if mine != theirs:
            return mine > theirs
    return one.length > other.length
