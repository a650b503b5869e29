"""Opening a file as bytes, unpacked, and naming what is wrong with it."""

import gzip
import io
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from groundup.corpus.readers.row import BadFileError


def unpack(file: BinaryIO, suffix: str) -> BinaryIO:
    """Return the stream of bytes in ``file``, unpacked when ``suffix`` is ``.gz`` or ``.xz``."""
    match suffix:
        case ".gz":
            return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(fileobj=file)))
        case ".xz":
            return io.BufferedReader(cast("io.RawIOBase", lzma.LZMAFile(file)))
        case _:
            return file


@contextmanager
def file_troubles_named() -> Iterator[None]:
    """Turn what decoders and decompressors raise on a bad file into ``BadFileError``.

    Errors of the system (no permission, a failing disk) stay ``OSError``.
    """
    try:
        yield
    except UnicodeError:
        raise BadFileError(
            "not UTF-8 text", "convert it, for example with: iconv -f LATIN1 -t UTF-8"
        ) from None
    except EOFError:
        raise BadFileError("the archive is cut short", "fetch or pack it again") from None
    except (gzip.BadGzipFile, lzma.LZMAError, zlib.error):
        raise BadFileError("the archive is damaged", "fetch or pack it again") from None
