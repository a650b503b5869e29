"""Byte-level byte-pair encoding, the shortest correct version (Sennrich et al. 2015, GPT-2).

Training recounts every pair for every merge and encoding looks through the text for every merge,
so both are slow; `groundup.tokenizer` does the same arithmetic incrementally and is tested
against these two functions.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
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
) -> list[Pair]:
    """Return the merges, in order, that grow 256 bytes and the specials to ``vocab_size`` tokens.

    Merges never cross the pre-tokens of ``pattern``. The most frequent pair goes first; of equally
    frequent pairs, the greater pair of byte strings. Special tokens are cut out of the texts.
    """
    words: dict[Word, int] = Counter()
    for text in texts:
        for part in _split_at(special_tokens, text):
            for pretoken in regex.findall(pattern, part):
                words[_bytes_of(pretoken)] += 1
    tokens = {bytes([value]) for value in range(256)}
    merges: list[Pair] = []
    while len(tokens) + len(special_tokens) < vocab_size:
        counts: Counter[Pair] = Counter()
        for word, count in words.items():
            for pair in pairwise(word):
                counts[pair] += count
        if not counts:
            break
        best = max(counts, key=lambda pair: (counts[pair], pair))
        words = {merge(word, best): count for word, count in words.items()}
        merges.append(best)
        tokens.add(best[0] + best[1])
    return merges


def encode(text: str, merges: Sequence[Pair], pattern: str = GPT2_PATTERN) -> list[bytes]:
    """Return the tokens of ``text``: in each pre-token, the earliest merge goes first."""
    ranks = {pair: rank for rank, pair in enumerate(merges)}
    tokens: list[bytes] = []
    for pretoken in regex.findall(pattern, text):
        word = _bytes_of(pretoken)
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


def _bytes_of(pretoken: str) -> Word:
    return tuple(bytes([value]) for value in pretoken.encode())


def _split_at(special_tokens: Sequence[str], text: str) -> list[str]:
    if not special_tokens:
        return [text]
    return regex.split("|".join(map(regex.escape, special_tokens)), text)
