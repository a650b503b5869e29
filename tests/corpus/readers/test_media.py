import pytest

from groundup.corpus.readers.media import family, media_type, split_type


@pytest.mark.parametrize(
    ("declared", "body", "expected"),
    [
        ("text/html", b"anything", "text/html"),
        ("application/xhtml+xml", b"<html/>", "text/html"),
        ("text/plain", b"<html>shown as source</html>", "text/plain"),
        ("", b"  <!DOCTYPE html><html>", "text/html"),
        ("", b"<!-- a --><html>", "text/html"),
        ("", b"just words", "text/plain"),
        ("application/octet-stream", b"<html>", "text/html"),
        ("application/octet-stream", b"words", "application/octet-stream"),
        ("application/json", b"{}", "application/json"),
        ("text/html", b"\x89PNG\r\n\x1a\n\0", "binary"),
        ("text/html", b"\xff\xfe<\0h\0", "text/html"),
        ("text/plain", b"a\0b", "binary"),
        ("text/html", b"<!DOCTYPE html><title>a\x08b\0</title>", "text/html"),
        ("text/html", b"%PDF-1.4 <html>", "binary"),
    ],
)
def test_type_is_what_is_said_unless_the_bytes_say_otherwise(
    declared: str, body: bytes, expected: str
) -> None:
    assert media_type(declared, body) == expected


def test_reasons_are_few_whatever_the_web_declares() -> None:
    assert [family(t) for t in ("image/png", "binary", "x\0y/z", "")] == [
        "image",
        "binary",
        "unknown",
        "unknown",
    ]


def test_charset_is_found_in_its_many_spellings() -> None:
    assert split_type('Text/HTML; Charset = "UTF-8"; x') == ("text/html", "UTF-8")
    assert split_type("text/html;charset=latin-1") == ("text/html", "latin-1")
    assert split_type("") == ("", None)


def test_hostile_comments_take_no_time() -> None:
    assert media_type("", b"<!---->" * 140 + b"words") == "text/plain"
