"""A classifier as a rule of the corpus."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.classify.config import RuleConfig
from groundup.corpus.classify.model import Classifier, load_classifier
from groundup.errors import UsageError


class Lines(NamedTuple):
    """What is left of a text when lines are dropped."""

    text: str
    num_dropped: int
    probability: float
    """Of the likeliest line, as the text came."""


class ClassifierRule:
    """Drops texts that a classifier calls positive, or those that it does not.

    The only reason is the label, "toxic", or "not_" before it where negatives are dropped.
    """

    def __init__(self, config: RuleConfig, classifier: Classifier | None = None) -> None:
        """Load the classifier that the configuration names, unless it is given.

        Raises:
            UserError: the file cannot be read.
            UsageError: the classifier has no such label, or several and none is named.
        """
        self.config = config
        self.classifier = classifier or load_classifier(config.path)
        names = self.classifier.names
        label = config.label or (names[0] if len(names) == 1 else None)
        if label not in names:
            raise UsageError(f"label should be one of {config.path}'s: {', '.join(names)}")
        self._number = names.index(label)
        self.threshold = config.threshold or self.classifier.header.labels[self._number].threshold
        self.reason = label if config.drop == "positive" else f"not_{label}"

    @property
    def reasons(self) -> tuple[str, ...]:
        """Every reason that this rule can give."""
        return (self.reason,)

    def __call__(self, texts: Sequence[str]) -> list[str | None]:
        """Return for each text None to keep it, or the reason not to."""
        return self.judge(self.probabilities(texts))

    def judge(self, probabilities: NDArray[np.float64]) -> list[str | None]:
        """Return the same for probabilities that were computed before."""
        return [self.reason if dropped else None for dropped in self._dropped(probabilities)]

    def probabilities(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Return how probable the label is for each text, (N,); by lines: for its likeliest."""
        if self.config.unit == "document":
            return self.classifier.probabilities(texts)[:, self._number]
        lines = [text.split("\n") for text in texts]
        of_lines = self._of_lines(lines)
        starts = np.cumsum([0, *map(len, lines)])[:-1]
        return np.maximum.reduceat(of_lines, starts) if len(texts) else of_lines

    def drop_lines(self, texts: Sequence[str]) -> list[Lines]:
        """Return each text without the lines that, each by itself, this rule would drop.

        Lines without a word stay.
        """
        lines = [text.split("\n") for text in texts]
        ends = np.cumsum([len(rows) for rows in lines], dtype=np.int64)
        cleaned = []
        for rows, probabilities in zip(lines, np.split(self._of_lines(lines), ends), strict=False):
            marked = zip(rows, self._dropped(probabilities), strict=True)
            kept = [row for row, dropped in marked if not (dropped and any(map(str.isalnum, row)))]
            left = Lines("\n".join(kept), len(rows) - len(kept), float(probabilities.max()))
            cleaned.append(left)
        return cleaned

    def _of_lines(self, lines: Sequence[Sequence[str]]) -> NDArray[np.float64]:
        flat = [row for rows in lines for row in rows]
        return self.classifier.probabilities(flat)[:, self._number]

    def _dropped(self, probabilities: NDArray[np.float64]) -> NDArray[np.bool_]:
        positive = probabilities >= self.threshold
        return positive if self.config.drop == "positive" else ~positive
