"""GPT-2's two files, whole, renamed and damaged."""

import json
from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.tokenizer import BPETokenizer, load_tokenizer
from groundup.tokenizer.bpe.byte_alphabet import to_alphabet


def write_gpt2_files(tokenizer: BPETokenizer, folder: Path) -> None:
    vocabulary = {to_alphabet(token): number for token, number in tokenizer.tokens.items()}
    content = json.dumps(vocabulary | tokenizer.special_tokens)
    (folder / "vocab.json").write_text(content, "utf-8")
    lines = [f"{to_alphabet(left)} {to_alphabet(right)}" for left, right in tokenizer.merges]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines, ""]), "utf-8")


@pytest.fixture
def trained() -> BPETokenizer:
    return BPETokenizer.train(["to be or not to be, #version"], 270, pattern="gpt2")


def test_the_two_files_give_back_the_tokenizer(trained: BPETokenizer, tmp_path: Path) -> None:
    write_gpt2_files(trained, tmp_path)
    assert load_tokenizer(tmp_path).fingerprint == trained.fingerprint


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("vocab.json", b"{", "not a JSON object"),
        ("vocab.json", b'{"<|endoftext|>": "0"}', "not a JSON object"),
        ("vocab.json", b"{}", "GPT-2's vocabulary has '<.endoftext.>'"),
        ("vocab.json", b'{"<|endoftext|>": 0}', "no token for byte 0"),
        ("merges.txt", b"t o\nt o\nb", "line 3 is not two tokens: 'b'"),
        ("merges.txt", b"z z", "needs 'zz'"),
        ("merges.txt", b"\xff", "not UTF-8"),
    ],
)
def test_damaged_files_are_refused_in_one_line(
    trained: BPETokenizer, tmp_path: Path, name: str, content: bytes, problem: str
) -> None:
    write_gpt2_files(trained, tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=problem) as refusal:
        load_tokenizer(tmp_path)
    assert "\n" not in str(refusal.value)
