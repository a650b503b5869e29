"""Small tokenizers that many tests read and none changes."""

import pytest

from groundup.tokenizer import BPETokenizer, CharacterTokenizer

CORPUS = [
    "The quick brown fox jumps over the lazy dog. It's 12345 o'clock, isn't it?\n\n",
    "def attend(query, key):\n    return softmax(query @ key.T)  # naïve\n" * 5,
    "Größe, cœur, Привет мир, 你好世界, こんにちは, 👩‍👩‍👧 and <|endoftext|> or <|user|>.\r\n" * 3,
]


@pytest.fixture(scope="session", params=["llama3", "gpt2"])
def bpe(request: pytest.FixtureRequest) -> BPETokenizer:
    return BPETokenizer.train(CORPUS, 400, ["<|user|>", "<|user|>>"], pattern=request.param)


@pytest.fixture(scope="session")
def characters() -> CharacterTokenizer:
    return CharacterTokenizer.train(CORPUS, 4096, ["<|user|>"])


@pytest.fixture(scope="session", params=["bpe", "characters"])
def tokenizer(request: pytest.FixtureRequest) -> BPETokenizer | CharacterTokenizer:
    if request.param == "bpe":
        return BPETokenizer.train(CORPUS, 400, ["<|user|>"])
    return CharacterTokenizer.train(CORPUS, 4096, ["<|user|>"])
