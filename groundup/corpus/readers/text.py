"""Text files: one document, or several with a separator between them."""

import codecs
import io
import tokenize
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from groundup.corpus.document import MAX_DOCUMENT_BYTES
from groundup.corpus.readers.row import BadFileError, Row

CHUNK = 1 << 20
"""Characters decoded at a time."""

HEAD = 8192
"""Bytes looked at to tell text from binary; git looks at as many."""


def read_text(stream: BinaryIO, separator: str | None) -> Iterator[Row]:
    """Read UTF-8 (with or without a byte order mark), or UTF-16 with one; line ends become LF.

    Raises:
        BadFileError: the file is binary, or longer than one document may be.
        UnicodeDecodeError: the file is text of another encoding.
    """
    head = _look_ahead(stream)
    utf_16 = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    if not utf_16:
        _refuse_binary(head)
    text = io.TextIOWrapper(stream, "utf-16" if utf_16 else "utf-8-sig", newline=None)
    if separator is None:
        yield Row(_read_whole(text))
        return
    for number, piece in enumerate(split_chunks(iter(lambda: text.read(CHUNK), ""), separator), 1):
        yield Row(piece.strip("\n"), number)


def read_python(stream: BinaryIO) -> Iterator[Row]:
    """Read Python source in the encoding that its first two lines declare (PEP 263).

    Raises:
        BadFileError: the declaration names no text encoding, or the file is binary or too long.
        UnicodeDecodeError: the file is not in the encoding it declares.
    """
    _refuse_binary(_look_ahead(stream))
    try:
        encoding, _ = tokenize.detect_encoding(stream.readline)
        stream.seek(0)
        text = io.TextIOWrapper(stream, encoding, newline=None)
    except (SyntaxError, LookupError):
        raise BadFileError(
            "not in the encoding it declares", "mend its coding line or convert it to UTF-8"
        ) from None
    yield Row(_read_whole(text))


def split_chunks(chunks: Iterable[str], separator: str) -> Iterator[str]:
    """Yield what ``"".join(chunks).split(separator)`` holds, one piece in memory at a time.

    Raises:
        BadFileError: one piece is longer than a document may be.
    """
    pending = ""
    for chunk in chunks:
        # The characters before this were searched already; a separator may straddle the seam.
        searched = max(0, len(pending) - len(separator) + 1)
        pending += chunk
        start = 0
        while (end := pending.find(separator, max(start, searched))) >= 0:
            yield pending[start:end]
            start = end + len(separator)
        pending = pending[start:]
        if len(pending) > MAX_DOCUMENT_BYTES:
            raise too_long()
    yield pending


def _look_ahead(stream: BinaryIO) -> bytes:
    # Every stream that ``unpack`` gives is a BufferedReader, which can look without reading.
    return cast("io.BufferedReader", stream).peek(HEAD)[:HEAD]


def _refuse_binary(head: bytes) -> None:
    if b"\0" in head:
        raise BadFileError(
            "binary, not text", "name text, Markdown, code, JSON or Parquet (text also .gz, .xz)"
        )


def _read_whole(text: io.TextIOWrapper) -> str:
    """Read to the end, or stop where one document can hold no more."""
    chunks: list[str] = []
    num_characters = 0
    while chunk := text.read(CHUNK):
        chunks.append(chunk)
        num_characters += len(chunk)
        if num_characters > MAX_DOCUMENT_BYTES:
            raise too_long()
    return "".join(chunks)


def too_long() -> BadFileError:
    """Return the error for a text that is longer than ``MAX_DOCUMENT_BYTES``."""
    return BadFileError("over 2 GB in one document", "split it, or set document_separator")
