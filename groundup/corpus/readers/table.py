"""CSV and TSV: a row of named columns a line, or several lines where a field is quoted."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO

from groundup.corpus.readers.limits import MAX_ROW_BYTES
from groundup.corpus.readers.lines import TOO_LONG
from groundup.corpus.readers.row import BadFileError, BadRow, Row
from groundup.corpus.readers.text import DecodedText

WRONG_COLUMNS = "not as many columns as the first line"


def read_table(
    stream: BinaryIO, separator: str, text_field: str, *, max_size: int = MAX_ROW_BYTES
) -> Iterator[Row | BadRow]:
    """Read the column ``text_field`` (and ``url``, ``language``) of a table with a line of names.

    Quotes are those of RFC 4180; where they make no row of the right number of columns (a TSV file
    may have none, and a quotation mark begin a text), they are read as text. So an unclosed quote
    costs no row after it.

    Args:
        stream: text in any encoding that can be told.
        separator: stands between columns.
        text_field: name of the column.
        max_size: characters in a row; a longer one is bad.

    Raises:
        BadFileError: the first line names no such column, or the file is binary.
    """
    text = DecodedText(stream)
    lines = _Lines(split_lines(text, max_size))
    header: str | None = ""
    while header is not None and not header.strip():  # blank lines before it
        if lines.at_end():
            return
        header = lines.next()
    if header is None:
        raise BadFileError(TOO_LONG, "check that its first line names the columns")
    names = [name.strip() for name in _split(header, separator)[0]]
    if text_field not in names:
        known = ", ".join(names[:20])
        raise BadFileError(f'no column "{text_field}"', f"set text_field; its columns: {known}")
    at = {name: names.index(name) for name in (text_field, "url", "language") if name in names}
    counted = text.replaced
    while not lines.at_end():
        number, line = lines.number, lines.next()
        if line is None:
            yield BadRow(number, TOO_LONG)
        elif line.strip() or separator in line:
            fields = _fields(line, lines, separator, len(names), max_size)
            if len(fields) != len(names):
                yield BadRow(number, WRONG_COLUMNS, f"{len(fields)} for {len(names)}")
                continue
            row = {name: fields[column] for name, column in at.items()}
            url, language = row.get("url") or None, row.get("language") or None
            replaced, counted = text.replaced - counted, text.replaced
            yield Row(row[text_field], number, url, language, replaced=replaced)


def split_lines(chunks: Iterable[str], max_size: int) -> Iterator[str | None]:
    """Yield the lines that chunks of a text make, without their ends; None: it is too long."""
    pending: list[str] = []
    size = 0
    for chunk in chunks:
        *whole, last = chunk.split("\n")
        for line in whole:
            size += len(line)
            yield "".join([*pending, line]) if size <= max_size else None
            pending, size = [], 0
        size += len(last)
        pending = [*pending, last] if size <= max_size else []
    if size:
        yield "".join(pending) if size <= max_size else None


class _Lines:
    """Lines that are counted and can be given back."""

    def __init__(self, lines: Iterator[str | None]) -> None:
        self._lines = lines
        self._ahead: deque[str | None] = deque()
        """Lines that come before those."""
        self.number = 1
        """Of the line that comes next."""

    def at_end(self) -> bool:
        if not self._ahead:
            self._ahead.extend(islice(self._lines, 1))
        return not self._ahead

    def next(self) -> str | None:
        self.number += 1
        return self._ahead.popleft() if self._ahead else next(self._lines, None)

    def give_back(self, lines: list[str | None]) -> None:
        self.number -= len(lines)
        self._ahead.extendleft(reversed(lines))


def _fields(line: str, lines: _Lines, separator: str, columns: int, max_size: int) -> list[str]:
    """Return the fields of the row that begins with ``line``."""
    if '"' not in line:
        return line.split(separator)
    fields, closed = _split(line, separator)
    if not closed:
        taken: list[str | None] = []
        quotes, size = line.count('"'), len(line)
        while quotes % 2 and size <= max_size and not lines.at_end():
            more = lines.next()
            taken.append(more)
            if more is None:
                break
            quotes += more.count('"')
            size += len(more) + 1
        whole = [more for more in taken if more is not None]
        if not quotes % 2 and size <= max_size and len(whole) == len(taken):
            fields, closed = _split("\n".join([line, *whole]), separator)
        if not closed or len(fields) != columns:
            lines.give_back(taken)
    return fields if closed and len(fields) == columns else line.split(separator)


def _split(text: str, separator: str) -> tuple[list[str], bool]:
    """Split a row by RFC 4180; tell whether its last quote was closed."""
    fields: list[str] = []
    at = 0
    while True:
        start, field = at, ""
        if text.startswith('"', at):
            start = at + 1
            while (start := text.find('"', start)) >= 0 and text.startswith('""', start):
                start += 2
            if start < 0:
                return [*fields, text[at + 1 :]], False
            field = text[at + 1 : start].replace('""', '"')
            start += 1
        stop = text.find(separator, start)
        fields.append(field + text[start : stop if stop >= 0 else None])
        if stop < 0:
            return fields, True
        at = stop + len(separator)
