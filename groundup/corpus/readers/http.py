"""HTTP responses as they came over the wire: head, transfer encoding, content encoding."""

import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from groundup.corpus.readers.limits import MAX_ROW_BYTES, is_bomb

_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r?\n")
_HEAD_BYTES = 1 << 18
"""Bytes of a head that are read; servers take and send 64 KB at most."""

_STEP = 1 << 14

Fields = dict[str, str]
"""Names in lower case, and values; of fields that come twice the first."""


class HTTPError(ValueError):
    """The response cannot be taken apart; the message is one of a few fixed phrases."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response, its body free of encodings."""

    status: int
    fields: Fields
    body: bytes


def parse_fields(head: bytes) -> Fields:
    """Parse lines of ``Name: value``; what is none is passed over, a folded line is joined."""
    fields: Fields = {}
    name = ""
    for line in head.decode("utf-8", "replace").split("\n"):
        if line[:1] in (" ", "\t") and name:
            fields[name] += " " + line.strip()
            continue
        key, colon, value = line.partition(":")
        name = ""
        if colon and (key := key.strip().lower()) not in fields:
            name = key
            fields[name] = value.strip()
    return fields


def parse_response(message: bytes, max_bytes: int = MAX_ROW_BYTES) -> Response:
    """Take a response apart.

    What Common Crawl and browsers do is done: encodings that are declared but not there are
    ignored, and a body that was cut short is given as far as it goes.

    Raises:
        HTTPError: it has no status line, its encoding is damaged or unknown, or it unpacks to
            more than ``max_bytes``.
    """
    if not message.startswith((b"HTTP/", b"ICY ")):
        raise HTTPError("no HTTP response")
    end = _HEAD_END.search(message)
    head, body = (message[: end.start()], message[end.end() :]) if end else (message, b"")
    line, _, rest = head.partition(b"\n")
    status = re.match(rb"\S+[ \t]+(\d{3})", line)
    if not status:
        raise HTTPError("no HTTP status")
    fields = parse_fields(rest[:_HEAD_BYTES])
    if "chunked" in fields.get("transfer-encoding", "").lower():
        body = join_chunks(body)
    codings = [c.strip() for c in fields.get("content-encoding", "").lower().split(",")]
    for coding in reversed(codings):
        body = _decode(body, coding, max_bytes)
    return Response(int(status[1]), fields, body)


def join_chunks(body: bytes) -> bytes:
    """Join a chunked body (RFC 9112, 7.1); it is returned as it is from where it is not chunked."""
    joined = bytearray()
    at = 0
    while size := _CHUNK_SIZE.match(body, at):
        length = int(size[1], 16)
        if not length:
            return bytes(joined)
        joined += body[size.end() : size.end() + length]
        at = size.end() + length
        at += 2 if body[at : at + 2] == b"\r\n" else body[at : at + 1] == b"\n"
    return bytes(joined + body[at:])


def _decode(body: bytes, coding: str, max_bytes: int) -> bytes:
    match coding:
        case "" | "identity" | "utf-8" | "none":
            return body
        case "gzip" | "x-gzip":
            if body[:2] != b"\x1f\x8b":
                return body
            return _unpack(body, lambda: zlib.decompressobj(wbits=31), max_bytes)
        case "deflate":  # with zlib's two bytes before it, or as many servers send it without
            raw = not (body[:1] == b"\x78" and int.from_bytes(body[:2]) % 31 == 0)
            if raw and body[:1] in (b"<", b" ", b"\n", b"\r"):
                return body
            return _unpack(body, lambda: zlib.decompressobj(wbits=-15 if raw else 15), max_bytes)
        case "zstd":
            from groundup.corpus.readers.opening import zstandard

            if body[:4] != b"\x28\xb5\x2f\xfd":
                return body
            make_unpacker = zstandard().ZstdDecompressor().decompressobj
            return _unpack(body, make_unpacker, max_bytes, step=1 << 10)
        case "br":
            return _unpack(body, _Brotli, max_bytes, step=1 << 10)
        case _:
            raise HTTPError("an unknown content encoding")


class _Brotli:
    """The package's decompressor, with the methods that the others have."""

    eof = False

    def __init__(self) -> None:
        try:
            self._unpacker: Any = import_module("brotli").Decompressor()
        except ImportError:
            raise HTTPError("a Brotli body, which needs the package brotli") from None
        if not hasattr(self._unpacker, "can_accept_more_data"):
            raise HTTPError("a Brotli body, which needs brotli 1.2 or later")

    def decompress(self, data: bytes) -> bytes:
        out: bytes = self._unpacker.process(data, output_buffer_limit=MAX_ROW_BYTES)
        if not self._unpacker.can_accept_more_data():
            raise HTTPError("a body over the limit of size")
        return out


def _unpack(
    body: bytes, make_unpacker: Callable[[], Any], max_bytes: int, step: int = _STEP
) -> bytes:
    """Unpack a body, a little at a time, so that one which explodes is noticed.

    It may be several members in a row; what comes after them is no part of it.
    """
    out = bytearray()
    unpacker, at = make_unpacker(), 0
    while at < len(body):
        try:
            out += unpacker.decompress(body[at : at + step])
        except HTTPError:
            raise
        except Exception:  # noqa: BLE001 - zlib's, zstandard's and brotli's have no common base
            raise HTTPError("a damaged content encoding") from None
        at = min(at + step, len(body))
        if len(out) > max_bytes or is_bomb(at, len(out)):
            raise HTTPError("a body over the limit of size")
        if unpacker.eof:
            at -= len(unpacker.unused_data)
            if body[at : at + 2] != body[:2]:
                break
            unpacker = make_unpacker()
    return bytes(out)
