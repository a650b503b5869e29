"""From bytes to text: which encoding it is, and how much of it is none."""

import codecs
import re

ENOUGH = 32
"""Bytes below which no detector can tell one encoding from another."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the first half of it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_ASCII_BYTES = ("iso2022", "hz", "utf-7", "utf-16", "utf-32")
"""Encodings whose bytes may be valid UTF-8 and yet mean something else."""

_WIDER = {"shift_jis": "cp932", "gbk": "gb18030", "gb2312": "gb18030", "euc_kr": "cp949"}
"""What pages call by the name of a standard is what browsers read: a larger set of the same."""

_NO_CHARSETS = frozenset({"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape"})
"""Codecs of Python that turn bytes into text and are no page's encoding."""

_LABEL_LENGTH = 40
"""Characters in a label; Python keeps every one that it is asked for."""

_META_BYTES = 1024
"""A page's encoding is declared within as many bytes (HTML, 4.2.5.4)."""

_META = re.compile(rb"""<meta[^>]{0,256}?charset\s*=\s*["']?\s*([\w:.-]{2,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s*<\?xml[^>]{0,100}encoding\s*=\s*["']([\w:.-]{2,40})""")


def mark_of(data: bytes) -> tuple[str, int] | None:
    """Return the encoding that a byte order mark names, and the mark's length."""
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return encoding, len(mark)
    return None


def declared_in_page(data: bytes) -> str | None:
    """Return the encoding that a page's own head declares."""
    head = data[:_META_BYTES]
    found = _XML.search(head) or _META.search(head)
    return found[1].decode("ascii") if found else None


def detect(data: bytes) -> str:
    """Guess an encoding by the bytes; one that Python knows, so it may only be roughly right."""
    from resiliparse.parse.encoding import detect_encoding

    return _python_name(detect_encoding(data) or "") or "cp1252"


def decode(data: bytes, declared: str | None = None) -> tuple[str, int]:
    """Decode a text whole.

    A byte order mark decides; then whether it is valid UTF-8, which no other encoding's text is by
    chance; then what was declared, then what is detected. Where nothing fits it is taken for the
    one that leaves the fewest bytes unread.

    Args:
        data: the text's bytes.
        declared: what a header or the text itself says of its encoding; may be nonsense.

    Returns:
        the text without a byte order mark, and how many U+FFFD stand in it for unreadable bytes.
    """
    if mark := mark_of(data):
        encoding, length = mark
        return replace(data[length:], encoding)
    declared = _python_name(declared or "")
    text, replaced = replace(data, "utf-8")
    looks_like_it = not replaced or mostly_utf_8(text, replaced)
    if looks_like_it and not (declared or "").startswith(_ASCII_BYTES):
        return text, replaced
    best = (text, replaced)
    for guess in (lambda: declared, lambda: detect(data)):  # detecting takes as long as all else
        if name := guess():
            text, replaced = replace(data, name)
            if not replaced:
                return text, 0
            best = min(best, (text, replaced), key=lambda found: found[1])
    return best


def replace(data: bytes, encoding: str) -> tuple[str, int]:
    """Decode a text; return it, and how many U+FFFD stand in it for unreadable bytes."""
    text = data.decode(encoding, "replace")
    return text, count_replaced(text, data, encoding)


def count_replaced(text: str, data: bytes, encoding: str) -> int:
    """Count the U+FFFD of a text that were not in its bytes."""
    found = text.count("\ufffd")
    if found and encoding in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):
        found -= data.count("\ufffd".encode(encoding))
    return max(0, found)


def mostly_utf_8(text: str, replaced: int) -> bool:
    """Tell UTF-8 with some damage: in any other encoding its characters would be mojibake."""
    beyond_ascii = len(text) - len(text.encode("ascii", "ignore"))
    return 4 * replaced <= beyond_ascii - replaced


def _python_name(name: str) -> str | None:
    """Return Python's name of the encoding that a page means by a label (WHATWG Encoding, 4.2)."""
    label = name.strip().lower()
    if not 0 < len(label) <= _LABEL_LENGTH:
        return None
    from resiliparse.parse.encoding import map_encoding_to_html5

    try:
        found = codecs.lookup(map_encoding_to_html5(label, fallback_utf8=False) or label)
        bytes(4).decode(found.name)  # LookupError: a codec, but of no text
    except (LookupError, ValueError):
        return None
    name = _WIDER.get(found.name, found.name)
    return None if name in _NO_CHARSETS else name
