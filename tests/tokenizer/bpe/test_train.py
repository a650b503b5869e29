"""The incremental trainer learns exactly what recounting everything would."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UsageError
from groundup.reference import bpe as reference
from groundup.tokenizer import END_OF_TEXT, BPETokenizer
from groundup.tokenizer.bpe.byte_alphabet import to_alphabet
from groundup.tokenizer.bpe.patterns import GPT2, LLAMA3

# Few letters make long repeats, overlapping pairs ("aaaa") and ties, where trainers go wrong.
few_letters = st.text(alphabet="ab c", max_size=60)
some_text = st.lists(few_letters | st.text(max_size=20), max_size=5)


@given(some_text, st.integers(min_value=0, max_value=40), st.sampled_from(["gpt2", "llama3"]))
def test_merges_equal_the_reference_on_any_corpus(
    texts: list[str], num_merges: int, pattern: str
) -> None:
    texts = [text.encode(errors="replace").decode() for text in texts]
    vocab_size = 257 + num_merges
    expected = reference.train(
        texts, vocab_size, [END_OF_TEXT], {"gpt2": GPT2, "llama3": LLAMA3}[pattern]
    )
    assert BPETokenizer.train(texts, vocab_size, pattern=pattern).merges == expected


@pytest.mark.shared
def test_merges_and_vocabulary_equal_the_published_reference(shared: Path) -> None:
    folder = shared / "tokenizer" / "bpe-reference"
    lines = (folder / "train-bpe-reference-merges.txt").read_text("utf-8").rstrip("\n").split("\n")
    vocabulary = json.loads((folder / "train-bpe-reference-vocab.json").read_text("utf-8"))
    text = (folder / "corpus.en").read_text("utf-8")

    tokenizer = BPETokenizer.train([text], 500, [END_OF_TEXT], pattern="gpt2")

    merges = [f"{to_alphabet(left)} {to_alphabet(right)}" for left, right in tokenizer.merges]
    assert merges == lines
    ids = {to_alphabet(token): number for token, number in tokenizer.tokens.items()}
    assert ids | tokenizer.special_tokens == vocabulary


@pytest.mark.shared
def test_reference_trainer_equals_the_published_reference(shared: Path) -> None:
    folder = shared / "tokenizer" / "bpe-reference"
    lines = (folder / "train-bpe-reference-merges.txt").read_text("utf-8").rstrip("\n").split("\n")
    merges = reference.train([(folder / "corpus.en").read_text("utf-8")], 280, [END_OF_TEXT])
    assert [f"{to_alphabet(left)} {to_alphabet(right)}" for left, right in merges] == lines[:23]


def test_of_equally_frequent_pairs_the_greater_bytes_go_first() -> None:
    merges = BPETokenizer.train(["ab zy ba"], 258, pattern="gpt2").merges
    assert merges == [(b"z", b"y")]


def test_special_tokens_teach_no_merges() -> None:
    texts = ["<|endoftext|>" * 50 + "<|user|>" * 50 + "ab"]
    assert BPETokenizer.train(texts, 300, ["<|user|>"]).merges == [(b"a", b"b")]


def test_texts_are_read_once_and_lazily() -> None:
    remaining = iter(["to be or not to be"] * 3)
    tokenizer = BPETokenizer.train(remaining, 270)
    assert next(remaining, None) is None
    assert tokenizer.vocab_size == 266  # all that five distinct words yield


def test_a_small_corpus_yields_a_smaller_vocabulary_and_says_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert BPETokenizer.train(["abc"], 1000).vocab_size == 257 + 2
    output = " ".join(capsys.readouterr().err.split())
    assert "yields 259 tokens, not 1000" in output


def test_an_empty_corpus_gives_a_tokenizer_of_bytes() -> None:
    tokenizer = BPETokenizer.train([], 300)
    assert tokenizer.vocab_size == 257
    assert tokenizer.decode(tokenizer.encode("héllo")) == "héllo"


@pytest.mark.parametrize("special_tokens", [[""], ["x"], ["<|a|>", "<|a|>"], ["<\ud800>"]])
def test_a_special_token_that_could_not_work_is_refused(special_tokens: list[str]) -> None:
    with pytest.raises(UsageError, match="special token"):
        BPETokenizer.train(["abc"], 300, special_tokens)


def test_vocabulary_without_room_for_bytes_is_refused() -> None:
    with pytest.raises(UsageError, match="needs 258"):
        BPETokenizer.train(["abc"], 257, ["<|user|>"])


def test_lone_surrogates_in_the_corpus_do_not_stop_training() -> None:
    merges = BPETokenizer.train(["x\ud800y"], 258).merges
    assert merges == [(b"\xef", b"\xbf")]  # the first two bytes of U+FFFD
