"""A few documents of each fate, for a person to look at: drawn by hash, so always the same ones."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

EXCERPT_CHARACTERS = 600
"""How much of a text an example shows."""


@dataclass(frozen=True, slots=True)
class Example:
    """The beginning of a document, and where it is from."""

    id: str
    source: str
    url: str | None
    excerpt: str
    characters: int
    """Length of the whole text."""
    measured: float | None = None
    """The score that it was dropped for, 0 to 1."""
    finding: str | None = None
    """What a rule measured that it was dropped for: "0.214, above 0.18"."""


class Samples:
    """For each label the ``size`` documents whose hash with the label is least.

    Which ones these are depends neither on the order of the documents nor on how they were divided
    into parts; samples of parts are merged.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.drawn: dict[str, dict[str, Example]] = {}
        """Label → hash → example."""

    def offer(
        self,
        label: str,
        id_: str,
        source: str,
        url: str | None,
        text: str,
        measured: float | None = None,
        finding: str | None = None,
    ) -> None:
        """Take a document into the label's sample, if its hash is among the least."""
        key = hashlib.blake2b(f"{label}\0{id_}\0{source}".encode(), digest_size=8).hexdigest()
        drawn = self.drawn.setdefault(label, {})
        if len(drawn) == self.size and key >= max(drawn):
            return
        excerpt = text[:EXCERPT_CHARACTERS]
        drawn[key] = Example(id_, source, url, excerpt, len(text), measured, finding)
        self._trim(label)

    def merge(self, other: "Samples") -> None:
        """Draw from what two samples drew."""
        for label, drawn in other.drawn.items():
            self.drawn.setdefault(label, {}).update(drawn)
            self._trim(label)

    def examples(self, label: str) -> list[Example]:
        """Return a label's sample, in the order of the hashes."""
        return [example for _, example in sorted(self.drawn.get(label, {}).items())]

    def to_json(self) -> dict[str, Any]:
        """Return the samples as JSON-like values."""
        return {
            label: {key: asdict(example) for key, example in sorted(drawn.items())}
            for label, drawn in sorted(self.drawn.items())
        }

    @classmethod
    def from_json(cls, size: int, value: dict[str, Any]) -> "Samples":
        """Return the samples that ``to_json`` wrote."""
        samples = cls(size)
        samples.drawn = {
            label: {key: Example(**example) for key, example in drawn.items()}
            for label, drawn in value.items()
        }
        return samples

    def _trim(self, label: str) -> None:
        drawn = self.drawn[label]
        for key in sorted(drawn)[self.size :]:
            del drawn[key]
