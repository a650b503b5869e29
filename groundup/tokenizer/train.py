"""From a config and texts to a tokenizer."""

from collections.abc import Iterable

from groundup.tokenizer.bpe import BPETokenizer
from groundup.tokenizer.characters import CharacterTokenizer
from groundup.tokenizer.config import TokenizerConfig
from groundup.tokenizer.interface import Tokenizer


def train_tokenizer(config: TokenizerConfig, texts: Iterable[str]) -> Tokenizer:
    """Train the tokenizer that ``config`` asks for; texts are read once and not kept."""
    if config.kind == "characters":
        return CharacterTokenizer.train(texts, config.vocab_size, config.special_tokens)
    return BPETokenizer.train(
        texts, config.vocab_size, config.special_tokens, pattern=config.pattern
    )
