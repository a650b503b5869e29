"""Text to ids: cut, look the word up, and only for a word not met before, merge.

Text repeats itself: a table of the words met so far answers nearly every look-up, so the speed is
that of cutting and of one cache line a word. The interpreter's lock is released throughout.
"""

from typing import NamedTuple, Self

import numpy as np
from numba import njit
from numpy.typing import NDArray

from groundup.tokenizer.bpe.merge import Ids, PairTable, merge_ids
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


@njit(nogil=True, cache=True)
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
    rows, pool, used = cache.rows, cache.pool, cache.used
    mask = len(rows) - 1
    text, classes = data.ctypes.data, cuts.classes.ctypes.data
    family, max_digits = cuts.family, cuts.max_digits
    start = count = pretoken = 0
    for number in range(len(text_ends)):
        text_end = text_ends[number]
        while start < text_end:
            if family >= 0:
                end = pretoken_end(text, start, text_end, classes, family, max_digits)
            else:
                end = cuts.ends[pretoken]
                pretoken += 1
            if end - start > MAX_WORD_BYTES:
                count += _encode_word(data, start, end, vocabulary, ids[count:])
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
                num_ids = _encode_word(data, start, end, vocabulary, ids[count:])
                if 2 * (used[0] + 1) > len(rows) or used[1] + num_ids > len(pool):
                    rows[:, 3] = 0
                    used[:] = 0
                    slot = np.int64(hash_key(first, second, third) >> np.uint64(32)) & mask
                payload = np.int64(ids[count])
                if num_ids > 1:
                    payload = used[1]
                    pool[payload : payload + num_ids] = ids[count : count + num_ids]
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


@njit(nogil=True, cache=True)
def _encode_word(data: Bytes, start: int, end: int, vocabulary: Vocabulary, ids: Ids) -> int:
    """Write the ids of one pre-token to the front of ``ids``; return how many there are."""
    if vocabulary.whole:
        token = find_token(data, start, end, vocabulary)
        if token >= 0:
            ids[0] = token
            return 1
    count = 0
    position = start
    while position < end:
        if vocabulary.by_character:
            after = position + 1
            while data[after] & 0xC0 == 0x80:
                after += 1
            token = find_token(data, position, after, vocabulary)
            if token >= 0:
                ids[count] = token
                count += 1
                position = after
                continue
            while position < after:
                ids[count] = vocabulary.byte_ids[data[position]]
                count += 1
                position += 1
            continue
        ids[count] = vocabulary.byte_ids[data[position]]
        count += 1
        position += 1
    return merge_ids(ids, count, vocabulary.pairs)


@njit(nogil=True, cache=True)
def find_token(data: Bytes, start: int, end: int, vocabulary: Vocabulary) -> int:
    """Return the id of the token ``data[start:end]``, or -1."""
    slots = vocabulary.token_slots
    slot = _token_slot(data, start, end, vocabulary.token_data, vocabulary.token_ends, slots)
    return np.int64(slots[slot])


@njit(nogil=True, cache=True)
def token_slots(token_data: Bytes, token_ends: Ends) -> Ids:
    """Return the hash table of all tokens that are not empty: slots of their ids, -1 if empty."""
    size = 16
    while size < 2 * len(token_ends):
        size *= 2
    slots = np.full(size, -1, np.int32)
    start = 0
    for token in range(len(token_ends)):
        end = token_ends[token]
        if end > start:
            slots[_token_slot(token_data, start, end, token_data, token_ends, slots)] = token
        start = end
    return slots


@njit(nogil=True, cache=True)
def _token_slot(
    data: Bytes, start: int, end: int, token_data: Bytes, token_ends: Ends, slots: Ids
) -> int:
    """Return the slot that holds the token ``data[start:end]``, or the empty one for it."""
    value = np.uint64(0xCBF29CE484222325)
    for position in range(start, end):
        value = (value ^ np.uint64(data[position])) * np.uint64(0x100000001B3)  # FNV-1a
    mask = len(slots) - 1
    slot = np.int64((value ^ value >> np.uint64(32)) & np.uint64(mask))
    while slots[slot] >= 0:
        token = slots[slot]
        token_start = token_ends[token - 1] if token > 0 else 0
        if token_ends[token] - token_start == end - start:
            offset = 0
            while offset < end - start and data[start + offset] == token_data[token_start + offset]:
                offset += 1
            if offset == end - start:
                break
        slot = (slot + 1) & mask
    return slot
