"""Opening a file as bytes, unpacked, and naming what is wrong with it."""

import bz2
import io
import lzma
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from groundup.corpus.readers.limits import is_bomb
from groundup.corpus.readers.row import BadFileError
from groundup.errors import UserError

ARCHIVES = (".gz", ".xz", ".bz2", ".zst")
"""The suffixes of packed files that are unpacked."""

_PIECE = 16 << 20
"""Bytes unpacked at a time, where they can be limited."""


def unpack(file: BinaryIO, suffix: str) -> BinaryIO:
    """Return the stream of bytes in ``file``, unpacked when ``suffix`` is one of ``ARCHIVES``."""
    match suffix:
        case ".gz":
            unpacked = _Unpacked(file, lambda: zlib.decompressobj(wbits=31), 1 << 15)
        case ".xz":
            unpacked = _Unpacked(file, lzma.LZMADecompressor, 1 << 10)
        case ".bz2":
            unpacked = _Unpacked(file, bz2.BZ2Decompressor, 1 << 10)
        case ".zst":
            unpacked = _Unpacked(file, zstandard().ZstdDecompressor().decompressobj, 1 << 10)
        case _:
            return file
    return io.BufferedReader(unpacked, 1 << 16)


def head_of(stream: BinaryIO, size: int) -> bytes:
    """Return the first bytes of a stream that has not been read, and leave them there."""
    if isinstance(stream, io.BufferedReader):
        return stream.peek(size)[:size]
    head = stream.read(size)
    stream.seek(0)
    return head


def zstandard() -> Any:
    """Return the package that unpacks Zstandard.

    Raises:
        UserError: it is not installed.
    """
    try:
        import zstandard as package
    except ImportError:
        raise UserError(
            "reading .zst files needs zstandard; install it with: pip install zstandard"
        ) from None
    return package


def unpack_some(unpacker: Any, data: bytes) -> tuple[bytes, Exception | None]:
    """Unpack some bytes; where one is bad, those before it, and what is wrong."""
    before = unpacker.copy() if hasattr(unpacker, "copy") else None  # zlib's can be copied
    # of 50 bytes bz2 makes 45 MB, so it gives them in pieces, as xz does
    limit = (_PIECE,) if hasattr(unpacker, "needs_input") else ()
    try:
        return unpacker.decompress(data, *limit), None
    except (zlib.error, lzma.LZMAError, OSError) as error:
        trouble: Exception = error
    except Exception as error:
        if type(error).__name__ != "ZstdError":
            raise
        trouble = zlib.error(str(error))
    out = bytearray()
    if before is not None:
        with suppress(zlib.error):
            for at in range(len(data)):
                out += before.decompress(data[at : at + 1])
    return bytes(out), trouble


class _Unpacked(io.RawIOBase):
    """The members of an archive, unpacked one after another.

    The readers of the standard library lose up to 64 KB before damage, those of xz and bz2 take a
    damaged member for the end of the file, that of zstandard a cut one. Here all that can be had is
    given before the error comes.

    Args:
        file: the archive.
        make_unpacker: makes what unpacks one member.
        step: packed bytes unpacked at a time, so few that at most 32 MB come of them.
    """

    def __init__(self, file: BinaryIO, make_unpacker: Callable[[], Any], step: int) -> None:
        self._file, self._make_unpacker, self._step = file, make_unpacker, step
        self._start()

    def _start(self) -> None:
        self._unpacker: Any = None
        """Of the member that has begun; None: between members."""
        self._packed, self._ready = b"", b""
        self._trouble: Exception | None = None
        self._taken = self._given = self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._file.seekable()

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere by reading up to there, from the start if it lies behind."""
        if whence != io.SEEK_SET:
            while whence == io.SEEK_END and self.read(1 << 20):
                pass
            offset += self._position
        if offset < self._position:
            self._file.seek(0)
            self._start()
        while self._position < offset and self.read(min(1 << 20, offset - self._position)):
            pass
        return self._position

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if self._trouble:
                raise self._trouble
            if not self._unpack():
                return 0
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        self._position += size
        return size

    def _unpack(self) -> bool:
        """Unpack some bytes, perhaps to none; return whether there were any."""
        packed = b""
        if getattr(self._unpacker, "needs_input", True):
            packed = self._packed or self._file.read(self._step)
            if not packed:
                if self._unpacker is not None:
                    raise EOFError("inside a member")
                return False
        self._taken += len(packed) - len(self._packed)
        self._packed = b""
        if self._unpacker is None:
            if self._given and not (packed := packed.lstrip(b"\0")):
                return True  # padding, as on tapes
            self._unpacker = self._make_unpacker()
        self._ready, self._trouble = unpack_some(self._unpacker, packed)
        self._given += len(self._ready)
        if is_bomb(self._taken, self._given):
            raise BadFileError("the archive unpacks to hundreds of times its size", "leave it out")
        if not self._trouble and self._unpacker.eof:
            self._packed, self._unpacker = self._unpacker.unused_data, None
        return True


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
    except (lzma.LZMAError, zlib.error):
        raise BadFileError("the archive is damaged", "fetch or pack it again") from None
    except OSError as error:
        if error.errno is not None:
            raise  # the system's trouble; bz2 raises its own without a number
        raise BadFileError("the archive is damaged", "fetch or pack it again") from None
