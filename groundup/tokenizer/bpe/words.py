"""Short words as three 64-bit numbers, so that tables of them are compared and hashed at once.

Words are nearly always shorter than 24 bytes. Looking one up costs three loads, one hash and one
line of cache, where a string would be walked byte by byte.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from groundup.kernels import kernel
from groundup.kernels.memory import load_u64

PADDING = 32
"""Bytes that must follow the text in its array: words are read eight bytes at a time."""

MAX_WORD_BYTES = 23
"""Longest word that has a key: 24 bytes less the one that holds the length."""


def padded(parts: Iterable[bytes]) -> NDArray[np.uint8]:
    """Join ``parts`` into one writable uint8 array with PADDING zero bytes at its end.

    Writable, because numba compiles a function anew for read-only arrays.
    """
    return np.frombuffer(bytearray().join([*parts, bytes(PADDING)]), np.uint8)


@kernel
def word_key(text: int, start: int, end: int) -> tuple[np.uint64, np.uint64, np.uint64]:
    """Return the key of a word of 1 to MAX_WORD_BYTES bytes.

    The word lies from ``start`` to ``end`` after the address ``text``, with PADDING behind it.

    The bytes come first, the length is the last byte: no two words share a key, and none is 0.
    """
    size = end - start
    length = np.uint64(size) << np.uint64(56)
    if size < 8:
        return _low_bytes(load_u64(text, start), size), np.uint64(0), length
    first = load_u64(text, start)
    if size < 16:
        return first, _low_bytes(load_u64(text, start + 8), size - 8), length
    second = load_u64(text, start + 8)
    return first, second, _low_bytes(load_u64(text, start + 16), size - 16) | length


@kernel
def _low_bytes(value: np.uint64, count: int) -> np.uint64:
    """Return ``value`` with all but its ``count`` < 8 lowest bytes cleared."""
    return value & ((np.uint64(1) << np.uint64(8 * count)) - np.uint64(1))


@kernel
def hash_key(first: np.uint64, second: np.uint64, third: np.uint64) -> np.uint64:
    """Mix a key into 64 bits, of which the upper ones are the best (multiplicative hashing)."""
    mixed = first * np.uint64(0x9E3779B97F4A7C15)
    mixed ^= second * np.uint64(0xC2B2AE3D27D4EB4F)
    mixed ^= third * np.uint64(0x165667B19E3779F9)
    mixed ^= mixed >> np.uint64(32)
    return mixed * np.uint64(0xD6E8FEB86659FD93)
