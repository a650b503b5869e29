"""Histograms and bars, drawn by hand: SVG that the page's style colours."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import NamedTuple

from groundup.errors import printable

WIDTH, HEIGHT = 440, 210
"""Of a histogram: narrow, so that its labels can be read on a telephone."""

LEFT, RIGHT, TOP, BOTTOM = 40, 10, 24, 40
"""Margins around the plot, for labels."""

MAX_LABELS = 10
"""Labels under a histogram; where there are more bars, only every second, third, … has one."""

MAX_ROWS = 20
"""Rows of bars; what is rarer is added up in one more."""


class Line(NamedTuple):
    """A threshold, drawn into a histogram."""

    place: float
    """In bins from the left."""
    label: str
    keeps_right: bool
    """What is to the right of it stays; else what is to the left."""


def histogram(
    bins: Sequence[tuple[str, int]],
    axis: str,
    *,
    logarithmic: bool = False,
    line: Line | None = None,
    dropped: Sequence[int] | None = None,
) -> str:
    """Return bars beside one another, one for each bin.

    Args:
        bins: label and count of each, in their order; none is left out.
        axis: what the labels are, with their unit.
        logarithmic: heights are log(1 + count), so that the few near a threshold can be seen.
        line: what divides the kept from the dropped.
        dropped: how many of each bin are dropped; where it is not given, the line tells.
    """
    most = max((count for _, count in bins), default=0)
    if not most:
        return ""
    width = (WIDTH - LEFT - RIGHT) / len(bins)
    floor = HEIGHT - BOTTOM

    def height(count: int) -> float:
        share = math.log1p(count) / math.log1p(most) if logarithmic else count / most
        return share * (floor - TOP)

    drawn = []
    for count in _ticks(most, logarithmic):
        y = floor - height(count)
        drawn.append(
            f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        )
        drawn.append(_text(LEFT - 6, y + 4, _short(count), "end"))
    every = -(-len(bins) // MAX_LABELS)
    for place, (label, count) in enumerate(bins):
        x = LEFT + place * width
        if count:
            gone = 0
            if dropped is not None:
                gone = dropped[place]
            elif line is not None and (place + 0.5 > line.place) != line.keeps_right:
                gone = count
            tall = max(height(count), 1.0)  # one document among millions can still be seen
            top = float(floor)
            for number, kind in ((count - gone, "bar"), (gone, "bar dropped")):
                if number:
                    part = tall * number / count
                    top -= part
                    drawn.append(
                        f'<rect class="{kind}" x="{x + 0.5:.1f}" y="{top:.1f}" '
                        f'width="{max(width - 1, 0.5):.1f}" height="{part:.1f}">'
                        f"<title>{escape(label)}: {number:,}</title></rect>"
                    )
        if place % every == 0:
            drawn.append(_text(x, floor + 15, label, "middle"))
    if line is not None:
        x = LEFT + line.place * width
        drawn.append(f'<line class="limit" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{floor}"/>')
        anchor = "end" if x > WIDTH / 2 else "start"
        drawn.append(_text(x + (-5 if anchor == "end" else 5), TOP - 10, line.label, anchor))
    drawn.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, axis, "middle"))
    inner = "".join(drawn)
    title = f"Documents by {axis}" + (f", {line.label}" if line else "")
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}">{inner}</svg>'
    )


def bars(counts: Mapping[str, int], what: str) -> str:
    """Return a row for each label, the most frequent first, as wide as its share of all."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rows = ordered[:MAX_ROWS]
    if rest := ordered[MAX_ROWS:]:
        rows.append((f"{len(rest)} others", sum(count for _, count in rest)))
    whole = sum(counts.values())
    if not whole:
        return ""
    drawn = [
        f'<tr><th scope="row">{escape(printable(label))}</th><td>{count:,}</td>'
        f'<td>{count / whole:.1%}</td><td class="bar-cell">{share_bar(count / whole)}</td></tr>'
        for label, count in rows
    ]
    return f'<table aria-label="{escape(what)}"><tbody>{"".join(drawn)}</tbody></table>'


def share_bar(share: float) -> str:
    """Return a bar that is as long as its share of its cell."""
    width = max(100 * share, 0.5) if share else 0.0
    return (
        '<svg class="share" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="bar" width="{width:.1f}" height="8"/></svg>'
    )


def _ticks(most: int, logarithmic: bool) -> list[int]:
    """Return the counts that have a line across the plot: 0 and up to ``most``."""
    if not logarithmic:
        return [0, most]
    powers = [10**n for n in range(len(str(most)))]
    return [0, *powers[:: -(-len(powers) // 4)]]


def _short(number: int) -> str:
    for unit, name in ((10**9, "G"), (10**6, "M"), (10**4, "k")):
        if number >= unit:
            divided = number / (1000 if name == "k" else unit)
            return f"{divided:.3g}{name}"
    return f"{number:,}"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(printable(text))}</text>'
