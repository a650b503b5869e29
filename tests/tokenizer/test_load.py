"""Finding the tokenizer: in a folder, or in the file that is named."""

from pathlib import Path

import pytest

from groundup.errors import UserError
from groundup.tokenizer import BPETokenizer, load_tokenizer
from groundup.tokenizer.bpe.patterns import GPT2
from groundup.tokenizer.formats import write_gpt2_files

BYTES = {bytes([value]): value for value in range(256)}


def of_size(number: int) -> BPETokenizer:
    tokens = BYTES | {b"a" * (n + 2): 256 + n for n in range(number)}
    merges = [(b"a", b"a" * (n + 1)) for n in range(number)]
    return BPETokenizer(tokens, merges, {"<|endoftext|>": len(tokens)}, pattern=GPT2)


def test_tokenizer_json_comes_before_the_other_files(tmp_path: Path) -> None:
    write_gpt2_files(of_size(1), tmp_path / "vocab.json", tmp_path / "merges.txt")
    assert load_tokenizer(tmp_path).vocab_size == 258
    write_gpt2_files(of_size(2), tmp_path / "encoder.json", tmp_path / "vocab.bpe")
    assert load_tokenizer(tmp_path).vocab_size == 259
    of_size(3).save(tmp_path)
    assert load_tokenizer(tmp_path).vocab_size == 260


def test_the_message_names_all_that_was_looked_for(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").touch()
    with pytest.raises(UserError) as refusal:
        load_tokenizer(tmp_path)
    for name in ("tokenizer.json", "encoder.json + vocab.bpe", "*.tiktoken", "tokenizer.model"):
        assert name in str(refusal.value)


def test_several_rank_files_are_not_chosen_among(tmp_path: Path) -> None:
    for name in ("a.tiktoken", "b.tiktoken"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"name one of a.tiktoken, b.tiktoken"):
        load_tokenizer(tmp_path)


def test_a_path_that_leads_nowhere_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path / ("x" * 5000)):
        with pytest.raises(UserError, match=r"no such file or folder|cannot be read"):
            load_tokenizer(path)


def test_the_chat_template_of_a_folder_comes_with_it(tmp_path: Path) -> None:
    of_size(1).save(tmp_path)
    assert load_tokenizer(tmp_path).chat_template is None
    (tmp_path / "chat_template.jinja").write_text("{{ messages[0]['content'] }}")
    assert load_tokenizer(tmp_path).chat_template == "{{ messages[0]['content'] }}"
