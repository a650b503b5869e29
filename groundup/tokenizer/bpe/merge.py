"""Applying merges to one pre-token: always the earliest-learnt pair, leftmost first."""

import numpy as np
from numba import njit
from numpy.typing import NDArray

Ids = NDArray[np.int32]
PairTable = NDArray[np.uint64]
"""(slots, 2): a pair of ids, left in the upper half, and its value: its rank in the upper half and
the id it becomes in the lower. The number of slots is a power of two, at least half of them empty.
"""

NO_PAIR = np.uint64(0xFFFFFFFFFFFFFFFF)
"""Marks an empty slot, and as a value that a pair is no merge: later than every rank."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing
_HALF = np.uint64(32)
_LOWER_HALF = np.uint64(0xFFFFFFFF)

SHORT = 100
"""Up to so many symbols, looking through all pairs for every merge is faster than a heap: one that
is 4 to 8 bytes long, as most are, fits in a few registers and cache lines."""


@njit(nogil=True, cache=True)
def make_pair_table(left: Ids, right: Ids, merged: Ids) -> PairTable:
    """Return the table of the merges ``left[i] + right[i] -> merged[i]``; ``i`` is the rank.

    A pair that is listed twice keeps its first rank.
    """
    slots = 16
    while slots < 2 * len(left):
        slots *= 2
    table = np.full((slots, 2), NO_PAIR, np.uint64)
    for rank in range(len(left)):
        pair = _pair(left[rank], right[rank])
        slot = _slot_of(table, pair)
        if table[slot, 0] == NO_PAIR:
            table[slot, 0] = pair
            table[slot, 1] = np.uint64(rank) << _HALF | np.uint64(merged[rank])
    return table


@njit(nogil=True, cache=True)
def _pair(left: int, right: int) -> np.uint64:
    return np.uint64(left) << _HALF | np.uint64(right)


@njit(nogil=True, cache=True)
def _slot_of(table: PairTable, pair: np.uint64) -> int:
    """Return the slot that holds ``pair``, or the empty one where it belongs."""
    mask = len(table) - 1
    slot = np.int64(pair * _MULTIPLIER >> _HALF) & mask
    while table[slot, 0] != pair and table[slot, 0] != NO_PAIR:
        slot = (slot + 1) & mask
    return slot


@njit(nogil=True, cache=True)
def _value(table: PairTable, left: int, right: int) -> np.uint64:
    """Return rank and merged id of a pair, or NO_PAIR."""
    return table[_slot_of(table, _pair(left, right)), 1]


@njit(nogil=True, cache=True)
def merge_ids(ids: Ids, count: int, table: PairTable) -> int:
    """Do all merges in ``ids[:count]``, in place; return how many ids are left."""
    if count <= SHORT:
        return _merge_short(ids, count, table)
    return _merge_long(ids, count, table)


@njit(nogil=True, cache=True)
def _merge_short(ids: Ids, count: int, table: PairTable) -> int:
    values = np.empty(SHORT, np.uint64)
    for place in range(count - 1):
        values[place] = _value(table, ids[place], ids[place + 1])
    while count > 1:
        best = 0
        for place in range(1, count - 1):
            if values[place] < values[best]:
                best = place
        if values[best] == NO_PAIR:
            break
        ids[best] = np.int32(values[best] & _LOWER_HALF)
        count -= 1
        for place in range(best + 1, count):
            ids[place] = ids[place + 1]
        for place in range(best + 1, count - 1):
            values[place] = values[place + 1]
        if best > 0:
            values[best - 1] = _value(table, ids[best - 1], ids[best])
        if best < count - 1:
            values[best] = _value(table, ids[best], ids[best + 1])
    return count


@njit(nogil=True, cache=True)
def _merge_long(ids: Ids, count: int, table: PairTable) -> int:
    """Do what ``_merge_short`` does in O(n log n): a heap of pairs over a linked list of ids.

    Text without spaces (DNA, base64, ``"a" * 10_000_000``) is one huge pre-token.
    """
    following = np.arange(1, count + 1).astype(np.int32)
    previous = np.arange(-1, count - 1).astype(np.int32)
    gone = np.int32(-1)
    heap = np.empty(count + 2, np.uint64)  # rank in the upper half, position in the lower
    size = 0
    for place in range(count - 1):
        value = _value(table, ids[place], ids[place + 1])
        if value != NO_PAIR:
            size = _push(heap, size, (value & ~_LOWER_HALF) | np.uint64(place))
    while size > 0:
        entry = heap[0]
        size = _pop(heap, size)
        place = np.int64(entry & _LOWER_HALF)
        right = following[place]
        if ids[place] == gone or right >= count:
            continue
        value = _value(table, ids[place], ids[right])
        if value >> _HALF != entry >> _HALF:
            continue  # one of the two has been merged since
        ids[place] = np.int32(value & _LOWER_HALF)
        ids[right] = gone
        after = following[right]
        following[place] = after
        if size + 2 > len(heap):
            larger = np.empty(2 * len(heap), np.uint64)
            larger[:size] = heap[:size]
            heap = larger
        if after < count:
            previous[after] = place
            value = _value(table, ids[place], ids[after])
            if value != NO_PAIR:
                size = _push(heap, size, (value & ~_LOWER_HALF) | np.uint64(place))
        before = previous[place]
        if before >= 0:
            value = _value(table, ids[before], ids[place])
            if value != NO_PAIR:
                size = _push(heap, size, (value & ~_LOWER_HALF) | np.uint64(before))
    kept = 0
    for place in range(count):
        if ids[place] != gone:
            ids[kept] = ids[place]
            kept += 1
    return kept


@njit(nogil=True, cache=True)
def _push(heap: NDArray[np.uint64], size: int, entry: np.uint64) -> int:
    """Put ``entry`` into the binary heap ``heap[:size]``; return its new size."""
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if heap[parent] <= entry:
            break
        heap[place] = heap[parent]
        place = parent
    heap[place] = entry
    return size + 1


@njit(nogil=True, cache=True)
def _pop(heap: NDArray[np.uint64], size: int) -> int:
    """Take the least entry, ``heap[0]``, out of ``heap[:size]``; return the new size."""
    size -= 1
    entry = heap[size]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if entry <= heap[child]:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = entry
    return size
