"""The picture: what a byte or a character costs after how many minutes, a line a contender."""

import math
import statistics
from html import escape
from typing import Any

from race.load import is_disturbed
from race.report import MARK, grouped, in_nats, measure_key, minutes

WIDTH, HEIGHT, COLUMNS = 520, 270, 2
"""Of one corpus and budget, and how many stand side by side."""

LEFT, RIGHT, TOP, BOTTOM = 46, 204, 44, 44

OURS = "groundup"

TITLES = {"shakespeare": "Tiny Shakespeare", "stdlib": "the standard library", "stories": "stories"}

Curve = list[tuple[float, float]]
"""Seconds and score: nats per character or bits per byte, as the corpus is judged."""

APART = 14.0
"""Between two labels, so that none covers another."""

STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#57606a}.title{font-weight:600;fill:#24292f}"
    ".grid{stroke:#d0d7de}.line{fill:none;stroke-width:1.5}.ours{stroke-width:3}"
    ".shipped{stroke-dasharray:5 4}.short{stroke-width:2}.mine{font-weight:700}"
    ".c0{stroke:#0969da}.c1{stroke:#bc4c00}.c2{stroke:#1a7f37}.c3{stroke:#8250df}.c4{stroke:#bf3989}"
    "text.c0{fill:#0969da;stroke:none}text.c1{fill:#bc4c00;stroke:none}"
    "text.c2{fill:#1a7f37;stroke:none}text.c3{fill:#8250df;stroke:none}"
    "text.c4{fill:#bf3989;stroke:none}"
    "@media(prefers-color-scheme:dark){text{fill:#8b949e}.title{fill:#e6edf3}.grid{stroke:#30363d}"
    ".c0{stroke:#58a6ff}.c1{stroke:#f0883e}.c2{stroke:#3fb950}.c3{stroke:#bc8cff}.c4{stroke:#f778ba}"
    "text.c0{fill:#58a6ff}text.c1{fill:#f0883e}text.c2{fill:#3fb950}text.c3{fill:#bc8cff}"
    "text.c4{fill:#f778ba}}"
)

COLOURS = ("groundup", "nanoGPT-style", "nanochat-style", "transformers", "litgpt")


def picture(results: list[dict[str, Any]]) -> str:
    """Return an SVG for light and dark pages, its lines labelled where they end.

    A line is the mean over seeds and ends in the final score. What was measured on the way is of a
    part of the text, with less context: it is scaled by what the same measure gave at the end.
    Where groundup ran alone for a shorter time, that line stands among the others. Each plot is of
    one processor, which it names; where heats were disturbed, a mark says so.
    """
    whole = [result for result in results if "error" not in result]
    plots: dict[tuple[str, float, str], dict[str, Curve]] = {}
    longer: dict[tuple[str, str], dict[str, Curve]] = {}  # the plot before, by corpus and processor
    for (corpus, budget, cpu), contenders in sorted(grouped(whole).items(), reverse=True):
        alone = list(contenders) == [f"{OURS} tuned"] and (corpus, cpu) in longer
        curves = {}
        for who, heats in contenders.items():
            name = f"{OURS} {minutes(budget)}" if alone else who
            mark = f" {MARK}" if any(map(is_disturbed, heats)) else ""
            curves[name + mark] = _mean_curve(heats, budget, corpus)
        if alone:
            longer[corpus, cpu].update(curves)
        else:
            plots[corpus, budget, cpu] = longer[corpus, cpu] = curves
    drawn = [
        f'<g transform="translate({place % COLUMNS * WIDTH} {place // COLUMNS * HEIGHT})">'
        f"{_plot(*what, curves)}</g>"
        for place, (what, curves) in enumerate(reversed(plots.items()))
    ]
    columns, rows = min(COLUMNS, len(drawn)), math.ceil(len(drawn) / COLUMNS)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH * columns} {HEIGHT * rows}" '
        f'role="img" aria-label="The score of held-out text against minutes of training">'
        f'<style>{STYLE}</style><clipPath id="plot"><rect x="{LEFT}" y="{TOP}" '
        f'width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT - TOP - BOTTOM}"/></clipPath>'
        f"{''.join(drawn)}</svg>\n"
    )


