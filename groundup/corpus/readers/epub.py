"""EPUB books: a ZIP archive of XHTML files, and the order in which they are read."""

import errno
import lzma
import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO
from urllib.parse import unquote
from xml.etree import ElementTree

from groundup.corpus.readers.encodings import declared_in_page, decode
from groundup.corpus.readers.limits import MAX_ROW_BYTES, is_bomb
from groundup.corpus.readers.row import BadFileError, BadRow, Row

_CONTAINER, _ENCRYPTION = "META-INF/container.xml", "META-INF/encryption.xml"
_XHTML = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
_PARTS_BYTES = 1 << 20
"""Read of a file in the archive at a time."""

_DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, ElementTree.ParseError),
    *(EOFError, RuntimeError, NotImplementedError, ValueError, OverflowError),
)
"""What comes of a damaged archive; ``ValueError`` where it points to before its own start."""


class _BadPartError(Exception):
    """A file in the archive cannot be read; the message says why."""


def read_epub(stream: BinaryIO, *, max_bytes: int = MAX_ROW_BYTES) -> Iterator[Row | BadRow]:
    """Read a book as one text, its chapters in the order of the spine (EPUB 3.3, 5.7).

    A chapter that cannot be read is a bad row, numbered by its place, and costs only itself.

    Args:
        stream: the archive; can be sought in.
        max_bytes: what the chapters may hold together.

    Raises:
        BadFileError: it is no EPUB, has no chapter that can be read, or is locked.
    """
    try:
        with _damage_named():
            archive = zipfile.ZipFile(stream)
            book, folder = _package(archive)
            chapters = _chapters(book, folder)
    except _BadPartError:
        raise BadFileError("no EPUB book, or a damaged one", "fetch it again") from None
    locked = _locked(archive)
    texts: list[str] = []
    size = replaced = 0
    for number, name in enumerate(chapters, 1):
        if name in locked:
            raise BadFileError("a locked book (DRM)", "use a copy that is not")
        try:
            page = _read(archive, name, max_bytes - size)
        except _BadPartError as error:
            yield BadRow(number, str(error), name[-200:])
            continue
        size += len(page)
        text, unreadable = decode(page, declared_in_page(page))
        replaced += unreadable
        texts.append(_text(text))
    whole = "\n\n".join(filter(None, texts))
    if not whole:
        raise BadFileError("a book without text", "leave it out")
    yield Row(whole, language=_language(book), replaced=replaced)


def _package(archive: zipfile.ZipFile) -> tuple[ElementTree.Element, str]:
    """Return the book's list of contents, and the folder that its names begin in."""
    container = _parse(archive, _CONTAINER)
    root = next((e for e in container.iter() if _tag(e) == "rootfile"), None)
    name = root.get("full-path", "") if root is not None else ""
    return _parse(archive, name), posixpath.dirname(name)


def _chapters(book: ElementTree.Element, folder: str) -> list[str]:
    """Return the names of the chapters in their order, each once."""
    items = {e.get("id"): e for e in book.iter() if _tag(e) == "item"}
    names: dict[str, None] = {}
    for reference in (e for e in book.iter() if _tag(e) == "itemref"):
        item = items.get(reference.get("idref"))
        if item is not None and item.get("media-type", "") in _XHTML:
            path = unquote(item.get("href", "")).partition("#")[0]
            names[posixpath.normpath(posixpath.join(folder, path))] = None
    return list(names)


def _locked(archive: zipfile.ZipFile) -> set[str]:
    """Return the names of the files that are encrypted; fonts often are, and do not matter."""
    if _ENCRYPTION not in archive.namelist():
        return set()
    try:
        with _damage_named():
            root = _parse(archive, _ENCRYPTION)
    except _BadPartError:
        return set()
    return {unquote(e.get("URI", "")) for e in root.iter() if _tag(e) == "CipherReference"}


def _language(book: ElementTree.Element) -> str | None:
    found = next((e.text for e in book.iter() if _tag(e) == "language"), None)
    return (found or "").strip() or None


def _text(page: str) -> str:
    """Return what a chapter says; all of it, for a book has no navigation around it."""
    from resiliparse.extract.html2text import extract_plain_text

    return extract_plain_text(page, preserve_formatting=True, alt_texts=False).strip()


def _parse(archive: zipfile.ZipFile, name: str) -> ElementTree.Element:
    data = _read(archive, name, MAX_ROW_BYTES)
    if b"<!ENTITY" in data.replace(b"\0", b""):  # in UTF-16 too
        raise _BadPartError("entities of its own")  # which could grow without end
    return ElementTree.fromstring(data)  # noqa: S314 - nothing in it can expand


def _read(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    """Read a file of the archive; what its entry says of its size is not believed."""
    data = bytearray()
    if name not in archive.NameToInfo:
        raise _BadPartError("a chapter that is not there")
    packed = archive.getinfo(name).compress_size
    with _damage_named(), archive.open(name) as file:
        while more := file.read(_PARTS_BYTES):
            data += more
            if len(data) > max_bytes or is_bomb(packed, len(data)):
                raise _BadPartError("a chapter over the limit of size")
    return bytes(data)


@contextmanager
def _damage_named() -> Iterator[None]:
    """Turn what a damaged archive raises into ``_BadPartError``; the system's trouble stays."""
    try:
        yield
    except _DAMAGE:
        raise _BadPartError("a damaged chapter") from None
    except OSError as error:  # bz2's has no number; EINVAL: a place before the file's start
        if error.errno not in (None, errno.EINVAL):
            raise
        raise _BadPartError("a damaged chapter") from None


def _tag(element: ElementTree.Element) -> str:
    """Return an element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]
