"""Text files: one document, or several with a separator between them."""

import codecs
import io
import tokenize
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from groundup.corpus.document import MAX_DOCUMENT_BYTES
from groundup.corpus.readers.encodings import (
    ENOUGH,
    count_replaced,
    detect,
    mark_of,
    mostly_utf_8,
    replace,
)
from groundup.corpus.readers.opening import head_of
from groundup.corpus.readers.row import BadFileError, Row

CHUNK = 1 << 20
"""Bytes decoded at a time."""

HEAD = 8192
"""Bytes looked at to tell text from binary; git looks at as many."""


def read_text(stream: BinaryIO, separator: str | None) -> Iterator[Row]:
    """Read text in the encoding of its byte order mark, or UTF-8, or as detected; line ends: LF.

    Bytes that are nothing in that encoding become U+FFFD and are counted.

    Raises:
        BadFileError: the file is binary, or longer than one document may be.
        UnicodeDecodeError: it is not UTF-8, and too short to tell what else it is.
    """
    chunks = DecodedText(stream)
    if separator is None:
        text = _read_whole(chunks)
        yield Row(text, replaced=chunks.replaced)
        return
    counted = 0
    for number, piece in enumerate(split_chunks(chunks, separator), 1):
        yield Row(piece.strip("\n"), number, replaced=chunks.replaced - counted)
        counted = chunks.replaced


def read_python(stream: BinaryIO) -> Iterator[Row]:
    """Read Python source in the encoding that its first two lines declare (PEP 263).

    Raises:
        BadFileError: the declaration names no text encoding, or the file is binary or too long.
        UnicodeDecodeError: the file is not in the encoding it declares.
    """
    _refuse_binary(head_of(stream, HEAD))
    try:
        encoding, _ = tokenize.detect_encoding(stream.readline)
        stream.seek(0)
        text = io.TextIOWrapper(stream, encoding, newline=None)
        chunks = iter(lambda: text.read(CHUNK), "")
    except (SyntaxError, LookupError):
        raise BadFileError(
            "not in the encoding it declares", "mend its coding line or convert it to UTF-8"
        ) from None
    yield Row(_read_whole(chunks))


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


def _refuse_binary(head: bytes) -> None:
    if b"\0" in head:
        raise BadFileError(
            "binary, not text", "name text, Markdown, code, JSON or Parquet (text also .gz, .xz)"
        )


def _read_whole(text: Iterable[str]) -> str:
    """Join chunks to the end, or stop where one document can hold no more."""
    chunks: list[str] = []
    num_characters = 0
    for chunk in text:
        chunks.append(chunk)
        num_characters += len(chunk)
        if num_characters > MAX_DOCUMENT_BYTES:
            raise too_long()
    return "".join(chunks)


class DecodedText:
    """The text of a stream in chunks, its lines ending in LF, in the encoding that it is in.

    Args:
        stream: bytes that have not been read.

    Raises:
        BadFileError: they are of no text.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        head = head_of(stream, HEAD)
        self._encoding, self._mark = mark_of(head) or ("", 0)
        if not self._encoding:
            _refuse_binary(head)
        self.replaced = 0
        """Characters so far that stand for bytes which are nothing in the encoding."""

    def __iter__(self) -> Iterator[str]:
        data = self._stream.read(CHUNK)
        errors = "strict" if len(data) < ENOUGH else "replace"
        lines = io.IncrementalNewlineDecoder(None, translate=True)
        encoding = self._encoding
        data = data[self._mark :]
        while data and not encoding:  # ASCII tells nothing, and is the same in what there is
            if data.isascii():
                yield lines.decode(data.decode("ascii"))
                data = self._stream.read(CHUNK)
            else:
                encoding = "utf-8" if errors == "strict" else _encoding_of(data)
        decoder = codecs.getincrementaldecoder(encoding or "ascii")(errors)
        while data:
            text = lines.decode(decoder.decode(data))
            self.replaced += count_replaced(text, data, encoding)
            if text:
                yield text
            data = self._stream.read(CHUNK)
        text = lines.decode(decoder.decode(b"", final=True), final=True)
        self.replaced += text.count("\ufffd")
        yield text


def _encoding_of(data: bytes) -> str:
    """Tell the encoding of a text by its first chunk."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=len(data) < CHUNK)
    except UnicodeDecodeError:
        return "utf-8" if mostly_utf_8(*replace(data, "utf-8")) else detect(data)
    return "utf-8"


def too_long() -> BadFileError:
    """Return the error for a text that is longer than ``MAX_DOCUMENT_BYTES``."""
    return BadFileError("over 2 GB in one document", "split it, or set document_separator")
