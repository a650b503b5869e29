"""Gopher's two filters of MassiveWeb (Rae et al. 2021, arXiv 2112.11446, appendix A)."""

from collections.abc import Sequence

import numpy as np

from groundup.corpus.filters.check import Check, above, below
from groundup.corpus.filters.config import GopherQualityConfig, GopherRepetitionConfig
from groundup.corpus.filters.rule import Verdicts, first_reasons
from groundup.corpus.filters.statistics import Batch


class GopherQuality:
    """Drops what does not read like a text."""

    reasons = (
        "gopher_short_doc",
        "gopher_long_doc",
        "gopher_below_avg_threshold",
        "gopher_above_avg_threshold",
        "gopher_too_many_hashes",
        "gopher_too_many_ellipsis",
        "gopher_too_many_bullets",
        "gopher_too_many_end_ellipsis",
        "gopher_below_alpha_threshold",
        "gopher_enough_stop_words",
    )

    def __init__(self, config: GopherQualityConfig | None = None) -> None:
        self.config = config or GopherQualityConfig()

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each text."""
        return first_reasons(self.reasons, self.measure(texts))

    def measure(self, texts: Sequence[str]) -> Sequence[Check]:
        """Return the checks of the reasons. A text without words has averages and shares of 0."""
        config, batch = self.config, Batch.of(texts)
        words, lines = batch.words(config.word_kind), batch.lines()
        _, stop_words = batch.stop_words(config.word_kind, config.stop_words)
        num_words, num_lines = np.maximum(words.words, 1), np.maximum(lines.lines, 1)
        length = words.real_word_characters / np.maximum(words.real_words, 1)
        return (
            below(words.real_words, config.min_words),
            above(words.real_words, config.max_words),
            below(length, config.min_word_length, scale="mean"),
            above(length, config.max_word_length, scale="mean"),
            above(lines.hashes / num_words, config.max_symbols_per_word),
            above(lines.ellipses / num_words, config.max_symbols_per_word),
            above(lines.bullet_lines / num_lines, config.max_bullet_lines),
            above(lines.ellipsis_lines / num_lines, config.max_ellipsis_lines),
            below(words.words_with_letters / num_words, config.min_words_with_letters),
            below(stop_words, config.min_stop_words),
        )


class GopherRepetition:
    """Drops what repeats itself."""

    def __init__(self, config: GopherRepetitionConfig | None = None) -> None:
        self.config = config or GopherRepetitionConfig()

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason that this rule can give."""
        return (
            "gopher_dup_para_frac",
            "gopher_dup_para_char_frac",
            "gopher_dup_line_frac",
            "gopher_dup_line_char_frac",
            *(f"gopher_top_{n}_gram" for n, _ in self.config.max_top_ngrams),
            *(f"gopher_duplicated_{n}_n_grams" for n, _ in self.config.max_duplicate_ngrams),
        )

    def __call__(self, texts: Sequence[str]) -> Verdicts:
        """Return a verdict for each text."""
        return first_reasons(self.reasons, self.measure(texts))

    def measure(self, texts: Sequence[str]) -> Sequence[Check]:
        """Return the checks of the reasons. An empty text repeats nothing."""
        config, batch = self.config, Batch.of(texts)
        characters, lines = np.maximum(batch.num_characters, 1), batch.lines()
        checks = [
            above(lines.duplicate_paragraphs / lines.paragraphs, config.max_duplicate_paragraphs),
            above(
                lines.duplicate_paragraph_characters / characters,
                config.max_duplicate_paragraph_characters,
            ),
            above(lines.duplicate_runs / lines.runs, config.max_duplicate_lines),
            above(
                lines.duplicate_run_characters / characters, config.max_duplicate_line_characters
            ),
        ]
        ngrams = batch.ngrams(
            config.word_kind,
            tuple(n for n, _ in config.max_top_ngrams),
            tuple(n for n, _ in config.max_duplicate_ngrams),
        )
        for found, (_, share) in zip(ngrams.top, config.max_top_ngrams, strict=True):
            checks.append(above(found / characters, share))
        for found, (_, share) in zip(ngrams.duplicates, config.max_duplicate_ngrams, strict=True):
            checks.append(above(found / characters, share))
        return checks
