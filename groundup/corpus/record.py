"""A text on its way through the corpus: read, edited, judged."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Record:
    """One text as it is now, and what has happened to it."""

    text: str
    source: str
    """Where it was read: as ``Document.source``."""
    size: int
    """UTF-8 bytes of ``text``."""
    url: str | None = None
    language: str | None = None
    html: bool = False
    """The text is a page's markup."""
    date: str | None = None
    """When it was fetched, ISO 8601."""
    score: float | None = None
    """Quality, 0 to 1, by the last classifier that judged it."""
    scores: dict[str, float] = field(default_factory=dict)
    """What steps made of it, 0 to 1, by names that begin with the step's."""
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    """What steps counted in it: ``{"masked": {"email": 2}}``."""
    finding: str | None = None
    """What the rule that drops it measured, and the threshold: "0.214, above 0.18"."""
    trail: list[str] = field(default_factory=list)
    """What steps did to it or measured: ``normalize: 2,311 → 2,300 bytes``."""
    offset: int | None = None
    """Where it begins in its file, as in ``Row``."""
    replaced: int = 0
    """Characters U+FFFD that stand for bytes which could not be decoded."""

    def measured(self, step: str) -> float | None:
        """Return the score that a step gave it, None where that gives none."""
        scores = (score for name, score in self.scores.items() if name.startswith(step))
        return next(scores, None)

    def edit(self, text: str) -> None:
        """Replace the text."""
        self.text, self.size = text, len(text.encode())
