"""Histograms of what documents are like; those of parts are merged by addition."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

SCORE_BINS = 100
"""Bins that the scores from 0 to 1 fall into."""


class Distributions:
    """Counts of documents by length, language and scores."""

    def __init__(self) -> None:
        self.counts: dict[str, Counter[str]] = {}
        """Name of the histogram → bin → documents."""

    def add_length(self, name: str, characters: int) -> None:
        """Count a text by its length; bin ``n`` holds those of 2**(n-1) to 2**n - 1 characters."""
        self._count(name, str(characters.bit_length()))

    def add_score(self, name: str, score: float) -> None:
        """Count a score from 0 to 1."""
        self._count(name, str(min(int(score * SCORE_BINS), SCORE_BINS - 1)))

    def add_label(self, name: str, label: str | None) -> None:
        """Count a label, like a language."""
        self._count(name, label or "unknown")

    def add_counts(self, name: str, counts: Mapping[str, int]) -> None:
        """Add things that were counted in a document, by kind."""
        self.counts.setdefault(name, Counter()).update(counts)

    def merge(self, other: "Distributions") -> None:
        """Add another's counts."""
        for name, counts in other.counts.items():
            self.counts.setdefault(name, Counter()).update(counts)

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON-like values."""
        return {name: dict(sorted(counts.items())) for name, counts in sorted(self.counts.items())}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Distributions":
        """Return what ``to_json`` wrote."""
        distributions = cls()
        distributions.counts = {name: Counter(counts) for name, counts in value.items()}
        return distributions

    def _count(self, name: str, bin_: str) -> None:
        counts = self.counts.get(name)
        if counts is None:
            counts = self.counts[name] = Counter()
        counts[bin_] += 1
