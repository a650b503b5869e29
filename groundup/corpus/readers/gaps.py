"""A packed file of records, in pieces: one bad member does not cost those after it.

Web archives are packed record by record: each is a gzip member or Zstandard frame of its own, one
after another in a file. A general decompressor gives up at the first bad byte. Here what is bad
becomes a ``Gap``, and reading goes on at the next member that begins like a record.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from groundup.corpus.readers.limits import MAX_ROW_BYTES, is_bomb
from groundup.corpus.readers.opening import unpack_some, zstandard

READ = 1 << 20
"""Bytes asked of the file at a time."""

KEPT = 8 << 20
"""Packed bytes of a member that are kept, to look through again should it turn out to be bad."""

TRIAL = 1 << 10
"""Packed bytes that are unpacked to see whether a member begins there."""

CUT = "cut short"
DAMAGED = "a damaged archive member"
BOMB = "unpacks to hundreds of times its size"

GZIP, ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"
_DICTIONARY = b"\x5d\x2a\x4d\x18"
"""Begins a frame that holds the others' dictionary (IIPC, Zstandard for WARC 1.0, 3.1)."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some unpacked bytes of the member that begins at ``offset`` in the file."""

    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class End:
    """The member ended as it should, and its checksum, where it has one, is right."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes from ``offset`` of the file on could not be read; what comes next begins a record."""

    offset: int
    reason: str


Event = Piece | End | Gap

Packing = Literal["gzip", "zstd"]


def packing_of(head: bytes) -> Packing | None:
    """Tell by its first four bytes how a file is packed, whatever its name; None: it is not."""
    if head.startswith(GZIP):
        return "gzip"
    return "zstd" if head.startswith((ZSTD, _DICTIONARY)) else None


def read_pieces(stream: BinaryIO) -> Iterator[Event]:
    """Read a file that is not packed; each piece has its own offset."""
    offset = 0
    while data := stream.read(READ):
        yield Piece(offset, data)
        offset += len(data)


def read_gzip(stream: BinaryIO, begins: Callable[[bytes], bool]) -> Iterator[Event]:
    """Unpack gzip members; ``begins`` tells whether bytes are those that a record begins with."""
    # 32 KB are 32 MB at most when unpacked
    yield from _read(_Packed(stream), GZIP, lambda: zlib.decompressobj(wbits=31), 1 << 15, begins)


def read_zstd(stream: BinaryIO, begins: Callable[[bytes], bool]) -> Iterator[Event]:
    """Unpack Zstandard frames, with the dictionary that the file may begin with; as ``read_gzip``.

    Raises:
        UserError: the package for it is not installed.
    """
    package, packed = zstandard(), _Packed(stream)
    unpacker = package.ZstdDecompressor()
    packed.need(0, 8)
    if packed.peek(0, 4) == _DICTIONARY:
        size = 8 + int.from_bytes(packed.peek(4, 8), "little")
        packed.need(0, min(size, MAX_ROW_BYTES))
        words = packed.peek(8, size)
        try:
            if words.startswith(ZSTD):
                words = unpacker.decompress(words, MAX_ROW_BYTES)
            unpacker = package.ZstdDecompressor(dict_data=package.ZstdCompressionDict(words))
        except package.ZstdError:
            yield Gap(0, DAMAGED)
        packed.forget(min(size, packed.end))
    # 1 KB is 32 MB at most when unpacked
    yield from _read(packed, ZSTD, unpacker.decompressobj, 1 << 10, begins)


class _Packed:
    """The bytes of a file that are kept, by their place in it."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._data, self.start = stream, bytearray(), 0

    @property
    def end(self) -> int:
        """The place up to which the file has been read."""
        return self.start + len(self._data)

    def need(self, at: int, size: int) -> bool:
        """Read on until there are ``size`` bytes from ``at``; return whether there are any."""
        while self.end < at + size and (more := self._stream.read(READ)):
            self._data += more
        return self.end > at

    def peek(self, at: int, to: int) -> bytes:
        """Return the bytes from one place to another, as far as they have been read."""
        return bytes(self._data[max(0, at - self.start) : max(0, to - self.start)])

    def find(self, what: bytes, at: int) -> int:
        """Return the place of ``what`` in what has been read, from ``at`` on; -1: nowhere."""
        found = self._data.find(what, max(0, at - self.start))
        return found if found < 0 else self.start + found

    def forget(self, to: int) -> None:
        """Drop what lies before a place."""
        if to > self.start:
            del self._data[: to - self.start]
            self.start = to


def _read(
    packed: _Packed,
    magic: bytes,
    make_unpacker: Callable[[], Any],
    step: int,
    begins: Callable[[bytes], bool],
) -> Iterator[Event]:
    at = packed.start
    while packed.need(at, TRIAL):
        begin, size = at, 0
        packed.forget(begin)
        gap: Gap | None = None
        unpacker: Any = make_unpacker()
        if packed.peek(at, at + len(magic)) != magic:
            if not packed.peek(at, at + TRIAL).strip(b"\0"):
                at += min(TRIAL, packed.end - at)  # padding, as on tapes
                continue
            gap = Gap(begin, DAMAGED)
        while not gap:
            if not packed.need(at, 1):
                gap = Gap(begin, CUT)
                break
            given = packed.peek(at, at + step)
            data, trouble = unpack_some(unpacker, given)
            if data:
                yield Piece(begin, data)
            if trouble:
                gap = Gap(begin, DAMAGED)
                break
            at += len(given) - len(unpacker.unused_data)
            size += len(data)
            if unpacker.eof:
                yield End()
                break
            if is_bomb(at - begin, size):
                gap = Gap(begin, BOMB)
            packed.forget(at - KEPT)
        if gap:
            yield gap
            at = _next_member(
                packed, at if gap.reason == BOMB else begin + 1, magic, make_unpacker, begins
            )


def _next_member(
    packed: _Packed,
    at: int,
    magic: bytes,
    make_unpacker: Callable[[], Any],
    begins: Callable[[bytes], bool],
) -> int:
    """Return where the next member that begins with a record is; the file's end if there is none.

    By chance three bytes look like a member's first ones every 16 MB, but what they unpack to is
    not a record.
    """
    at = max(at, packed.start)
    while True:
        found = packed.find(magic, at)
        if found < 0:
            at = max(at, packed.end - len(magic) + 1)
            packed.forget(at)
            if not packed.need(at, READ) or packed.end - at < len(magic):
                return packed.end
            continue
        packed.need(found, TRIAL)
        data, _ = unpack_some(make_unpacker(), packed.peek(found, found + TRIAL))
        if begins(data):
            return found
        at = found + 1
