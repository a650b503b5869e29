"""Compression against vocabulary size, drawn by hand: an SVG that the page's style colours."""

import math
from collections.abc import Sequence
from itertools import pairwise

from groundup.tokenizer.bpe.report import TokenizerReport

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 62, 24, 34, 52
"""Margins around the plot, for ticks and labels."""

LETTER_WIDTH, ROW = 11, 22
"""Room for a letter of a label, and from one line of labels to the next: they are set larger where
the window is narrow."""

Point = tuple[float, float]
"""A vocabulary size and its tokens per byte, or a place in the picture."""


def curve_svg(report: TokenizerReport) -> str:
    """Return the curve of a report, with the chosen and the suggested size marked; "" without one.

    The horizontal axis is logarithmic: each doubling of the vocabulary saves about as much as the
    one before, until it does not.
    """
    points = [
        (float(size), tokens)
        for size, tokens in report.curve
        if size > 0 and 0 <= tokens <= 1  # a report may be damaged: no token is under a byte
    ]
    points.sort()
    if len(points) < 2 or points[0][0] == points[-1][0]:
        return ""
    axes = _Axes(points)
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(axes.place, points))
    title = (
        f"Tokens per byte against vocabulary size: {points[0][1]:.2f} at {int(points[0][0]):,} "
        f"tokens, {points[-1][1]:.2f} at {int(points[-1][0]):,}."
    )
    return "\n".join(
        [
            f'<svg class="curve" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
            f"<title>{title}</title>",
            *axes.lines(),
            f'<polyline class="line" points="{line}"/>',
            *_marks(axes, points, report.suggested_vocab_size),
            "</svg>",
        ]
    )


class _Axes:
    """Where a vocabulary size and a number of tokens per byte lie in the picture."""

    def __init__(self, points: Sequence[Point]) -> None:
        self.first, self.last = points[0][0], points[-1][0]
        highest = max(tokens for _, tokens in points)
        self.step = _round_step(highest / 4)
        self.top = self.step * max(1, math.ceil(highest / self.step))

    def place(self, point: Point) -> Point:
        size, tokens = point
        across = math.log(size / self.first) / math.log(self.last / self.first)
        x = LEFT + across * (WIDTH - LEFT - RIGHT)
        y = TOP + (1 - tokens / self.top) * (HEIGHT - TOP - BOTTOM)
        return x, y

    def size_at(self, x: float) -> float:
        """Return the vocabulary size that lies at ``x``."""
        return float(self.first * (self.last / self.first) ** ((x - LEFT) / (WIDTH - LEFT - RIGHT)))

    def lines(self) -> list[str]:
        """Return grid, ticks and labels."""
        drawn = []
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        for number in range(round(self.top / self.step) + 1):
            tokens = number * self.step
            y = self.place((self.first, tokens))[1]
            drawn.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
            drawn.append(_text(LEFT - 10, y + 4, f"{tokens:g}", "end"))
        for size in _doublings(self.first, self.last):
            x = self.place((size, 0))[0]
            drawn.append(
                f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}"/>'
            )
            drawn.append(_text(x, bottom + 20, _size(size), "middle"))
        drawn.append(
            _text((LEFT + right) / 2, HEIGHT - 8, "vocabulary size, tokens (logarithmic)", "middle")
        )
        drawn.append(_text(LEFT, TOP - 12, "tokens per byte", "start", "label"))
        return drawn


def _marks(axes: _Axes, points: Sequence[Point], suggested_size: int) -> list[str]:
    """Return the chosen and the suggested size, each with a label that nothing runs through."""
    chosen, suggested = points[-1], _at(points, suggested_size)
    if suggested[0] == chosen[0]:
        return [_mark(axes, points, chosen, "chosen", "chosen and suggested")]
    apart = axes.place(chosen)[0] - axes.place(suggested)[0]
    near = apart < LETTER_WIDTH * len(_label("chosen", chosen))
    return [
        _mark(axes, points, chosen, "chosen", "chosen"),
        _mark(axes, points, suggested, "suggested", "suggested", rows_up=int(near)),
    ]


def _label(name: str, point: Point) -> str:
    return f"{name} {int(point[0]):,}: {point[1]:.3f}"


def _mark(
    axes: _Axes, points: Sequence[Point], point: Point, kind: str, name: str, rows_up: int = 0
) -> str:
    x, y = axes.place(point)
    label = _label(name, point)
    width = LETTER_WIDTH * len(label)
    # The curve falls, so above the label's left end it is at its highest.
    anchor, reach = ("end", width) if x > LEFT + width else ("start", 0)
    above = axes.place(_at(points, axes.size_at(x - reach)))[1] - 10 - ROW * rows_up
    return (
        f'<line class="stem {kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{y:.1f}" '
        f'y2="{HEIGHT - BOTTOM}"/>'
        f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="5.5"/>'
        + _text(x, max(above, TOP + 10), label, anchor, f"mark {kind}")
    )


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{text}</text>'


def _at(points: Sequence[Point], size: float) -> Point:
    """Return the curve's point at ``size``, or at its end if ``size`` is beyond."""
    size = min(max(size, points[0][0]), points[-1][0])
    for (left, before), (right, after) in pairwise(points):
        if left <= size <= right:
            share = math.log(size / left) / math.log(right / left) if right > left else 1.0
            return float(size), before + share * (after - before)
    return points[-1]


def _doublings(first: float, last: float) -> list[int]:
    """Return the powers of two between the ends, at most eight of them."""
    powers = range(math.ceil(math.log2(first)), math.floor(math.log2(last)) + 1)
    every = max(1, math.ceil(len(powers) / 8))
    return [2**power for power in powers if power % every == 0]


def _size(size: int) -> str:
    return f"{size // 1024}K" if size >= 1024 else str(size)


def _round_step(step: float) -> float:
    """Return the next 1, 2.5 or 5 times a power of ten."""
    if step <= 0:
        return 0.25
    unit = 10.0 ** math.floor(math.log10(step))
    return next(unit * factor for factor in (1, 2.5, 5, 10) if unit * factor >= step * 0.999)
