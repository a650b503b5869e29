import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus.readers.http import HTTPError, join_chunks, parse_fields, parse_response

TEXT = b"<p>" + b"some words of a page " * 40


def message(body: bytes, *fields: str) -> bytes:
    return "\r\n".join(["HTTP/1.1 200 OK", *fields]).encode() + b"\r\n\r\n" + body


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
        ("br", brotli.compress),
        ("zstd", zstandard.ZstdCompressor().compress),
        ("identity", bytes),
        ("gzip, br", lambda data: brotli.compress(gzip.compress(data))),
    ],
)
def test_content_encoding_is_undone(coding: str, pack: object) -> None:
    found = parse_response(message(pack(TEXT), f"Content-Encoding: {coding}"))  # type: ignore[operator]
    assert (found.status, found.body) == (200, TEXT)


@pytest.mark.parametrize("coding", ["gzip", "zstd", "deflate"])
def test_encoding_that_is_declared_but_not_there_is_ignored(coding: str) -> None:
    assert parse_response(message(TEXT, f"Content-Encoding: {coding}")).body == TEXT


def test_body_that_was_cut_is_given_as_far_as_it_goes() -> None:
    packed = gzip.compress(TEXT * 50 + bytes(range(256)))
    found = parse_response(message(packed[:-100], "Content-Encoding: gzip"))
    assert found.body.startswith(TEXT)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (message(gzip.compress(bytes(40 << 20)), "Content-Encoding: gzip"), "limit of size"),
        (message(brotli.compress(bytes(90 << 20)), "Content-Encoding: br"), "limit of size"),
        (message(gzip.compress(TEXT)[:-8] + bytes(8), "Content-Encoding: gzip"), "damaged"),
        (message(TEXT, "Content-Encoding: br"), "damaged"),
        (message(TEXT, "Content-Encoding: rot13"), "unknown content encoding"),
        (b"HTTP/1.1 OK\r\n\r\n", "no HTTP status"),
        (b"hello", "no HTTP response"),
    ],
)
def test_what_cannot_be_taken_apart_is_named(data: bytes, reason: str) -> None:
    with pytest.raises(HTTPError, match=reason):
        parse_response(data)


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=6))
def test_chunks_are_joined(chunks: list[bytes]) -> None:
    body = b"".join(b"%x;a=b\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    assert join_chunks(body) == b"".join(chunks)


def test_body_that_is_not_chunked_is_left_as_it_is() -> None:
    assert join_chunks(TEXT) == TEXT
    assert join_chunks(b"5\r\nhello\r\nrest of it") == b"hellorest of it"


def test_fields_are_folded_and_the_first_of_two_counts() -> None:
    fields = parse_fields(b"A: 1\r\n more\r\nno field\r\na: 2\r\nB :3\r\n")
    assert fields == {"a": "1 more", "b": "3"}


@given(st.binary(max_size=300))
def test_no_bytes_crash_the_parser(data: bytes) -> None:
    for coding in ("gzip", "br", "deflate", "zstd", "identity"):
        try:
            parse_response(
                message(data, f"Content-Encoding: {coding}", "Transfer-Encoding: chunked")
            )
        except HTTPError:
            continue


def test_several_members_are_one_body_and_what_follows_is_none() -> None:
    for pack in (gzip.compress, zstandard.ZstdCompressor().compress):
        coding = "gzip" if pack is gzip.compress else "zstd"
        body = pack(TEXT) + pack(b"the end") + b"garbage" * 100_000
        assert (
            parse_response(message(body, f"Content-Encoding: {coding}")).body == TEXT + b"the end"
        )


def test_endless_head_takes_time_in_proportion() -> None:
    head = b"HTTP/1.1 200 OK\r\nA: 1\r\n" + b" x\r\n" * 2_000_000
    assert parse_response(head + b"\r\nbody").body == b"body"
