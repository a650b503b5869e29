"""What kind of thing some bytes are: by what is said of them, and by themselves."""

import re

from groundup.corpus.readers.row import HTML, PLAIN

_PAGES = ("text/html", "application/xhtml+xml", "application/vnd.wap.xhtml+xml")
_UNTOLD = ("", "application/octet-stream", "unknown/unknown", "application/unknown", "*/*")
"""Types that say nothing."""

_TOP = frozenset(
    ["application", "audio", "font", "image", "message", "model", "multipart", "text", "video"]
)

_SNIFFED = 1024
"""Bytes that are looked at."""

_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:\s|<!--.*?-->|<\?xml[^>]*>)*+<(?:!doctype\s+html|html|head|body|title|"
    rb"meta|script|style|table|div|h1|p|a|br|b|font|iframe)[\s/>]",
    re.IGNORECASE | re.DOTALL,
)
"""What a page begins with (WHATWG MIME Sniffing, 7.1). The comments before it are possessive
(``*+``): each could end at any later one's end, and to try all the ways would take for ever."""

_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text has (WHATWG MIME Sniffing, 3)."""

_MARKS = (b"\xff\xfe", b"\xfe\xff")
_SIGNATURES = (b"%PDF-", b"%!PS-Adobe-", b"\x1f\x8b", b"PK\x03\x04", b"GIF8", b"\xff\xd8\xff")


def media_type(declared: str, body: bytes) -> str:
    """Return ``text/html`` or ``text/plain`` where bytes are that, else what they are said to be.

    Args:
        declared: a Content-Type without its parameters, in lower case; "" if there is none.
        body: the bytes.

    Returns:
        ``binary`` for what is said to be text and is none.
    """
    if declared not in (PLAIN, *_PAGES, *_UNTOLD):
        return declared
    if declared != PLAIN and _MARKUP.match(body[:_SNIFFED]):
        return HTML  # whatever else is in it: browsers read on over a stray control character
    if looks_binary(body):
        return "binary"
    return HTML if declared in _PAGES else declared or PLAIN


def looks_binary(head: bytes) -> bool:
    """Tell whether the first bytes of something are of no text."""
    if head.startswith(_MARKS):
        return False  # UTF-16
    return head.startswith(_SIGNATURES) or _BINARY.search(head[:_SNIFFED]) is not None


def family(declared: str) -> str:
    """Return the first half of a type, of which there are ten: a reason to skip something."""
    top = declared.partition("/")[0]
    return top if top in _TOP else "unknown" if declared != "binary" else "binary"


def split_type(value: str) -> tuple[str, str | None]:
    """Return type and charset of a Content-Type: ``Text/HTML; charset="UTF-8"``."""
    declared, _, parameters = value.partition(";")
    found = re.search(r"charset\s*=\s*[\"']?\s*([\w:.-]+)", parameters, re.IGNORECASE)
    return declared.strip().lower(), found[1] if found else None
