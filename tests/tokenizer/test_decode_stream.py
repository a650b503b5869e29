"""Text as it arrives: the same as at once, and never half a character."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.tokenizer import BPETokenizer, DecodeStream, Tokenizer


@given(st.data())
def test_pieces_joined_are_what_decode_gives(tokenizer: Tokenizer, data: st.DataObject) -> None:
    """For any ids, also those whose bytes are not UTF-8, and however they are handed over."""
    ids = data.draw(st.lists(st.integers(0, tokenizer.vocab_size - 1), max_size=24))
    skip = data.draw(st.booleans())
    stream = tokenizer.decode_stream(skip_special_tokens=skip)
    text, position = "", 0
    while position < len(ids):
        count = data.draw(st.integers(0, 3))
        if count == 0:
            text += stream.push(ids[position])
        else:
            text += stream.push(np.array(ids[position : position + count], np.int32))
        position += max(count, 1)
    text += stream.finish()
    assert text == tokenizer.decode(ids, skip_special_tokens=skip)


@given(st.text())
def test_each_character_comes_whole_and_as_soon_as_it_can(bpe: BPETokenizer, text: str) -> None:
    stream = bpe.decode_stream()
    known = b""
    for number in bpe.encode(text):
        piece = stream.push(number)
        known += bpe.token_bytes(number)
        assert "\ufffd" not in piece or "\ufffd" in text
        whole = known.decode(errors="ignore")
        assert text.startswith(whole)
        text, known = text[len(piece) :], known[len(piece.encode()) :]
        assert piece == whole
    assert not text
    assert stream.finish() == ""


def test_a_character_cut_short_is_shown_at_the_end(bpe: BPETokenizer) -> None:
    ids = bpe.encode("é\U0001f999")  # four bytes that training did not join
    stream = DecodeStream(bpe)
    assert stream.push(ids[:-1]) == "é"
    assert stream.finish() == "\ufffd"
    assert stream.push(bpe.encode("new")) == "new"  # another text


def test_an_id_outside_the_vocabulary_is_refused_and_nothing_taken(tokenizer: Tokenizer) -> None:
    stream = tokenizer.decode_stream()
    letter = tokenizer.encode("d")[0]
    with pytest.raises(UserError, match="outside the vocabulary"):
        stream.push([letter, tokenizer.vocab_size])
    assert stream.push(letter) == "d"
