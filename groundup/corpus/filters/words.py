"""Characters → words.

Two definitions, because published filters count differently:

- ``"spaces"``: a word is what stands between white space, as the papers' plain "word" suggests.
- ``"pieces"``: such a word is cut further as spaCy's English tokenizer cuts it, which is what
  datatrove, and so FineWeb, counts: punctuation and quotes are words of their own, "don't" is two
  words, "well-known" three, "Mr." and addresses one.

The rules of the second, for what stands between white space:

1. A word of ``english.special_words`` is cut as that says.
2. Else one affix is taken off its front and one off its end, again and again: dots in a row, a
   mark, quote or picture, "'s", and after digits a currency, a unit or a plus. A full stop is taken
   off where a sentence could end (after lower case, digits, marks, two capitals; not in "U.S.").
3. What remains is one word if it is an address (example.org/page, name@example.org).
4. Else it is cut at dots in a row, pictures, hyphens and commas between letters, and the like.

Letters are those of all scripts. spaCy does not know some, such as those of Gujarati, Malayalam and
Thai: it leaves a full stop or a hyphen where it stands between or behind them.

A word is known by 64 bits of hash (see ``hashing``).
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.filters.characters import Characters
from groundup.corpus.filters.config import WordKind
from groundup.corpus.filters.cutting import (
    HAS_LETTER,
    HAS_MORE_THAN_SYMBOLS,
    cut_texts,
    special_table,
)
from groundup.corpus.filters.hashing import hash_table
from groundup.kernels import kernel


class Words(NamedTuple):
    """The words of some texts, one after the other."""

    starts: NDArray[np.int32]
    """Where in its text each word begins, (W,), in characters."""
    ends: NDArray[np.int32]
    """Where it ends, (W,)."""
    hashes: NDArray[np.uint64]
    """(W,), never 0."""
    kinds: NDArray[np.uint8]
    """(W,): HAS_LETTER and so on."""
    offsets: NDArray[np.int64]
    """(D + 1,): text d's words are ``offsets[d]`` to ``offsets[d + 1]``."""


def cut_words(
    characters: Characters,
    begins: NDArray[np.int64],
    ends: NDArray[np.int64],
    kind: WordKind,
) -> Words:
    """Return the words of the texts that begin and end there, each (D,)."""
    sizes = ends - begins
    room = int(sizes.sum())
    word_starts, word_ends = np.empty(room, np.int32), np.empty(room, np.int32)
    hashes, kinds = np.empty(room, np.uint64), np.empty(room, np.uint8)
    offsets = np.zeros(len(begins) + 1, np.int64)
    suffixes = np.empty(int(sizes.max(initial=0)) + 1, np.int32)
    keys, cuts = special_table()
    cut_texts(
        characters.ctypes.data,
        begins,
        ends,
        kind == "pieces",
        keys.ctypes.data,
        cuts.ctypes.data,
        np.int64(len(keys) - 1),
        suffixes.ctypes.data,
        word_starts,
        word_ends,
        hashes,
        kinds,
        offsets,
    )
    num = offsets[-1]
    return Words(word_starts[:num], word_ends[:num], hashes[:num], kinds[:num], offsets)


def count_words(words: Words) -> NDArray[np.int64]:
    """Return counts of each text's words, (4, D).

    They are the number of words, of words with letters, of words of more than symbols, and of the
    characters in these.
    """
    counts = np.zeros((4, len(words.offsets) - 1), np.int64)
    _count_kinds(words.starts, words.ends, words.kinds, words.offsets, counts)
    return counts


def count_among(words: Words, listed: tuple[str, ...]) -> NDArray[np.int64]:
    """Return for each text how many of its words are listed, and how many different: (2, D)."""
    counts = np.zeros((2, len(words.offsets) - 1), np.int64)
    keys = hash_table(dict.fromkeys(listed, 1))[0]
    _count_listed(words.hashes, words.offsets, keys, np.full(len(keys), -1, np.int64), counts)
    return counts


@kernel
def _count_kinds(
    starts: NDArray[np.int32],
    ends: NDArray[np.int32],
    kinds: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    for row in range(len(offsets) - 1):
        lettered = real = characters = np.int64(0)
        for word in range(offsets[row], offsets[row + 1]):
            kind = np.int64(kinds[word])
            lettered += kind & HAS_LETTER != 0
            if kind & HAS_MORE_THAN_SYMBOLS:
                real += 1
                characters += np.int64(ends[word]) - np.int64(starts[word])
        counts[0, row] = offsets[row + 1] - offsets[row]
        counts[1, row], counts[2, row], counts[3, row] = lettered, real, characters


@kernel
def _count_listed(
    hashes: NDArray[np.uint64],
    offsets: NDArray[np.int64],
    keys: NDArray[np.uint64],
    found_in: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> None:
    """Look each word up in the table ``keys``; ``found_in`` is where each was found last."""
    mask = np.int64(len(keys) - 1)
    for row in range(len(offsets) - 1):
        total = different = np.int64(0)
        for word in range(offsets[row], offsets[row + 1]):
            key = hashes[word]
            slot = np.int64(key & np.uint64(mask))
            while keys[slot] != np.uint64(0) and keys[slot] != key:
                slot = slot + 1 & mask
            if keys[slot] == key:
                total += 1
                different += found_in[slot] != row
                found_in[slot] = row
        counts[0, row], counts[1, row] = total, different
