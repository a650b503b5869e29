"""No text that a user types becomes a special token unless the caller says so."""

import itertools
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UsageError, UserError
from groundup.tokenizer import (
    CHATML_TEMPLATE,
    END_OF_TEXT,
    IM_END,
    IM_START,
    BPETokenizer,
    Tokenizer,
    load_tokenizer,
)
from groundup.tokenizer.bpe.byte_alphabet import to_alphabet
from groundup.tokenizer.special_tokens import well_formed, well_formed_chunks

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


ADDED = ["<|user|>>>", "<|a b|>", END_OF_TEXT, "<|🙂|>", "<|a b|>"]
TEXT = "<|user|>>>The<|user|>> dog<|a b|>s, isn't<|🙂|> it? <|a b\n"


def test_further_special_tokens_come_after_all_others(tokenizer: Tokenizer) -> None:
    before = dict(tokenizer.special_tokens)
    more = tokenizer.with_special_tokens(iter(ADDED))
    assert type(more) is type(tokenizer)
    first = tokenizer.vocab_size
    assert more.special_tokens == {
        **before,
        "<|user|>>>": first,
        "<|a b|>": first + 1,
        "<|🙂|>": first + 2,
    }
    assert more.vocab_size == first + 3
    assert (tokenizer.vocab_size, tokenizer.special_tokens) == (first, before)
    assert more.fingerprint != tokenizer.fingerprint
    assert more.encode(TEXT) == tokenizer.encode(TEXT)
    assert more.encode(TEXT, allowed_special=before.keys()) == tokenizer.encode(
        TEXT, allowed_special="all"
    )
    for number in range(first):
        assert more.token_bytes(number) == tokenizer.token_bytes(number)


def test_adding_what_is_there_changes_nothing(tokenizer: Tokenizer) -> None:
    for names in ([], tokenizer.special_tokens):
        again = tokenizer.with_special_tokens(names)
        assert again.fingerprint == tokenizer.fingerprint
        assert again.special_tokens == tokenizer.special_tokens


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"pattern": r"\p{L}+|\s+"},
        {"normalization": "NFC"},
        {"ignore_merges": True},
        {"alphabet": "characters"},
    ],
    ids=str,
)
def test_further_special_tokens_leave_the_rest_as_it_is(
    bpe: BPETokenizer, options: dict[str, Any]
) -> None:
    options = {"pattern": bpe.pattern, **options}
    base = BPETokenizer(bpe.tokens, bpe.merges, bpe.special_tokens, **options)
    more = base.with_special_tokens([IM_START])
    for name in ("tokens", "merges", "pattern", "normalization", "ignore_merges", "alphabet"):
        assert getattr(more, name) == getattr(base, name)
    assert more.encode(TEXT) == base.encode(TEXT)


def test_further_special_tokens_give_the_same_ids_everywhere(
    tokenizer: Tokenizer, tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    more = tokenizer.with_special_tokens(ADDED)
    more.save(tmp_path)
    ids = more.encode(TEXT, allowed_special="all")
    assert set(ids) >= set(range(tokenizer.vocab_size, more.vocab_size))
    again = load_tokenizer(tmp_path)
    assert again.fingerprint == more.fingerprint
    assert again.encode(TEXT, allowed_special="all") == ids
    peer = tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    assert peer.get_vocab_size() == more.vocab_size
    assert peer.encode(TEXT).ids == ids
    assert peer.decode(ids, skip_special_tokens=False) == more.decode(ids)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    assert theirs(TEXT)["input_ids"] == ids
    assert theirs.decode(ids, skip_special_tokens=True) == more.decode(
        ids, skip_special_tokens=True
    )


def test_both_chat_markers_bring_the_chat_template(tokenizer: Tokenizer) -> None:
    assert tokenizer.chat_template is None
    assert tokenizer.with_special_tokens([IM_END]).chat_template is None
    chatty = tokenizer.with_special_tokens([IM_END]).with_special_tokens([IM_START])
    assert chatty.chat_template == CHATML_TEMPLATE


@pytest.mark.parametrize(
    ("name", "problem"), [("x", "too short"), ("", "too short"), ("a\ud800", "not valid Unicode")]
)
def test_a_name_that_cannot_be_special_is_refused(
    tokenizer: Tokenizer, name: str, problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        tokenizer.with_special_tokens(["<|fine|>", name])


def test_a_name_spelt_like_an_ordinary_token_is_refused(bpe: BPETokenizer) -> None:
    spelt = to_alphabet(max(bpe.tokens, key=len))
    with pytest.raises(UserError, match="both a special token and an ordinary one"):
        bpe.with_special_tokens([spelt])


@given(st.data())
def test_chunks_become_well_formed_as_the_whole_does(data: st.DataObject) -> None:
    halves = st.sampled_from("\ud83d\ude42\ud800\udfffx\ufeff🙂")
    text = data.draw(st.text(halves, max_size=12))
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    chunks = [text[a:b] for a, b in itertools.pairwise([0, *places, len(text)])]
    pieces = list(well_formed_chunks(chunks))
    assert "".join(pieces) == well_formed(text)
    assert all(well_formed(piece) == piece for piece in pieces)
