"""What a rule measured of some texts, held against what it allows."""

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Scale = Literal["share", "count", "mean"]
"""What a measure is like: mostly from 0 to 1, a whole number, or a number of any size."""

Drops = Literal["above", "at or above", "below", "at or below"]


class Limit(NamedTuple):
    """What a measure is held against."""

    threshold: float
    drops: Drops
    """Where the values that drop a text stand to the threshold."""
    scale: Scale

    def __str__(self) -> str:
        return f"{self.drops} {_number(self.threshold)}"

    def fails(self, values: Any) -> Any:
        """Tell which values, (D,), drop their texts; of a number, whether it does."""
        match self.drops:
            case "above":
                return values > self.threshold
            case "at or above":
                return values >= self.threshold
            case "below":
                return values < self.threshold
            case "at or below":
                return values <= self.threshold

    def finding(self, value: float) -> str:
        """Return a value that drops a text beside the limit: "0.214, above 0.18".

        A share or a mean has three digits, more if it takes more to see that it drops the text.
        """
        shown, digits = value, 3
        if self.scale != "count":
            while not self.fails(shown := float(f"{value:.{digits}g}")):
                digits += 1
        return f"{_number(shown)}, {self}"


class Check(NamedTuple):
    """What was measured for one reason, and which texts are dropped for it."""

    failed: NDArray[np.bool_]
    """(D,)"""
    values: NDArray[Any] | None = None
    """(D,); None where nothing is measured. What is said of a text that an earlier reason of the
    rule drops means nothing."""
    limit: Limit | None = None
    """None where nothing is measured."""


def above(
    values: NDArray[Any],
    threshold: float | None,
    *,
    or_equal: bool = False,
    scale: Scale | None = None,
) -> Check:
    """Drop what is above the threshold; nothing if there is none.

    Args:
        values: (D,)
        threshold: with which they are compared.
        or_equal: drop what is at the threshold too.
        scale: if not given, whole numbers are counts and others shares.
    """
    return _check(values, threshold, "at or above" if or_equal else "above", scale)


def below(
    values: NDArray[Any],
    threshold: float | None,
    *,
    or_equal: bool = False,
    scale: Scale | None = None,
) -> Check:
    """Drop what is below the threshold; else as ``above``."""
    return _check(values, threshold, "at or below" if or_equal else "below", scale)


def _check(
    values: NDArray[Any], threshold: float | None, drops: Drops, scale: Scale | None
) -> Check:
    if threshold is None:
        return Check(np.zeros(len(values), bool))
    limit = Limit(threshold, drops, scale or ("count" if values.dtype.kind in "iu" else "share"))
    return Check(limit.fails(values), values, limit)


def _number(value: float) -> str:
    return f"{int(value):,}" if value == int(value) else f"{value:,}"
