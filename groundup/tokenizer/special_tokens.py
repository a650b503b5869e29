"""Special tokens: ids that stand for a role in the text, never for text that a user typed."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import regex

from groundup.errors import UsageError

END_OF_TEXT = "<|endoftext|>"
"""Starts every document and ends generation: the one special token of a base model."""

IM_START, IM_END = "<|im_start|>", "<|im_end|>"
"""Begin and end one message of a chat (ChatML); trained tokenizers keep ids for them."""


def with_end_of_text(special_tokens: Iterable[str]) -> tuple[str, ...]:
    """Return the special tokens of a new tokenizer in the order of their ids, END_OF_TEXT first.

    Raises:
        UsageError: a special token has a name that cannot be used, or is there twice.
    """
    names = (END_OF_TEXT, *(name for name in special_tokens if name != END_OF_TEXT))
    for name in names:
        check_special_token(name)
        if names.count(name) > 1:
            raise UsageError(f"special token {name!r} is listed twice: list it once")
    return names


def check_special_token(name: str) -> None:
    """Raise UsageError if ``name`` is a single character (which is text) or not valid Unicode."""
    if len(name) < 2:
        raise UsageError(f"special token {name!r} is too short: write it like {END_OF_TEXT!r}")
    if well_formed(name) != name:
        raise UsageError(f"special token {name!r} is not valid Unicode: write it without \\ud…")


def split_at_special_tokens(text: str, names: frozenset[str]) -> Sequence[str]:
    """Cut ``text`` so that entries 1, 3, 5, … are special tokens and 0, 2, 4, … what lies between.

    Where several begin at one place, the longest is taken, as the ``tokenizers`` library does.
    """
    parts: list[str] = _finder(names).split(text) if names else [text]
    return parts


@lru_cache(maxsize=64)
def _finder(names: frozenset[str]) -> "regex.Pattern[str]":
    longest_first = sorted(names, key=lambda name: (-len(name), name))
    return regex.compile("(" + "|".join(map(regex.escape, longest_first)) + ")")


def well_formed(text: str) -> str:
    """Return ``text`` as it can be encoded: a lone surrogate becomes U+FFFD, as in tiktoken.

    Python strings can hold halves of UTF-16 pairs (from JSON escapes or file names); the halves of
    one character are joined, a half without its partner is replaced.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def well_formed_chunks(chunks: Iterable[str]) -> Iterator[str]:
    """Yield the chunks of a text such that, joined, they are ``well_formed`` of the whole text.

    Two halves of a character can stand in two chunks: the first waits for the second.
    """
    half = ""
    for chunk in chunks:
        text = half + chunk
        half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        yield well_formed(text.removesuffix(half))
    if half:
        yield well_formed(half)
