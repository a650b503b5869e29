"""JSON lines, and JSON files that hold a list of rows.

One bad row is a counted row, never a lost file.
"""

import codecs
import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, BinaryIO

from groundup.corpus.readers.limits import MAX_ROW_BYTES
from groundup.corpus.readers.lines import TOO_LONG, bounded_lines
from groundup.corpus.readers.row import BadFileError, BadRow, Row

_READ = 1 << 20
"""Bytes of a list read at a time."""

_OPENING, _COMMA = re.compile(r"\s*\[\s*"), re.compile(r"\s*,\s*")
"""What stands before the first value of a list; before the others."""

_AFTER, _END = re.compile(r"\s*[,\]]"), re.compile(r"\s*[\[,]?\s*\]\s*")
_OTHER = re.compile(r"\s*[^\s\[]")
"""What begins anything but a list."""


def read_json_lines(
    stream: BinaryIO, text_field: str, *, max_bytes: int = MAX_ROW_BYTES
) -> Iterator[Row | BadRow]:
    """Read one JSON object a line; lines end at LF only, blank lines are passed over.

    ``str.splitlines`` would also cut at U+2028 and U+0085, which JSON strings may hold as they
    are; iterating over bytes does not. A line over ``max_bytes`` is a bad row.
    """
    for number, line in bounded_lines(stream, max_bytes):
        if line is None:
            yield BadRow(number, TOO_LONG)
            continue
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if line.strip():
            yield parse_row(line, number, text_field)


def read_json(
    stream: BinaryIO, text_field: str, *, max_bytes: int = MAX_ROW_BYTES
) -> Iterator[Row | BadRow]:
    """Read a ``.json`` file: a list of objects, one object, or JSON lines under the wrong name.

    Lists are read value by value, so that they may be larger than memory, and what comes before
    damage is given. What is none of these is read as JSON lines whose first line is bad.

    Raises:
        BadFileError: a list is not valid JSON to its end.
    """
    number = 0
    try:
        for number, value in enumerate(_list_values(stream, max_bytes), 1):
            yield _row_or_bad(value, number, text_field)
        return
    except _NoListError:
        if number:
            raise BadFileError(
                "a list that is not valid JSON to its end", "mend it or write it again"
            ) from None
    stream.seek(0)
    first = stream.readline(max_bytes + 1).removeprefix(codecs.BOM_UTF8)
    if not isinstance(_load(first), dict):
        whole = _load(first + stream.read(max_bytes + 1 - len(first)))
        if isinstance(whole, dict):
            yield row_of(whole, 1, text_field)
            return
    stream.seek(0)
    yield from read_json_lines(stream, text_field, max_bytes=max_bytes)


def parse_row(line: bytes, number: int, text_field: str) -> Row | BadRow:
    """Parse one line of JSON lines."""
    return _row_or_bad(_load(line), number, text_field)


def _row_or_bad(value: Any, number: int, text_field: str) -> Row | BadRow:
    if isinstance(value, ValueError):
        reason = "not UTF-8 text" if isinstance(value, UnicodeDecodeError) else "not valid JSON"
        return BadRow(number, reason)
    return row_of(value, number, text_field)


def row_of(value: Any, number: int, text_field: str) -> Row | BadRow:
    """Take the text, and where given the url and language, out of a row's JSON object."""
    if not isinstance(value, dict):
        return BadRow(number, "not a JSON object")
    if text_field not in value:
        fields = ", ".join(list(value)[:20]) or "nothing"
        return BadRow(number, f'no field "{text_field}"', f"it has {fields}")
    text = value[text_field]
    if not isinstance(text, str):
        return BadRow(number, f'field "{text_field}" is not a string')
    return Row(text, number, _string(value.get("url")), _string(value.get("language")))


class _NoListError(ValueError):
    """Something is no JSON list, or none from here on."""


def _list_values(stream: BinaryIO, max_size: int) -> Iterator[Any]:
    """Yield the values of a JSON list; a ``UnicodeDecodeError`` for one that is not UTF-8.

    Raises:
        _NoListError: it is none, or a value in it is damaged or has over ``max_size`` characters.
    """
    # bad bytes become lone surrogates, which JSON itself can only write as escapes
    decode = codecs.getincrementaldecoder("utf-8-sig")("surrogateescape").decode
    parse = json.JSONDecoder().raw_decode
    text, at, ended = "", 0, False
    before = _OPENING
    while True:
        if begin := before.match(text, at):
            with suppress(ValueError, RecursionError):
                value, end = parse(text, begin.end())
                if _AFTER.match(text, end):  # else a number, say, may go on
                    try:
                        text[begin.end() : end].encode()
                    except UnicodeEncodeError:
                        value = UnicodeDecodeError("utf-8", b"", 0, 0, "invalid byte")
                    yield value
                    at, before = end, _COMMA
                    continue
        if ended and _END.fullmatch(text, at):
            return
        if ended or len(text) - at > max_size or (before is _OPENING and _OTHER.match(text, at)):
            raise _NoListError
        data = stream.read(max(_READ, len(text) - at))  # as much again: each retry starts over
        ended = not data
        text, at = text[at:] + decode(data, ended), 0


def _load(data: bytes) -> Any:
    """Parse JSON; what is wrong with it is returned as a ``ValueError``."""
    try:
        return json.loads(data.decode())
    except RecursionError:
        return ValueError("nested too deeply")
    except ValueError as error:  # not JSON, not UTF-8, or an integer of thousands of digits
        return error


def _string(value: Any) -> str | None:
    """Return a string that can be written as UTF-8; a lone surrogate cannot."""
    if not isinstance(value, str):
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return None
    return value
