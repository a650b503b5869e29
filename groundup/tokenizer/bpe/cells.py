"""The distinct words as an array of cells, in which merges are done in place.

A cell stands for one byte. A token is written into its first and its last cell, so that it finds
its neighbours' numbers in the cells beside it, and with their lengths the places where they begin.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundup.errors import UserError
from groundup.tokenizer.bpe.count import WordCounts

Records = NDArray[np.void]
Bytes = NDArray[np.uint8]
Numbers = NDArray[np.int64]

CELL = np.dtype([("symbol", np.int32), ("pair", np.int32), ("count", np.int64)])
"""The token that begins or ends here, the pair whose left token begins here, and how often the word
occurs. Sixteen bytes: four cells a line of cache, so a token and its neighbours are one or two."""

TOKEN = np.dtype([("prefix", np.uint64), ("length", np.int64), ("place", np.int64)])
"""Its first eight bytes as a big-endian number, its length in bytes, and where it stands once."""

NOTHING = -1
"""In a cell: no token begins or ends, no pair begins."""


class Cells(NamedTuple):
    """Words in cells, before any merge."""

    data: Bytes
    """The words, with a zero byte before, between and after them."""
    cells: Records
    """CELL, one for each byte of ``data``."""
    tokens: Records
    """TOKEN: the 256 bytes, the characters, and room for those to be learnt."""
    num_tokens: int
    """How many of them are there."""
    counts: Numbers
    """(num_tokens,): how often each occurs in the texts."""
    alone: NDArray[np.bool_]
    """Which bytes of ``WordCounts.data`` have no cell that merges could find."""


def lay_out(words: WordCounts, room: int, characters: Sequence[str] | None) -> Cells:
    """Write the words into cells.

    Args:
        words: the distinct words.
        room: tokens that may be added.
        characters: what words consist of besides ASCII; the bytes of all others stand alone. None:
            words consist of bytes.

    Raises:
        UserError: there are more cells than an int32 can number.
    """
    size = len(words.data) + len(words.ends) + 1
    if size > np.iinfo(np.int32).max:
        raise UserError(
            f"the distinct words of the corpus have {len(words.data) / 1e9:.1f} GB, and training "
            "can number 2 GB: train on a part of it"
        )
    in_word = np.ones(size, np.bool_)
    in_word[0] = False
    in_word[words.ends + np.arange(1, len(words.ends) + 1)] = False
    data = np.zeros(size, np.uint8)
    data[in_word] = words.data
    begins = np.flatnonzero(in_word)

    spelt = [bytes([value]) for value in range(256)]
    symbols = words.data.astype(np.int32)
    alone = np.zeros(len(symbols), np.bool_)
    if characters is not None:
        spelt += [character.encode() for character in characters]
        number_of = np.full(0x110000, NOTHING, np.int32)
        number_of[:128] = np.arange(128)
        number_of[[ord(character) for character in characters]] = np.arange(256, len(spelt))
        symbols = number_of[words.code_points]
        known = symbols != NOTHING
        starts = words.character_starts
        alone = np.repeat(~known, np.diff(starts, append=len(words.data)))
        begins, symbols = begins[starts[known]], symbols[known]

    num_tokens = len(spelt)
    tokens = np.zeros(num_tokens + room, TOKEN)
    tokens["length"][:num_tokens] = [len(token) for token in spelt]
    tokens["prefix"][:num_tokens] = [int.from_bytes(token.ljust(8, b"\0")) for token in spelt]
    tokens["place"][symbols] = begins
    cells = np.empty(size, CELL)
    cells["symbol"] = cells["pair"] = NOTHING
    cells["count"][0] = 0
    cells["count"][1:] = np.repeat(words.counts, words.lengths + 1)
    cells["symbol"][begins] = symbols
    cells["symbol"][begins + tokens["length"][symbols] - 1] = symbols
    counts = np.bincount(symbols, cells["count"][begins], num_tokens)
    alone_counts = cells["count"][in_word][alone]
    counts = counts + np.bincount(words.data[alone], alone_counts, num_tokens)
    return Cells(data, cells, tokens, num_tokens, counts.astype(np.int64), alone)


def tokens_of_words(laid_out: Cells, words: WordCounts) -> Numbers:
    """Return how many tokens each word consists of now: (W,)."""
    starts = words.ends - words.lengths
    if not len(starts):
        return starts
    symbols = laid_out.cells["symbol"]
    # The two cells of a token count half each, the only cell of a short one counts twice.
    halves = np.where(laid_out.tokens["length"][symbols] > 1, 1, 2) * (symbols != NOTHING)
    in_cells = np.add.reduceat(halves, starts + np.arange(1, len(starts) + 1)) // 2
    return in_cells + np.add.reduceat(laid_out.alone, starts, dtype=np.int64)
