"""The metric against one key: a dot for each training, drawn by hand as SVG."""

import math
import statistics
from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

from groundup.errors import printable
from groundup.sweep.space import spelt

WIDTH, HEIGHT = 440, 260

LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 46
"""Margins around the plot, for labels."""

LOG_FROM = 8
"""A logarithmic axis for numbers above 0 of which the largest is so many times the smallest."""

REACH = 4
"""The axis goes up to so many times the distance from the best to the median: a training that all
but diverged would press the others into a line. What lies above is drawn at the edge."""

MOST_LABELS = 8


class Dot(NamedTuple):
    """A training, or the mean of a setting's."""

    value: Any
    """Of the key."""
    metric: float | None
    """None: it failed."""
    rung: int
    note: str
    """Shown when it is pointed at."""
    best: bool = False


class _Axis:
    """Places of a key's values: 0 to 1."""

    def __init__(self, values: Sequence[Any]) -> None:
        numbers = [v for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        self.numeric = len(numbers) == len(values)
        if not self.numeric:
            self.names = list(dict.fromkeys(map(spelt, values)))
            return
        self.distinct = sorted(set(numbers))
        low, high = self.distinct[0], self.distinct[-1]
        self.log = low > 0 and high / low >= LOG_FROM
        self.low, self.high = self._scaled(low), self._scaled(high)

    def _scaled(self, number: float) -> float:
        return math.log(number) if self.log else float(number)

    def place(self, value: Any) -> float:
        if not self.numeric:
            return (self.names.index(spelt(value)) + 0.5) / len(self.names)
        if self.low == self.high:
            return 0.5
        return 0.06 + 0.88 * (self._scaled(value) - self.low) / (self.high - self.low)

    def labels(self) -> list[tuple[float, str]]:
        """Return the labels that have room: all values, or some of many."""
        if not self.numeric:
            return [(self.place_of_name(n), name) for n, name in enumerate(self.names)]
        chosen: list[tuple[float, str]] = []
        for number in self.distinct[:: -(-len(self.distinct) // MOST_LABELS)]:
            place = self.place(number)
            if not chosen or place - chosen[-1][0] >= 1 / MOST_LABELS:
                chosen.append((place, f"{number:g}"))
        return chosen

    def place_of_name(self, number: int) -> float:
        return (number + 0.5) / len(self.names)


def scatter(dots: Sequence[Dot], key: str, metric: str) -> str:
    """Return the plot; lower is better, so better is further down.

    Args:
        dots: at least one; those of a later rung are drawn over the others.
        key: name of the horizontal axis.
        metric: of the vertical one, with its unit.
    """
    axis = _Axis([dot.value for dot in dots])
    low, high = _reach([dot.metric for dot in dots if dot.metric is not None])
    floor, across = HEIGHT - BOTTOM, WIDTH - LEFT - RIGHT

    def height(number: float) -> float:
        return floor - (number - low) / (high - low) * (floor - TOP)

    drawn = []
    for number in _ticks(low, high):
        y = height(number)
        drawn.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        drawn.append(_text(LEFT - 6, y + 4, f"{number:.10g}", "end"))
    for place, label in axis.labels():
        drawn.append(_text(LEFT + place * across, floor + 17, label, "middle"))
    for dot in sorted(dots, key=lambda dot: (dot.best, dot.rung)):
        x = LEFT + axis.place(dot.value) * across
        title = f"<title>{escape(printable(dot.note))}</title>"
        if dot.metric is None:
            drawn.append(
                f'<path class="failed" d="M{x - 4:.1f} {TOP - 4}l8 8m0 -8l-8 8">{title}</path>'
            )
        elif dot.metric > high:
            drawn.append(
                f'<path class="rung{dot.rung}" d="M{x - 5:.1f} {TOP + 4}h10l-5 -9z">{title}</path>'
            )
        else:
            kind = f"rung{dot.rung}" + (" best" if dot.best else "")
            drawn.append(
                f'<circle class="{kind}" cx="{x:.1f}" cy="{height(dot.metric):.1f}" '
                f'r="{6 if dot.best else 4}">{title}</circle>'
            )
    log = ", logarithmic" if axis.numeric and axis.log else ""
    drawn.append(_text(LEFT + across / 2, HEIGHT - 8, key + log, "middle"))
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(printable(f"{metric} by {key}"))}">{"".join(drawn)}</svg>'
    )


def _reach(numbers: Sequence[float]) -> tuple[float, float]:
    """Return the ends of the vertical axis."""
    if not numbers:
        return 0.0, 1.0
    best = min(numbers)
    most = min(max(numbers), best + REACH * (statistics.median(numbers) - best))
    most = most if most > best else max(numbers)
    room = 0.08 * (most - best) or 0.01 * abs(best) or 1.0
    return best - room, most + room


def _ticks(low: float, high: float) -> list[float]:
    """Return round numbers between the ends, three to seven."""
    step = 10.0 ** math.floor(math.log10((high - low) / 2))
    step *= next(times for times in (5, 2, 1) if (high - low) / (step * times) >= 3 or times == 1)
    first, last = math.ceil(low / step), math.floor(high / step)
    return [number * step for number in range(first, last + 1)]


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(printable(text))}</text>'
