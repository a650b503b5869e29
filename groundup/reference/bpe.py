"""Byte-level byte-pair encoding, the shortest correct version (Sennrich et al. 2015, GPT-2).

Training recounts every pair for every merge and encoding looks through the text for every merge,
so both are slow; `groundup.tokenizer` does the same arithmetic incrementally and is tested
against these two functions.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise

import regex

Word = tuple[bytes, ...]
Pair = tuple[bytes, bytes]

GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def train(
    texts: Iterable[str],
    vocab_size: int,
    special_tokens: Sequence[str] = (),
    pattern: str = GPT2_PATTERN,
    *,
    min_frequency: int = 1,
    max_token_bytes: int | None = None,
    characters: Collection[str] | None = None,
) -> list[Pair]:
    """Return the merges, in order, that grow 256 bytes and the specials to ``vocab_size`` tokens.

    Merges never cross the pre-tokens of ``pattern``. The most frequent pair goes first; of equally
    frequent pairs, the greater pair of byte strings. Special tokens are cut out of the texts.

    With ``characters``, words begin as characters: these and ASCII. The bytes of all others are not
    merged.
    """
    words: dict[Word, int] = Counter()
    for text in texts:
        for part in _split_at(special_tokens, text):
            for pretoken in regex.findall(pattern, part):
                words[_symbols_of(pretoken, characters)] += 1
    tokens = {bytes([value]) for value in range(256)} | {c.encode() for c in characters or ()}
    merges: list[Pair] = []
    while len(tokens) + len(special_tokens) < vocab_size:
        counts: Counter[Pair] = Counter()
        for word, count in words.items():
            for pair in pairwise(word):
                if characters is None or not any(map(_is_part_of_character, pair)):
                    counts[pair] += count
        for pair, count in list(counts.items()):
            too_long = max_token_bytes is not None and len(b"".join(pair)) > max_token_bytes
            if too_long or count < min_frequency:
                del counts[pair]
        if not counts:
            break
        best = max(counts, key=lambda pair: (counts[pair], pair))
        words = {merge(word, best): count for word, count in words.items()}
        merges.append(best)
        tokens.add(best[0] + best[1])
    return merges


def encode(
    text: str,
    merges: Sequence[Pair],
    pattern: str = GPT2_PATTERN,
    *,
    characters: Collection[str] | None = None,
) -> list[bytes]:
    """Return the tokens of ``text``: in each pre-token, the earliest merge goes first."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    tokens: list[bytes] = []
    for pretoken in regex.findall(pattern, text):
        word = _symbols_of(pretoken, characters)
        while known := [pair for pair in pairwise(word) if pair in ranks]:
            word = merge(word, min(known, key=ranks.__getitem__))
        tokens.extend(word)
    return tokens


def merge(word: Word, pair: Pair) -> Word:
    """Join every occurrence of ``pair`` in ``word``, from left to right."""
    merged: list[bytes] = []
    position = 0
    while position < len(word):
        size = 2 if word[position : position + 2] == pair else 1
        merged.append(b"".join(word[position : position + size]))
        position += size
    return tuple(merged)


def _symbols_of(pretoken: str, characters: Collection[str] | None) -> Word:
    symbols: list[bytes] = []
    for character in pretoken:
        whole = characters is not None and character in characters
        data = character.encode()
        symbols.extend([data] if whole else [bytes([value]) for value in data])
    return tuple(symbols)


def _is_part_of_character(symbol: bytes) -> bool:
    return len(symbol) == 1 and not symbol.isascii()


def _split_at(special_tokens: Sequence[str], text: str) -> list[str]:
    if not special_tokens:
        return [text]
    return regex.split("|".join(map(regex.escape, special_tokens)), text)
