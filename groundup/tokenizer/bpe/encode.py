"""Text to ids: cut, look the word up, and only for a word not met before, merge.

Text repeats itself: a table of the words met so far answers nearly every look-up, so the speed is
that of cutting and of one cache line a word. The interpreter's lock is released throughout.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from groundup.kernels import kernel
from groundup.kernels.memory import load_i32, load_i64, load_u8, store_i32
from groundup.tokenizer.bpe.merge import SHORT, Ids, PairTable, merge_ids
from groundup.tokenizer.bpe.pretokenize import pretoken_end
from groundup.tokenizer.bpe.words import MAX_WORD_BYTES, hash_key, word_key

Bytes = NDArray[np.uint8]
Ends = NDArray[np.int64]


class Cuts(NamedTuple):
    """How text is cut into pre-tokens."""

    classes: Bytes
    """As ``character_classes`` gives them."""
    family: int
    """A family of `groundup.tokenizer.bpe.pretokenize`; below 0 if ``ends`` says where to cut."""
    max_digits: int
    """Digits in one pre-token; 0 for any number."""
    ends: Ends
    """Where each pre-token ends, in bytes of the data; empty for the known families."""


class Vocabulary(NamedTuple):
    """What decides the ids of a pre-token."""

    byte_ids: Ids
    """(256,): id of each byte."""
    pairs: PairTable
    """The merges."""
    token_data: Bytes
    """The bytes of all tokens, in the order of their ids."""
    token_ends: Ends
    """(V,): where each token ends in ``token_data``; special tokens are empty."""
    token_slots: Ids
    """Hash table of the ids of tokens; -1 where a slot is empty."""
    whole: bool
    """Whether a pre-token that is a token is taken as it is, whatever the merges say."""
    by_character: bool
    """Whether characters that are tokens come first, and not their bytes."""


class WordCache(NamedTuple):
    """Ids of the words met so far; emptied when full. Not to be shared between threads."""

    rows: NDArray[np.uint64]
    """(slots, 4): the word's key, and its value: the number of its ids in the lowest byte, and
    above it the id, or if there are several, where they begin in ``pool``. 0: the slot is empty."""
    pool: Ids
    """The ids of words that have several."""
    used: NDArray[np.int64]
    """(2,): words in ``rows``, ids in ``pool``."""

    @classmethod
    def empty(cls, slots: int) -> Self:
        """Return an empty cache of ``slots`` (a power of two) rows of 32 bytes."""
        rows = np.zeros((slots, 4), np.uint64)
        pool = np.empty(slots + MAX_WORD_BYTES, np.int32)
        return cls(rows, pool, np.zeros(2, np.int64))


@kernel
def encode_texts(
    data: Bytes, text_ends: Ends, cuts: Cuts, vocabulary: Vocabulary, cache: WordCache, ids: Ids
) -> Ends:
    """Encode the texts that lie one after the other in ``data``.

    Args:
        data: valid UTF-8, with ``groundup.tokenizer.bpe.words.PADDING`` zero bytes behind it.
        text_ends: where each text ends in ``data``.
        cuts: how texts are cut.
        vocabulary: what decides ids.
        cache: filled as words are met.
        ids: receives the ids; has room for one for each byte.

    Returns:
        Where each text ends in ``ids``.
    """
    id_ends = np.empty(len(text_ends), np.int64)
    scratch = np.empty(SHORT, np.uint64)
    lookup = _addresses(vocabulary, scratch)
    rows, pool, used = cache.rows, cache.pool, cache.used
    mask = len(rows) - 1
    text, out, classes = data.ctypes.data, ids.ctypes.data, cuts.classes.ctypes.data
    family, max_digits = cuts.family, cuts.max_digits
    start = np.int64(0)
    count = pretoken = 0
    for number in range(len(text_ends)):
        text_end = text_ends[number]
        while start < text_end:
            if family >= 0:
                end = pretoken_end(text, start, text_end, classes, family, max_digits)
            else:
                end = cuts.ends[pretoken]
                pretoken += 1
            if end - start > MAX_WORD_BYTES:
                count += _encode_word(text, start, end, lookup, out + 4 * count)
                start = end
                continue
            first, second, third = word_key(text, start, end)
            slot = np.int64(hash_key(first, second, third) >> np.uint64(32)) & mask
            value = rows[slot, 3]
            while value != 0 and (
                rows[slot, 0] != first or rows[slot, 1] != second or rows[slot, 2] != third
            ):
                slot = (slot + 1) & mask
                value = rows[slot, 3]
            if value == 0:
                num_ids = _encode_word(text, start, end, lookup, out + 4 * count)
                if 2 * (used[0] + 1) > len(rows) or used[1] + num_ids > len(pool):
                    rows[:, 3] = 0
                    used[:] = 0
                    slot = np.int64(hash_key(first, second, third) >> np.uint64(32)) & mask
                payload = np.int64(ids[count])
                if num_ids > 1:
                    payload = used[1]
                    for place in range(num_ids):
                        pool[payload + place] = ids[count + place]
                    used[1] += num_ids
                used[0] += 1
                rows[slot, 0], rows[slot, 1], rows[slot, 2] = first, second, third
                rows[slot, 3] = np.uint64(payload) << np.uint64(8) | np.uint64(num_ids)
                count += num_ids
            else:
                num_ids = np.int64(value & np.uint64(0xFF))
                payload = np.int64(value >> np.uint64(8))
                if num_ids == 1:
                    ids[count] = payload
                else:
                    for place in range(num_ids):
                        ids[count + place] = pool[payload + place]
                count += num_ids
            start = end
        id_ends[number] = count
    return id_ends


class _Lookup(NamedTuple):
    """A Vocabulary as addresses and numbers, which cost nothing to hand on."""

    byte_ids: int
    pairs: int
    pair_mask: int
    token_data: int
    token_ends: int
    token_slots: int
    token_mask: int
    scratch: int
    """As ``merge_ids`` wants it."""
    whole: bool
    by_character: bool


@kernel
def _addresses(vocabulary: Vocabulary, scratch: NDArray[np.uint64]) -> _Lookup:
    return _Lookup(
        vocabulary.byte_ids.ctypes.data,
        vocabulary.pairs.ctypes.data,
        len(vocabulary.pairs) - 1,
        vocabulary.token_data.ctypes.data,
        vocabulary.token_ends.ctypes.data,
        vocabulary.token_slots.ctypes.data,
        len(vocabulary.token_slots) - 1,
        scratch.ctypes.data,
        vocabulary.whole,
        vocabulary.by_character,
    )


@kernel
def _encode_word(text: int, start: int, end: int, lookup: _Lookup, ids: int) -> int:
    """Write the ids of one pre-token to the address ``ids``; return how many there are."""
    if lookup.whole:
        token = _find_token(text, start, end, lookup)
        if token >= 0:
            store_i32(ids, 0, token)
            return 1
    count = np.int64(0)
    position = start
    while position < end:
        after = position + 1
        if lookup.by_character:
            while load_u8(text, after) & 0xC0 == 0x80:
                after += 1
            token = _find_token(text, position, after, lookup)
            if token >= 0:
                store_i32(ids, 4 * count, token)
                count += 1
                position = after
                continue
        while position < after:
            store_i32(ids, 4 * count, load_i32(lookup.byte_ids, 4 * load_u8(text, position)))
            count += 1
            position += 1
    return merge_ids(ids, count, lookup.pairs, lookup.pair_mask, lookup.scratch)


@kernel
def _find_token(text: int, start: int, end: int, lookup: _Lookup) -> int:
    """Return the id of the token from ``start`` to ``end`` of ``text``, or -1."""
    data, ends, slots = lookup.token_data, lookup.token_ends, lookup.token_slots
    slot = _token_slot(text, start, end, data, ends, slots, lookup.token_mask)
    return load_i32(slots, 4 * slot)


@kernel
def token_slots(token_data: Bytes, token_ends: Ends) -> Ids:
    """Return the hash table of all tokens that are not empty: slots of their ids, -1 if empty."""
    size = 16
    while size < 2 * len(token_ends):
        size *= 2
    slots = np.full(size, -1, np.int32)
    data, ends, table = token_data.ctypes.data, token_ends.ctypes.data, slots.ctypes.data
    start = np.int64(0)
    for token in range(len(token_ends)):
        end = token_ends[token]
        if end > start:
            slots[_token_slot(data, start, end, data, ends, table, size - 1)] = token
        start = end
    return slots


@kernel
def _token_slot(
    text: int, start: int, end: int, data: int, ends: int, slots: int, mask: int
) -> int:
    """Return the slot that holds the token from ``start`` to ``end``, or the empty one for it."""
    value = np.uint64(0xCBF29CE484222325)
    for position in range(start, end):
        value = (value ^ np.uint64(load_u8(text, position))) * np.uint64(0x100000001B3)  # FNV-1a
    slot = np.int64((value ^ value >> np.uint64(32)) & np.uint64(mask))
    token = load_i32(slots, 4 * slot)
    while token >= 0:
        first = load_i64(ends, 8 * token - 8) if token > 0 else 0
        if load_i64(ends, 8 * token) - first == end - start:
            offset = 0
            while offset < end - start and load_u8(text, start + offset) == load_u8(
                data, first + offset
            ):
                offset += 1
            if offset == end - start:
                break
        slot = (slot + 1) & mask
        token = load_i32(slots, 4 * slot)
    return slot
