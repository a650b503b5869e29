"""Rules that look at one text and say whether it is worth keeping.

    config.py        what each allows, and the switch between a paper and its common code
    rule.py          what a rule is, and a chain of rules
    check.py         what a rule measured, held against its threshold
    gopher.py        Gopher quality, Gopher repetition
    fineweb.py       FineWeb's own filters
    c4.py            C4, which also takes out lines; mC4
    ratios.py        symbols, digits, capitals, stop words, tokens for a word
    blocked.py       lists of words and addresses
    code.py          source code

    statistics.py    what rules ask about a batch, computed once
    characters.py    text → characters that know what they are
    words.py         characters → words, and counts of them
    cutting.py       the loops of that; affixes.py and english.py say where words are cut
    hashing.py       words by 64 bits of hash
    sentences.py     lines → numbers of sentences
    lines.py         counts of characters, lines and paragraphs, and which of them recur
    ngrams.py        characters in n-grams that recur

Only the configurations are imported here: the rest compiles, and is imported where it is used.
"""

from groundup.corpus.filters.config import (
    BlockedUrlsConfig,
    BlockedWordsConfig,
    C4Config,
    CodeConfig,
    FineWebConfig,
    GopherQualityConfig,
    GopherRepetitionConfig,
    MC4Config,
    RatiosConfig,
    StopWordsConfig,
    TokensConfig,
)

__all__ = [
    "BlockedUrlsConfig",
    "BlockedWordsConfig",
    "C4Config",
    "CodeConfig",
    "FineWebConfig",
    "GopherQualityConfig",
    "GopherRepetitionConfig",
    "MC4Config",
    "RatiosConfig",
    "StopWordsConfig",
    "TokensConfig",
]
