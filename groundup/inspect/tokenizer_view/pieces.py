"""What a token looks like: text as it is, and a name for everything that has no look of its own."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

CLIP_BYTES = 256
"""Bytes of one token that are shown: longer ones are not meant to be read."""

Kind = Literal["text", "space", "tab", "newline", "byte", "control"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of characters or bytes in a token that look alike."""

    kind: Kind
    """text: letters and signs; space, tab, newline: those characters; byte: part of a character
    that is split between tokens; control: a character that cannot be seen, or that moves others."""
    text: str
    """What stands in the token; for a byte two hex digits, for a control character its name."""


def pieces(token: bytes) -> list[Piece]:
    """Return what a token is made of, in order.

    Nothing in it can command a terminal or turn the direction of text: control characters, such as
    escape, NUL or the marks of right-to-left text, come as names.
    """
    # surrogateescape keeps what is no UTF-8 as U+DC80 to U+DCFF, which no valid UTF-8 decodes to
    found: list[Piece] = []
    for kind, run in groupby(token.decode("utf-8", "surrogateescape"), _kind):
        if kind in ("byte", "control"):
            found += [Piece(kind, _name(character)) for character in run]
        else:
            found.append(Piece(kind, "".join(run)))
    if found and found[0].kind == "text" and unicodedata.category(found[0].text[0])[0] == "M":
        found[0] = Piece("text", DOTTED_CIRCLE + found[0].text)
    return found


DOTTED_CIRCLE = "◌"
"""Bears an accent whose letter is in the token before."""


def _kind(character: str) -> Kind:
    match character:
        case " ":
            return "space"
        case "\t":
            return "tab"
        case "\n":
            return "newline"
    if "\udc80" <= character <= "\udcff":
        return "byte"
    category = unicodedata.category(character)
    return "control" if category[0] in "CZ" else "text"


def _name(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"{code - 0xDC00:02X}"
    if code < 0x20:
        return chr(0x2400 + code)  # ␀ to ␟, the pictures of control characters
    return "␡" if code == 0x7F else f"U+{code:04X}"


def clipped(token: bytes) -> Iterator[Piece]:
    """Yield the pieces of the first CLIP_BYTES of a token, and … where there are more."""
    yield from pieces(token[:CLIP_BYTES])
    if len(token) > CLIP_BYTES:
        yield Piece("control", "…")