def _plot(corpus: str, budget: float, cpu: str, curves: dict[str, Curve]) -> str:
    scores = [points[-1][1] for points in curves.values()]
    # From a little under the best to where the worst ends, or a line begins, whichever shows more.
    low, high = 0.97 * min(scores), max(1.05 * max(scores), 1.4 * min(scores))
    high = min(high, 2.6 * min(scores))
    floor, right = HEIGHT - BOTTOM, WIDTH - RIGHT

    def x(seconds: float) -> float:
        return LEFT + (right - LEFT) * min(seconds / budget, 1.0)

    def y(score: float) -> float:
        share = math.log(score / low) / math.log(high / low)
        return floor - (floor - TOP) * share

    drawn = [_text(LEFT, 18, f"{TITLES.get(corpus, corpus)}, {minutes(budget)}", "start", "title")]
    for tick in _ticks(low, high):
        drawn.append(
            f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y(tick):.1f}" y2="{y(tick):.1f}"/>'
        )
        drawn.append(_text(LEFT - 6, y(tick) + 4, f"{tick:.3g}", "end"))
    unit, name = (60, "minutes") if budget >= 60 else (1, "seconds")
    for seconds in (budget * part / 4 for part in range(5)):
        drawn += [_text(x(seconds), floor + 16, f"{seconds / unit:.3g}", "middle")]
    drawn.append(_text((LEFT + right) / 2, HEIGHT - 10, name, "middle"))
    measure = "nats per character" if in_nats(corpus) else "bits per byte"
    drawn.append(_text(LEFT, 34, f"{measure}; {cpu}", "start"))
    labels = []
    for who, points in sorted(curves.items(), key=lambda item: item[1][-1][1]):
        mark = MARK if who.endswith(MARK) else ""
        contender, _, kind = who.removesuffix(f" {MARK}").partition(" ")
        ours = contender == OURS
        colour = f"c{COLOURS.index(contender) if contender in COLOURS else 0}"
        way = " shipped" if kind == "shipped" else "" if kind == "tuned" else " short"
        path = " ".join(f"{x(seconds):.1f},{y(score):.1f}" for seconds, score in points)
        drawn.append(
            f'<polyline class="line {colour}{" ours" if ours else ""}{way}" '
            f'clip-path="url(#plot)" points="{path}"/>'
        )
        seconds, score = points[-1]
        classes = f"{colour}{' mine' if ours else ''}"
        if way == " short":
            drawn.append(_text(x(seconds), y(score) + 16, f"{score:.3f}{mark}", "middle", classes))
        else:
            name = contender if kind == "tuned" else f"{contender} {kind}"
            said = f"{name} {score:.3f}{mark}"
            labels.append((max(y(score), TOP), said, classes))
    for place, (_, said, classes) in zip(
        _spread([at for at, _, _ in labels], floor), labels, strict=True
    ):
        drawn.append(_text(right + 8, place + 4, said, "start", classes))
    return "".join(drawn)


def _mean_curve(heats: list[dict[str, Any]], budget: float, corpus: str) -> Curve:
    """Return points (seconds, score), both means over the seeds."""
    key = measure_key(corpus)
    count = min(len(heat["curve"]) for heat in heats)
    points = []
    for place in range(count):
        lines = [heat["curve"][place] for heat in heats]
        if (seconds := statistics.mean(line["seconds"] for line in lines)) < 0.97 * budget:
            scores = [
                line["bits_per_byte"] * heat[key] / heat["probe_bits_per_byte"]
                for heat, line in zip(heats, lines, strict=True)
            ]
            points.append((seconds, statistics.mean(scores)))
    return [*points, (budget, statistics.mean(heat[key] for heat in heats))]


def _spread(wanted: list[float], floor: float) -> list[float]:
    """Return places at least ``APART`` apart, in the same order, upwards from the lowest."""
    places: list[float] = []
    limit = floor
    for place in wanted:  # the best, lowest on the page, first
        limit = min(place, limit)
        places.append(limit)
        limit -= APART
    return places


def _ticks(low: float, high: float) -> list[float]:
    step = next(s for s in (0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0) if (high - low) / s <= 7)
    first = math.ceil(low / step)
    return [round(step * n, 3) for n in range(first, int(high / step) + 1)]


def _text(x: float, y: float, text: str, anchor: str, classes: str = "") -> str:
    named = f' class="{classes}"' if classes else ""
    return f'<text{named} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
