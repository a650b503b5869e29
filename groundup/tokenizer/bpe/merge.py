"""Applying merges to one pre-token: always the earliest-learnt pair, leftmost first."""

import numpy as np
from numpy.typing import NDArray

from groundup.kernels import kernel
from groundup.kernels.memory import load_i32, load_u64, store_i32, store_u64

Ids = NDArray[np.int32]
PairTable = NDArray[np.uint64]
"""(slots, 2): a pair of ids, left in the upper half, and its value: its rank in the upper half and
the id it becomes in the lower. The number of slots is a power of two, at least three quarters of
them empty: looking for a pair that is not there, as most are not, then takes one step mostly.
"""

NO_PAIR = np.uint64(0xFFFFFFFFFFFFFFFF)
"""Marks an empty slot, and as a value that a pair is no merge: later than every rank."""

_GONE = -1
"""In the place of an id that was merged into the one before it."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Fibonacci hashing
_HALF = np.uint64(32)
_LOWER_HALF = np.uint64(0xFFFFFFFF)

SHORT = 100
"""Up to so many symbols, looking through all pairs for every merge is faster than a heap: one that
is 4 to 8 bytes long, as most are, fits in a few registers and cache lines."""


@kernel
def make_pair_table(left: Ids, right: Ids, merged: Ids) -> PairTable:
    """Return the table of the merges ``left[i] + right[i] -> merged[i]``; ``i`` is the rank.

    A pair that is listed twice keeps its first rank.
    """
    slots = 16
    while slots < 4 * len(left):
        slots *= 2
    table = np.full((slots, 2), NO_PAIR, np.uint64)
    for rank in range(len(left)):
        pair = _pair(np.int64(left[rank]), np.int64(right[rank]))
        row = _row_of(table.ctypes.data, slots - 1, pair) >> 4
        if table[row, 0] == NO_PAIR:
            table[row, 0] = pair
            table[row, 1] = np.uint64(rank) << _HALF | np.uint64(merged[rank])
    return table


@kernel
def _pair(left: int, right: int) -> np.uint64:
    return np.uint64(left) << _HALF | np.uint64(right)


@kernel
def _row_of(table: int, mask: int, pair: np.uint64) -> int:
    """Return the offset of the row that holds ``pair``, or of the empty one where it belongs."""
    slot = np.int64(pair * _MULTIPLIER >> _HALF) & mask
    found = load_u64(table, slot * 16)
    while found != pair and found != NO_PAIR:
        slot = (slot + 1) & mask
        found = load_u64(table, slot * 16)
    return slot * 16


@kernel
def _value(table: int, mask: int, left: int, right: int) -> np.uint64:
    """Return rank and merged id of a pair, or NO_PAIR."""
    return load_u64(table, _row_of(table, mask, _pair(left, right)) + 8)


@kernel
def merge_ids(ids: int, count: int, table: int, mask: int, scratch: int) -> int:
    """Do all merges in the ``count`` ids at the address ``ids``; return how many are left.

    Args:
        ids: address of int32s.
        count: how many there are.
        table: address of a PairTable.
        mask: its number of slots less one.
        scratch: address of 8 * SHORT bytes to write to.
    """
    if count <= SHORT:
        return _merge_short(ids, count, table, mask, scratch)
    return _merge_long(ids, count, table, mask)


@kernel
def _merge_short(ids: int, count: int, table: int, mask: int, values: int) -> int:
    left = load_i32(ids, 0)
    for place in range(count - 1):
        right = load_i32(ids, 4 * place + 4)
        store_u64(values, 8 * place, _value(table, mask, left, right))
        left = right
    while count > 1:
        best = 0
        least = load_u64(values, 0)
        for place in range(1, count - 1):
            value = load_u64(values, 8 * place)
            if value < least:
                best, least = place, value
        if least == NO_PAIR:
            break
        merged = np.int64(least & _LOWER_HALF)
        store_i32(ids, 4 * best, merged)
        count -= 1
        for place in range(best + 1, count):
            store_i32(ids, 4 * place, load_i32(ids, 4 * place + 4))
            store_u64(values, 8 * place - 8, load_u64(values, 8 * place))
        if best > 0:
            left = load_i32(ids, 4 * best - 4)
            store_u64(values, 8 * best - 8, _value(table, mask, left, merged))
        if best < count - 1:
            right = load_i32(ids, 4 * best + 4)
            store_u64(values, 8 * best, _value(table, mask, merged, right))
    return count


@kernel
def _merge_long(ids: int, count: int, table: int, mask: int) -> int:
    """Do what ``_merge_short`` does in O(n log n): a heap of pairs over a linked list of ids.

    Text without spaces (DNA, base64, ``"a" * 10_000_000``) is one huge pre-token.
    """
    following = np.arange(1, count + 1).astype(np.int32)
    previous = np.arange(-1, count - 1).astype(np.int32)
    heap = np.empty(count + 2, np.uint64)  # rank in the upper half, position in the lower
    size = np.int64(0)
    for place in range(count - 1):
        value = _value(table, mask, load_i32(ids, 4 * place), load_i32(ids, 4 * place + 4))
        if value != NO_PAIR:
            size = _push(heap, size, (value & ~_LOWER_HALF) | np.uint64(place))
    while size > 0:
        entry = heap[0]
        size = _pop(heap, size)
        place = np.int64(entry & _LOWER_HALF)
        right = np.int64(following[place])
        if load_i32(ids, 4 * place) == _GONE or right >= count:
            continue
        value = _value(table, mask, load_i32(ids, 4 * place), load_i32(ids, 4 * right))
        if value >> _HALF != entry >> _HALF:
            continue  # one of the two has been merged since
        merged = np.int64(value & _LOWER_HALF)
        store_i32(ids, 4 * place, merged)
        store_i32(ids, 4 * right, _GONE)
        after = np.int64(following[right])
        following[place] = after
        if size + 2 > len(heap):
            larger = np.empty(2 * len(heap), np.uint64)
            larger[:size] = heap[:size]
            heap = larger
        if after < count:
            previous[after] = place
            value = _value(table, mask, merged, load_i32(ids, 4 * after))
            if value != NO_PAIR:
                size = _push(heap, size, (value & ~_LOWER_HALF) | np.uint64(place))
        before = np.int64(previous[place])
        if before >= 0:
            value = _value(table, mask, load_i32(ids, 4 * before), merged)
            if value != NO_PAIR:
                size = _push(heap, size, (value & ~_LOWER_HALF) | np.uint64(before))
    kept = 0
    for place in range(count):
        number = load_i32(ids, 4 * place)
        if number != _GONE:
            store_i32(ids, 4 * kept, number)
            kept += 1
    return kept


@kernel
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


@kernel
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
