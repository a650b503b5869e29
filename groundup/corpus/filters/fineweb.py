"""FineWeb's own filters (Penedo et al. 2024, arXiv 2406.17557, section 3.6)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.filters.check import Check, above, below
from groundup.corpus.filters.config import FineWebConfig
from groundup.corpus.filters.rule import Verdicts, first_reasons
from groundup.corpus.filters.statistics import Batch


class FineWeb:
    """Drops pages that are more list than text."""

    reasons = (
        "fineweb_empty",
        "fineweb_line_punct_ratio",
        "fineweb_short_line_ratio",
        "fineweb_char_dup_ratio",
        "fineweb_list_ratio",
    )

    def __init__(self, config: FineWebConfig | None = None) -> None:
        self.config = config or FineWebConfig()

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each text."""
        return first_reasons(self.reasons, self.measure(texts))

    def measure(self, texts: Sequence[str]) -> Sequence[Check]:
        """Return the checks of the reasons."""
        config, batch = self.config, Batch.of(texts)
        paper = config.implementation == "paper"
        lines = batch.lines(config.short_line_length - paper)
        num_lines = np.maximum(lines.filled_lines, 1)
        characters = np.maximum(batch.num_characters - lines.newlines, 1)
        return (
            Check(lines.filled_lines == 0),
            below(lines.terminal_lines / num_lines, config.min_terminal_lines, or_equal=paper),
            above(lines.short_lines / num_lines, config.max_short_lines, or_equal=paper),
            above(
                lines.duplicate_filled_characters / characters,
                config.max_duplicate_line_characters,
                or_equal=paper,
            ),
            self._has_many_newlines(batch, lines.newlines),
        )

    def _has_many_newlines(self, batch: Batch, newlines: NDArray[np.int64]) -> Check:
        config = self.config
        if config.max_newlines_per_word is None:
            return Check(np.zeros(len(batch), bool))
        ratio = newlines / np.maximum(batch.words(config.word_kind).words, 1)
        return above(ratio, config.max_newlines_per_word, or_equal=config.implementation == "paper")
