"""All that is counted on the way to a corpus, kept together: of a part, or of the whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from groundup.corpus.distributions import Distributions
from groundup.corpus.funnel import Funnel
from groundup.corpus.measures import Measures
from groundup.corpus.samples import Samples
from groundup.corpus.tally import Tally

SAMPLES = 8
"""Examples of each reason, and of what is kept."""


@dataclass
class Account:
    """Counts, examples and histograms; those of parts are merged by addition."""

    funnel: Funnel
    tally: Tally
    samples: Samples
    distributions: Distributions
    measures: Measures

    @classmethod
    def empty(cls, steps: Sequence[str]) -> "Account":
        """Return an account of nothing, with the names of the steps in their order."""
        return cls(Funnel(steps), Tally(), Samples(SAMPLES), Distributions(), Measures())

    def merge(self, other: "Account") -> None:
        """Add another part's."""
        self.funnel.merge(other.funnel)
        self.tally.merge(other.tally)
        self.samples.merge(other.samples)
        self.distributions.merge(other.distributions)
        self.measures.merge(other.measures)

    def to_json(self) -> dict[str, Any]:
        """Return everything as JSON-like values."""
        return {
            "steps": self.funnel.steps,
            "funnel": self.funnel.to_json(),
            "tally": self.tally.to_json(),
            "samples": self.samples.to_json(),
            "distributions": self.distributions.to_json(),
            "measures": self.measures.to_json(),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Account":
        """Return what ``to_json`` wrote."""
        return cls(
            Funnel.from_json(value["steps"], value["funnel"]),
            Tally.from_json(value["tally"]),
            Samples.from_json(SAMPLES, value["samples"]),
            Distributions.from_json(value["distributions"]),
            Measures.from_json(value["measures"]),
        )
