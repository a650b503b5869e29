"""Histograms of what rules measured, each with its threshold: of those kept and those dropped.

A document is counted for a reason if it came that far: no earlier rule and no earlier reason of the
same rule had dropped it. So as many are counted as dropped as the funnel has for that reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.filters.check import Check, Limit, Scale

LARGEST = 2.0**40
"""What is larger than this falls into the last bin."""


@dataclass(frozen=True)
class Measure:
    """Documents by what was measured of them for one reason."""

    limit: Limit
    kept: NDArray[np.int64]
    """(bins,), see ``bin_edges``."""
    dropped: NDArray[np.int64]

    @classmethod
    def empty(cls, limit: Limit) -> Self:
        """Return that of no documents."""
        bins = len(bin_edges(limit.scale))
        return cls(limit, np.zeros(bins, np.int64), np.zeros(bins, np.int64))

    def add(self, values: NDArray[Any], failed: NDArray[np.bool_]) -> None:
        """Count documents: what was measured, and whether they are dropped for it, each (D,)."""
        edges = bin_edges(self.limit.scale)
        bins = np.maximum(np.searchsorted(edges, values, side="right") - 1, 0)
        self.kept[:] += np.bincount(bins[~failed], minlength=len(edges))
        if failed.any():
            self.dropped[:] += np.bincount(bins[failed], minlength=len(edges))


class Measures:
    """What was measured for each reason; those of parts are merged by addition."""

    def __init__(self) -> None:
        self.found: dict[str, Measure] = {}
        """Step and reason, "filters: gopher_short_doc" → its measure."""

    def add(self, step: str, reasons: Sequence[str], checks: Sequence[Check]) -> dict[int, str]:
        """Count what one rule measured of some documents.

        Returns:
            Place of the document → what it is dropped for: "0.214, above 0.18".
        """
        findings: dict[int, str] = {}
        here = np.arange(len(checks[0].failed))
        for reason, check in zip(reasons, checks, strict=False):
            failed = check.failed[here]
            if check.limit is not None and check.values is not None:
                values = check.values[here]
                self._measure(f"{step}: {reason}", check.limit).add(values, failed)
                for row in np.flatnonzero(failed).tolist():
                    findings[int(here[row])] = check.limit.finding(values[row].item())
            if failed.any():
                here = here[~failed]
        return findings

    def merge(self, other: "Measures") -> None:
        """Add another's counts."""
        for label, measure in other.found.items():
            mine = self._measure(label, measure.limit)
            mine.kept[:] += measure.kept
            mine.dropped[:] += measure.dropped

    def to_json(self) -> dict[str, Any]:
        """Return the histograms as JSON-like values, without the bins that are empty."""
        return {
            label: {
                "limit": measure.limit._asdict(),
                "kept": _sparse(measure.kept),
                "dropped": _sparse(measure.dropped),
            }
            for label, measure in sorted(self.found.items())
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Measures":
        """Return what ``to_json`` wrote."""
        measures = cls()
        for label, found in value.items():
            measure = measures._measure(label, Limit(**found["limit"]))
            for counts, sparse in ((measure.kept, "kept"), (measure.dropped, "dropped")):
                for bin_, count in found[sparse].items():
                    counts[int(bin_)] = count
        return measures

    def _measure(self, label: str, limit: Limit) -> Measure:
        if label not in self.found:
            self.found[label] = Measure.empty(limit)
        return self.found[label]


@cache
def bin_edges(scale: Scale) -> NDArray[np.float64]:
    """Return where bins begin, (bins,); the last has no end.

    Shares fall into hundredths and what is 1 or more. Counts have a bin for each whole number to
    16, from there on 8 bins for each doubling; means have eighths to 4 and then 16 a doubling.
    """
    match scale:
        case "share":
            return np.arange(101) / 100
        case "count":
            return _doubling(1, 8)
        case "mean":
            return _doubling(1 / 8, 16)


def _doubling(unit: float, steps: int) -> NDArray[np.float64]:
    """Return multiples of ``unit`` up to ``2 * steps`` of them, then ``steps`` a doubling."""
    edges = [np.arange(steps) * unit]
    first = steps * unit
    while first < LARGEST:
        edges.append(first * (1 + np.arange(steps) / steps))
        first *= 2
    return np.concatenate(edges)


def _sparse(counts: NDArray[np.int64]) -> dict[str, int]:
    return {str(bin_): int(counts[bin_]) for bin_ in np.flatnonzero(counts)}
