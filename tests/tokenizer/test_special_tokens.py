"""No text that a user types becomes a special token unless the caller says so."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.tokenizer import END_OF_TEXT, BPETokenizer, Tokenizer

parts = st.sampled_from(["<|endoftext|>", "<|user|>", "<|user|>>", "<|", "|>", "user", " ", "x"])
spiked_text = st.lists(parts, max_size=12).map("".join)


@given(spiked_text)
def test_text_never_yields_a_special_token_by_itself(tokenizer: Tokenizer, text: str) -> None:
    ids = tokenizer.encode(text)
    known_text = {
        number for name, number in tokenizer.special_tokens.items() if name != "<|unknown|>"
    }
    assert known_text.isdisjoint(ids)


@given(spiked_text)
def test_allowed_special_tokens_decode_to_the_same_text(bpe: BPETokenizer, text: str) -> None:
    assert bpe.decode(bpe.encode(text, allowed_special="all")) == text


def test_only_the_named_special_tokens_are_recognised(bpe: BPETokenizer) -> None:
    text = "<|user|>hi<|endoftext|>"
    ids = bpe.encode(text, allowed_special={"<|user|>"})
    assert ids[0] == bpe.special_tokens["<|user|>"]
    assert bpe.end_of_text_id not in ids
    assert ids[1:] == bpe.encode("hi<|endoftext|>")


def test_of_special_tokens_that_begin_alike_the_longest_is_taken(bpe: BPETokenizer) -> None:
    assert bpe.encode("<|user|>>", allowed_special="all") == [bpe.special_tokens["<|user|>>"]]
    assert len(bpe.encode("<|user|>>", allowed_special={"<|user|>"})) == 2


def test_an_unknown_allowed_token_is_refused(tokenizer: Tokenizer) -> None:
    with pytest.raises(UserError, match="not a special token here: '<|nobody|>'".replace("|", ".")):
        tokenizer.encode("x", allowed_special={"<|nobody|>"})


def test_special_tokens_have_no_bytes_but_are_written_unless_skipped(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("<|endoftext|>The<|user|> dog", allowed_special="all")
    assert tokenizer.decode(ids) == "<|endoftext|>The<|user|> dog"
    assert tokenizer.decode(ids, skip_special_tokens=True) == "The dog"
    assert tokenizer.token_bytes(tokenizer.end_of_text_id) == b""


def test_end_of_text_comes_first(tokenizer: Tokenizer) -> None:
    assert tokenizer.end_of_text_id == tokenizer.special_tokens[END_OF_TEXT] == 0


def test_a_batch_is_encoded_text_by_text(tokenizer: Tokenizer) -> None:
    texts = ["", "The dog", "<|user|>"]
    assert tokenizer.encode_batch(texts, allowed_special="all") == [
        tokenizer.encode(text, allowed_special="all") for text in texts
    ]


@pytest.mark.parametrize("number", [-1, 10**6])
def test_an_id_outside_the_vocabulary_is_refused(tokenizer: Tokenizer, number: int) -> None:
    with pytest.raises(UserError, match=f"id {number} is outside"):
        tokenizer.decode([1, number])
