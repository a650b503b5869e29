"""A config is refused before any text is read, or trains what it says."""

from typing import Any

import pytest
from pydantic import ValidationError

from groundup.tokenizer import (
    BPETokenizer,
    CharacterTokenizer,
    TokenizerConfig,
    train_tokenizer,
)
from groundup.tokenizer.bpe.patterns import GPT2, LLAMA3


def test_a_config_trains_the_tokenizer_that_it_names() -> None:
    texts = ["to be or not to be"]
    bpe = train_tokenizer(TokenizerConfig(vocab_size=260), texts)
    assert isinstance(bpe, BPETokenizer)
    assert (bpe.vocab_size, bpe.pattern) == (260, LLAMA3)
    gpt2 = train_tokenizer(TokenizerConfig(pattern="gpt2", special_tokens=("<|user|>",)), texts)
    assert isinstance(gpt2, BPETokenizer)
    assert gpt2.pattern == GPT2
    assert list(gpt2.special_tokens) == ["<|endoftext|>", "<|user|>"]
    characters = train_tokenizer(TokenizerConfig(kind="characters"), texts)
    assert isinstance(characters, CharacterTokenizer)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"vocab_size": 256}, "bpe needs 257"),
        ({"vocab_size": 258, "special_tokens": ("<|a|>", "<|b|>")}, "bpe needs 259"),
        ({"kind": "characters", "vocab_size": 2}, "characters needs 3"),
        ({"kind": "characters", "pattern": "gpt2"}, "pattern has no effect"),
        ({"special_tokens": ("x",)}, "too short"),
        ({"pattern": "gpt5"}, "llama3"),
        ({"vocabulary": 4096}, "Extra inputs"),
    ],
)
def test_a_config_that_cannot_work_is_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        TokenizerConfig(**options)


def test_a_written_out_config_is_read_again() -> None:
    for config in (TokenizerConfig(), TokenizerConfig(kind="characters")):
        assert TokenizerConfig(**config.model_dump()) == config
