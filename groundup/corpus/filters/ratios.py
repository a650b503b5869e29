"""Shares of characters and words that tell text from something else."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.filters.check import Check, above, below
from groundup.corpus.filters.config import RatiosConfig, StopWordsConfig, TokensConfig
from groundup.corpus.filters.rule import Verdicts, first_reasons
from groundup.corpus.filters.statistics import Batch


class Ratios:
    """Drops texts with too many symbols, digits or capitals."""

    reasons = ("ratio_symbols", "ratio_digits", "ratio_upper_case")

    def __init__(self, config: RatiosConfig | None = None) -> None:
        self.config = config or RatiosConfig()

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each text."""
        return first_reasons(self.reasons, self.measure(texts))

    def measure(self, texts: Sequence[str]) -> Sequence[Check]:
        """Return the checks of the reasons. Where there is nothing to take a share of, it is 0."""
        config, batch = self.config, Batch.of(texts)
        lines = batch.lines()
        visible = batch.num_characters - lines.spaces
        symbols = visible - lines.letters - lines.digits
        return (
            above(symbols / np.maximum(visible, 1), config.max_symbols),
            above(lines.digits / np.maximum(visible, 1), config.max_digits),
            above(lines.upper / np.maximum(lines.letters, 1), config.max_upper_case),
        )


class StopWords:
    """Drops texts with few stop words."""

    reasons = ("few_stop_words",)

    def __init__(self, config: StopWordsConfig | None = None) -> None:
        self.config = config or StopWordsConfig()
        words = self.config.words
        self._spellings = words + tuple(word.capitalize() for word in words)

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each text."""
        return first_reasons(self.reasons, self.measure(texts))

    def measure(self, texts: Sequence[str]) -> Sequence[Check]:
        """Return the checks of the reasons. A text without words is dropped."""
        batch = Batch.of(texts)
        found, _ = batch.stop_words("pieces", self._spellings)
        num_words = np.maximum(batch.words("pieces").real_words, 1)
        return (below(found / num_words, self.config.min_share),)


class Tokens:
    """Drops texts that the tokenizer takes to pieces."""

    reasons = ("many_tokens_per_word", "few_tokens_per_word")

    def __init__(
        self,
        count_tokens: Callable[[list[str]], NDArray[np.int64]],
        config: TokensConfig | None = None,
    ) -> None:
        self.config = config or TokensConfig()
        self._count_tokens = count_tokens
        """Returns each text's number of tokens, (D,)."""

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each text."""
        return first_reasons(self.reasons, self.measure(texts))

    def measure(self, texts: Sequence[str]) -> Sequence[Check]:
        """Return the checks of the reasons. A text without words counts as one word."""
        batch = Batch.of(texts)
        tokens = self._count_tokens(list(texts))
        ratio = tokens / np.maximum(batch.words("spaces").words, 1)
        return (
            above(ratio, self.config.max_tokens_per_word, scale="mean"),
            below(ratio, self.config.min_tokens_per_word, scale="mean"),
        )
