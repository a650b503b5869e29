"""What a token looks like."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.inspect.tokenizer_view.pieces import CLIP_BYTES, Piece, clipped, pieces


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (b" the", [("space", " "), ("text", "the")]),
        (b"\t\t\n\n", [("tab", "\t\t"), ("newline", "\n\n")]),
        ("é".encode(), [("text", "é")]),
        ("é".encode()[:1], [("byte", "C3")]),
        (b"\x82\xaca\xe2\x82", [("byte", b) for b in ("82", "AC")] + [("text", "a")]
         + [("byte", b) for b in ("E2", "82")]),
        (b"\x00\x1b\x7f\r", [("control", c) for c in "␀␛␡␍"]),
        ("a\u202eb".encode(), [("text", "a"), ("control", "U+202E"), ("text", "b")]),
        ("\u00a0\u2028".encode(), [("control", "U+00A0"), ("control", "U+2028")]),
        ("\u0301e".encode(), [("text", "◌\u0301e")]),
        ("e\u0301".encode(), [("text", "e\u0301")]),
        (b"", []),
    ],
)  # fmt: skip
def test_a_token_is_shown_by_its_pieces(token, expected):
    assert pieces(token) == [Piece(*piece) for piece in expected]


@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode("utf-8", "replace"))))
def test_nothing_invisible_is_left_in_a_text_and_no_byte_is_lost(token):
    found = pieces(token)
    for piece in found:
        if piece.kind not in ("space", "tab", "newline"):
            assert not {unicodedata.category(character)[0] for character in piece.text} & {"C", "Z"}
    if all(piece.kind != "control" for piece in found):
        joined = b"".join(
            bytes.fromhex(piece.text) if piece.kind == "byte" else piece.text.encode()
            for piece in found
        )
        assert joined.removeprefix("◌".encode()) == token.removeprefix("◌".encode())


def test_a_token_that_is_too_long_to_read_is_cut():
    found = list(clipped(b"x" * (CLIP_BYTES + 1)))
    assert found == [Piece("text", "x" * CLIP_BYTES), Piece("control", "…")]
    assert list(clipped(b"x" * CLIP_BYTES)) == [Piece("text", "x" * CLIP_BYTES)]
