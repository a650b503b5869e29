"""HTML files: a page each."""

from collections.abc import Iterator
from typing import BinaryIO

from groundup.corpus.readers.encodings import declared_in_page, decode
from groundup.corpus.readers.limits import MAX_ROW_BYTES
from groundup.corpus.readers.media import media_type
from groundup.corpus.readers.row import HTML, BadFileError, Row


def read_html(stream: BinaryIO, *, max_bytes: int = MAX_ROW_BYTES) -> Iterator[Row]:
    """Read a page, in the encoding of its byte order mark, its own declaration, or as detected.

    Raises:
        BadFileError: it is binary, or longer than ``max_bytes``.
    """
    page = stream.read(max_bytes + 1)
    if len(page) > max_bytes:
        raise BadFileError(f"a page over {max_bytes >> 20} MB", "leave it out")
    if media_type(HTML, page) != HTML:
        raise BadFileError("binary, not a page", "leave it out")
    text, replaced = decode(page, declared_in_page(page))
    yield Row(text, content_type=HTML, replaced=replaced)
