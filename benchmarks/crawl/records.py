"""WARC files for a made-up crawl: records in good order, and records damaged as a real crawl's are.

One gzip member a record, as Common Crawl writes them (ISO 28500, annex D), so that a damaged member
need not cost its neighbours.
"""

import gzip
import uuid
from dataclasses import dataclass
from random import Random
from typing import Literal

Damage = Literal["truncated", "flipped bits"]

DATE = "2026-05-01T00:00:00Z"


@dataclass(frozen=True)
class Response:
    """What a server answered."""

    url: str
    body: bytes
    status: str = "200 OK"
    content_type: str | None = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def warcinfo(name: str) -> bytes:
    """Return the record that begins a file, packed."""
    fields = b"software: groundup synthetic crawl\r\nformat: WARC File Format 1.1\r\n"
    return _member("warcinfo", name, fields, "application/warc-fields", uri=False)


def record(response: Response, damage: Damage | None, random: Random) -> bytes:
    """Return a response record, packed, and then perhaps damaged."""
    head = [f"HTTP/1.1 {response.status}"]
    if response.content_type is not None:
        head.append(f"Content-Type: {response.content_type}")
    head += [f"{name}: {value}" for name, value in response.headers]
    message = "\r\n".join([*head, "", ""]).encode() + response.body
    member = bytearray(
        _member("response", response.url, message, "application/http; msgtype=response")
    )
    match damage:
        case "truncated":
            del member[len(member) * 6 // 10 :]
        case "flipped bits":
            for _ in range(8):
                member[random.randrange(len(member) // 4, len(member) - 8)] ^= (
                    1 << random.randrange(8)
                )
    return bytes(member)


def chunk(body: bytes, size: int = 4096) -> bytes:
    """Return a body in chunked transfer coding (RFC 9112, 7.1)."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def _member(kind: str, name: str, content: bytes, content_type: str, *, uri: bool = True) -> bytes:
    where = f"WARC-Target-URI: {name}" if uri else f"WARC-Filename: {name}"
    fields = [
        "WARC/1.1",
        f"WARC-Type: {kind}",
        f"WARC-Record-ID: <urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}>",
        f"WARC-Date: {DATE}",
        where,
        f"Content-Type: {content_type}",
        f"Content-Length: {len(content)}",
    ]
    head = "\r\n".join([*fields, "", ""]).encode()
    return gzip.compress(head + content + b"\r\n\r\n", 6, mtime=0)
