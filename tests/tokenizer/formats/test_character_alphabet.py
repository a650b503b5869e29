"""A BPE over characters, in tokenizer.json: the bytes of rare characters, merges of the others."""

import json
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.tokenizer import BPETokenizer, load_tokenizer
from groundup.tokenizer.bpe.patterns import LLAMA3

SPECIAL = {"<|endoftext|>": 0, "<｜｜>": 1}
BYTES = {bytes([value]): 2 + value for value in range(256)}


def make(*merges: tuple[str, str], characters: str = "éß你好", **options: Any) -> BPETokenizer:
    tokens = dict(BYTES)
    for token in [*characters, *(left + right for left, right in merges)]:
        tokens.setdefault(token.encode(), 2 + len(tokens))
    pairs = [(left.encode(), right.encode()) for left, right in merges]
    options = {"pattern": LLAMA3, "alphabet": "characters"} | options
    return BPETokenizer(tokens, pairs, SPECIAL, **options)


MERGES = [("你", "好"), (" ", "c"), ("a", "b"), ("ß", "é"), ("ab", "ab"), (" c", "é"), ("\n", "\n")]


@pytest.fixture(scope="module")
def ours() -> BPETokenizer:
    return make(*MERGES)


@pytest.fixture(scope="module")
def peer(ours: BPETokenizer, tmp_path_factory: pytest.TempPathFactory) -> tokenizers.Tokenizer:
    folder = tmp_path_factory.mktemp("characters")
    ours.save(folder)
    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


texts = st.text() | st.text("ab céß你好\n\x00😀ÿ<0xE4>", max_size=60)


@given(text=texts)
def test_ids_and_text_equal_the_library(
    ours: BPETokenizer, peer: tokenizers.Tokenizer, text: str
) -> None:
    ids = peer.encode(text).ids
    assert ours.encode(text, allowed_special="all") == ids
    assert ours.decode(ids) == peer.decode(ids, skip_special_tokens=False) == text


def test_merges_join_characters_and_bytes_stand_for_the_rest(ours: BPETokenizer) -> None:
    assert [ours.token_bytes(i).decode() for i in ours.encode("你好 cé abab")] == [
        *("你好", " cé", " ", "abab")
    ]
    assert ours.encode("世") == [BYTES[bytes([value])] for value in "世".encode()]


def test_reading_gives_back_what_was_written(ours: BPETokenizer, tmp_path: Path) -> None:
    ours.save(tmp_path)
    again = load_tokenizer(tmp_path)
    assert again.fingerprint == ours.fingerprint
    again.save(tmp_path / "again")
    first, second = (f / "tokenizer.json" for f in (tmp_path, tmp_path / "again"))
    assert first.read_bytes() == second.read_bytes()


def test_transformers_gives_the_same_ids(ours: BPETokenizer, tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    ours.save(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "qwen3"}')
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for text in ["你好 café 世界<|endoftext|>", "abab\n\nab\tc"]:
        assert theirs(text)["input_ids"] == ours.encode(text, allowed_special="all")
        assert theirs.decode(ours.encode(text)) == text


def test_single_bytes_may_be_named_for_ascii_too(tmp_path: Path) -> None:
    """The library looks for the character first, then for its bytes."""
    file = make(("你", "好"))._tokenizer_json()
    file["model"]["vocab"] = {
        f"<0x{ord(text):02X}>" if text.isascii() and len(text) == 1 else text: number
        for text, number in file["model"]["vocab"].items()
    }
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(file))
    peer = tokenizers.Tokenizer.from_file(str(path))
    assert load_tokenizer(path).encode("a 你好\n") == peer.encode("a 你好\n").ids


@pytest.mark.parametrize(
    ("tokenizer", "problem"),
    [
        (make(("<", "0"), ("<0", "x"), ("A", "B"), ("<0x", "AB"), ("<0xAB", ">")), "as a byte"),
        (make(("<", "｜"), ("｜", ">"), ("<｜", "｜>"), characters="｜"), "both a special"),
    ],
)
def test_tokens_that_the_file_would_misread_are_not_written(
    tokenizer: BPETokenizer, problem: str
) -> None:
    with pytest.raises(UserError, match=problem):
        tokenizer._tokenizer_json()


def test_merges_of_bytes_are_not_written() -> None:
    tokens = BYTES | {b"\xc3\xa9": 258}
    merges = [(b"\xc3", b"\xa9")]
    tokenizer = BPETokenizer(tokens, merges, SPECIAL, pattern=LLAMA3, alphabet="characters")
    with pytest.raises(UserError, match="cannot merge single bytes"):
        tokenizer._tokenizer_json()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda model: model["vocab"].update({"<0x61>": 300}), "two tokens are b'a'"),
        (lambda model: model["vocab"].update({"<0xe4>": 300}), "only when it is decoded"),
        (lambda model: model["vocab"].pop("<0xE4>"), "no token for byte 228|each once"),
        (lambda model: model["merges"].append(["<0xC3>", "<0xA9>"]), "joins a byte"),
        (lambda model: model["merges"].append(["q", "z"]), "needs 'qz'"),
        (lambda model: model.update({"byte_fallback": False}), "model.byte_fallback"),
    ],
)
def test_a_damaged_file_is_refused_in_one_line(
    ours: BPETokenizer, tmp_path: Path, change: Any, problem: str
) -> None:
    file = ours._tokenizer_json()
    change(file["model"])
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(file))
    with pytest.raises(UserError, match=problem) as refusal:
        load_tokenizer(path)
    assert "\n" not in str(refusal.value)
