"""One way to write a text: Unicode NFC, line feeds, no controls, no mojibake.

What looks alike should be alike to the filters, to deduplication and to the tokenizer. Nothing that
code needs is touched: indentation, runs of spaces within a line and two blank lines stay.
"""

import re
import unicodedata
from dataclasses import dataclass, fields
from functools import cache

_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f]")
_INVISIBLE = re.compile(
    "[\u00ad\u180e\u200b\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\ufdd0-\ufdef"
    "\ufffe\uffff]"
)
"""Characters that show nothing: soft hyphens, zero-width spaces, byte order marks, directions,
characters that are none. The joiners U+200C and U+200D stay, for Persian, Hindi and emoji are
spelled with them; so do the marks U+200E and U+200F."""

_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_MANY_LINES = re.compile(r"\n{4,}")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ODD = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u1680\u180e\u2000-\u200b\u2028-\u202f\u205f-\u2064"
    "\u2066-\u206f\u3000\ud800-\udfff\ufdd0-\ufdef\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
"""All characters that the patterns above look for: one search instead of five."""

_MISREAD = (
    *("latin-1", "iso8859-2", "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1257"),
    *("mac-roman", "cp437"),
)
"""What UTF-8 is taken for by mistake: the encodings that ftfy looks for."""

_WINDOW = 24
"""Characters around a suspicious place by which ftfy tells whether it is bad; it looks at 5."""

_MARKS = 30
"""Marks on one letter; no writing has more (Unicode UAX #15, 13.1). They are put in order by
insertion, which takes minutes for a million."""

MAX_PASSES = 8
"""One mending may make room for another: a control removed between two halves of a letter."""


@dataclass
class Changes:
    """What was changed; counts of several texts are added up."""

    texts: int = 0
    """Texts that were changed at all."""
    surrogates: int = 0
    """Halves of characters that were joined, or stood alone and became U+FFFD."""
    mojibake: int = 0
    """Lines that had been read in a wrong encoding, and were put right."""
    line_ends: int = 0
    """Line ends other than LF."""
    controls: int = 0
    """Control characters that were removed."""
    invisible: int = 0
    """Characters without width that were removed."""
    composed: int = 0
    """Texts that were not in Unicode's composed form (NFC)."""
    spaces: int = 0
    """Spaces of another kind, and runs of spaces at the ends of lines."""
    blank_lines: int = 0
    """Runs of more than two blank lines."""

    def merge(self, other: "Changes") -> None:
        """Add the counts of other texts."""
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


def normalize(text: str, changes: Changes | None = None) -> str:
    """Return a text as it is written here; what has been normalised stays as it is.

    Args:
        text: any string, lone surrogates included.
        changes: counts what was changed.

    Returns:
        a text that encodes as UTF-8, in NFC, without line ends before or after it.
    """
    if _is_clean(text):
        return text
    counts = Changes()
    result = text
    for _ in range(MAX_PASSES):
        before = result
        result = _pass(result, counts)
        if result == before or _is_clean(result):
            break
    if changes is not None:
        counts.texts = int(result != text)
        changes.merge(counts)
    return result


def _is_clean(text: str) -> bool:
    """Tell most texts that need nothing, by searches that take a few nanoseconds a character."""
    if _ODD.search(text) or " \n" in text or "\t\n" in text or "\n\n\n\n" in text:
        return False
    if text[:1] == "\n" or text[-1:] in ("\n", " ", "\t"):
        return False
    return text.isascii() or (unicodedata.is_normalized("NFC", text) and not _is_misread(text))


def _pass(text: str, changes: Changes) -> str:
    if not text.isascii():
        text = _join_surrogates(text, changes)
        text = _mend_mojibake(text, changes)
    text, count = _LINE_END.subn("\n", text)
    changes.line_ends += count
    text, count = _CONTROL.subn("", text)
    changes.controls += count
    if not text.isascii():
        text, count = _INVISIBLE.subn("", text)
        changes.invisible += count
        if not unicodedata.is_normalized("NFC", text):
            text, count = _many_marks().subn(r"\1", text)
            changes.invisible += count
            text = unicodedata.normalize("NFC", text)
            changes.composed += 1
        text, count = _SPACE.subn(" ", text)
        changes.spaces += count
    if " \n" in text or "\t\n" in text or text.endswith((" ", "\t")):
        lines = text.split("\n")
        stripped = [line.rstrip(" \t") for line in lines]
        changes.spaces += sum(map(str.__ne__, lines, stripped))
        text = "\n".join(stripped)
    if "\n\n\n\n" in text:
        text, count = _MANY_LINES.subn("\n\n\n", text)
        changes.blank_lines += count
    return text.strip("\n")


def _join_surrogates(text: str, changes: Changes) -> str:
    found = _SURROGATE.findall(text)
    if not found:
        return text
    changes.surrogates += len(found)
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _mend_mojibake(text: str, changes: Changes) -> str:
    """Put right the lines that were UTF-8 and were read as something else."""
    if not _is_misread(text):
        return text
    from ftfy import fix_encoding

    lines = text.split("\n")
    for number, line in enumerate(lines):
        if _is_misread(line):
            mended = fix_encoding(line)
            changes.mojibake += mended != line
            lines[number] = mended
    return "\n".join(lines)


def _is_misread(text: str) -> bool:
    """Tell whether a text has what ftfy takes for mojibake, and could be that.

    ftfy reads 6 MB/s, so it is shown only the places where two characters stand side by side that
    are bytes of one in UTF-8.
    """
    found = _halves().search(text)
    if not found:
        return False
    from ftfy.badness import is_bad

    while found:
        if is_bad(text[max(0, found.start() - _WINDOW) : found.end() + _WINDOW]):
            return True
        found = _halves().search(text, found.start() + _WINDOW // 2)
    return False


@cache
def _many_marks() -> re.Pattern[str]:
    """Find more marks on a letter than any has, and as the first group those that stay."""
    marks = "".join(c for c in map(chr, range(0x300, 0x1F000)) if unicodedata.combining(c))
    return re.compile(f"([{re.escape(marks)}]{{{_MARKS}}})[{re.escape(marks)}]+")


@cache
def _halves() -> re.Pattern[str]:
    """Find a first byte of UTF-8 and one that follows it, both misread."""
    leads = {c for code in _MISREAD for c in bytes(range(0xC2, 0xF5)).decode(code, "ignore")}
    rests = {c for code in _MISREAD for c in bytes(range(0x80, 0xC0)).decode(code, "ignore")}
    lead, rest = (re.escape("".join(sorted(chars))) for chars in (leads, rests))
    return re.compile(f"[{lead}][{rest}]|[\xc2\xc3] ")  # a non-breaking space may have become one
