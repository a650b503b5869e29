r"""What ``encoder.js`` needs of a tokenizer to encode exactly as it does.

Unicode goes with it: a browser's ``\p{L}`` and ``\s`` are of its own version of Unicode, and its
``\s`` is not the property White_Space. So the patterns name classes, as in ``[<L><N>]``, and the
classes are spelt out from the tables that the tokenizer itself uses.
"""

from typing import Any

import numpy as np

from groundup.tokenizer import BPETokenizer, CharacterTokenizer, Tokenizer
from groundup.tokenizer.bpe.patterns import CUSTOM, SplitPattern
from groundup.tokenizer.bpe.pretokenize import CL100K, GPT2, LLAMA3, O200K
from groundup.tokenizer.bpe.unicode_classes import (
    LETTER,
    LOWER,
    NUMBER,
    SPACE,
    UPPER,
    character_classes,
)
from groundup.tokenizer.characters import UNKNOWN

MAX_TOKENS = 300_000
MAX_TOKEN_BYTES = 8 << 20
"""Tokens that a page carries, and their bytes: the 262,144 of Gemma have 2 MB."""

_CONTRACTION = "'(?:[sSſtTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])"
_OTHER = "[^<S><L><N>]"
_CASED = "[^\\r\\n<L><N>]?[<U>]*[<W>]+(?:{c})?|[^\\r\\n<L><N>]?[<U>]+[<W>]*(?:{c})?"

JAVASCRIPT_PATTERNS = {
    GPT2: f"'(?:[stmd]|re|ve|ll)| ?[<L>]+| ?[<N>]+| ?{_OTHER}+|[<S>]+(?![^<S>])|[<S>]+",
    LLAMA3: f"{_CONTRACTION}|[^\\r\\n<L><N>]?[<L>]+|[<N>]{{1,<digits>}}"
    f"| ?{_OTHER}+[\\r\\n]*|[<S>]*[\\r\\n]+|[<S>]+(?![^<S>])|[<S>]+",
    CL100K: f"{_CONTRACTION}|[^\\r\\n<L><N>]?[<L>]+|[<N>]{{1,<digits>}}"
    f"| ?{_OTHER}+[\\r\\n]*|[<S>]+$|[<S>]*[\\r\\n]|[<S>]+(?![^<S>])|[<S>]",
    O200K: f"{_CASED.format(c=_CONTRACTION)}|[<N>]{{1,<digits>}}"
    f"| ?{_OTHER}+[\\r\\n/]*|[<S>]*[\\r\\n]+|[<S>]+(?![^<S>])|[<S>]+",
}
"""The known split patterns, with classes to fill in and in the syntax that JavaScript has.

JavaScript has no possessive repeats, which change nothing here, and ``(?i:…)`` only lately.
"""

CLASSES = {"L": LETTER, "N": NUMBER, "S": SPACE, "U": UPPER, "W": LOWER}


def vocabulary_data(tokenizer: Tokenizer) -> dict[str, Any]:
    """Return tokens, merges and split pattern, as JSON-like values.

    ``split`` is None where the browser cannot cut text exactly as the tokenizer does: with a
    pattern of one's own, several patterns, or a normal form, whose tables a browser has in its own
    version. ``live`` says whether typing works, which of the kinds here only characters do without
    a split. ``tokens`` and ``merges`` are empty where there are too many to carry.
    """
    special = tokenizer.special_tokens
    tokens = [b""] * tokenizer.vocab_size
    for token, number in _ordinary_tokens(tokenizer).items():
        tokens[number] = token
    data: dict[str, Any] = {
        "kind": "characters" if isinstance(tokenizer, CharacterTokenizer) else "bpe",
        "tokens": [token.decode("latin-1") for token in tokens],
        "special": special,
        "unknown": special.get(UNKNOWN),
        "merges": [],
        "whole": False,
        "byCharacter": False,
        "split": None,
        "live": isinstance(tokenizer, CharacterTokenizer),
    }
    if isinstance(tokenizer, BPETokenizer):
        split = _split(tokenizer)
        merges = tokenizer.merges
        data |= {
            "merges": [tokenizer.tokens[part] for merge in merges for part in merge],
            "whole": tokenizer.ignore_merges,
            "byCharacter": tokenizer.alphabet == "characters",
            "split": split,
            "live": split is not None,
        }
    if len(tokens) > MAX_TOKENS or sum(map(len, tokens)) > MAX_TOKEN_BYTES:
        data |= {"tokens": [], "merges": [], "live": False}
    return data


def _ordinary_tokens(tokenizer: Tokenizer) -> dict[bytes, int]:
    match tokenizer:
        case BPETokenizer():
            return tokenizer.tokens
        case CharacterTokenizer():
            return {text.encode(): number for text, number in tokenizer.characters.items()}
    raise AssertionError(f"no page for {type(tokenizer).__name__}")


def _split(tokenizer: BPETokenizer) -> dict[str, str] | None:
    if not isinstance(tokenizer.pattern, str) or tokenizer.normalization is not None:
        return None
    pattern = SplitPattern(tokenizer.pattern)
    if pattern.family == CUSTOM:
        return None
    text = JAVASCRIPT_PATTERNS[pattern.family].replace("<digits>", str(pattern.max_digits))
    used = {name: _ranges(int(flag)) for name, flag in CLASSES.items() if f"<{name}>" in text}
    return {"pattern": text, **used}


def _ranges(flag: int) -> str:
    r"""Return the code points of a class as JavaScript writes them: ``\u{41}-\u{5A}\u{AA}…``."""
    inside = np.concatenate([[False], character_classes() & flag != 0, [False]])
    edges = np.flatnonzero(inside[1:] != inside[:-1]).tolist()
    ranges = zip(edges[::2], edges[1::2], strict=True)
    return "".join(
        f"\\u{{{start:X}}}" + (f"-\\u{{{end - 1:X}}}" if end - start > 1 else "")
        for start, end in ranges
    )
