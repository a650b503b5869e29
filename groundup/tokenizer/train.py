"""From a config and texts to a tokenizer."""

from collections.abc import Iterable

from groundup.tokenizer.bpe import BPETokenizer
from groundup.tokenizer.bpe.report import TokenizerReport, training_report
from groundup.tokenizer.bpe.train import train_bpe
from groundup.tokenizer.characters import CharacterTokenizer
from groundup.tokenizer.config import TokenizerConfig
from groundup.tokenizer.interface import Tokenizer


def train_tokenizer(
    config: TokenizerConfig, texts: Iterable[str], *, text_bytes: int | None = None
) -> tuple[Tokenizer, TokenizerReport | None]:
    """Train the tokenizer that ``config`` asks for; texts are read once and not kept.

    Args:
        config: kind and size.
        texts: any strings.
        text_bytes: about how many bytes the texts have, for the progress bar.

    Returns:
        The tokenizer, and for one of kind bpe a report. Characters leave nothing to report: each is
        a token.
    """
    if config.kind == "characters":
        return CharacterTokenizer.train(texts, config.vocab_size, config.special_names), None
    trained = train_bpe(
        texts,
        config.vocab_size,
        config.special_names,
        pattern=config.pattern,
        digit_group=config.digit_group,
        min_frequency=config.min_frequency,
        max_token_bytes=config.max_token_bytes,
        alphabet=config.alphabet,
        text_bytes=text_bytes,
    )
    return BPETokenizer.of(trained), training_report(trained)
