"""What rules measured: a histogram for each reason, with its threshold."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from groundup.corpus.measures import Measure, Measures, bin_edges
from groundup.corpus.report.charts import Line, histogram
from groundup.corpus.report.markup import anchor, said, section

AXES = {
    "share": "share; counts on a logarithmic scale",
    "count": "number; counts on a logarithmic scale",
    "mean": "mean; counts on a logarithmic scale",
}

HOW = {
    "c4_too_few_sentences": " Where enough lines stay, these are counted and not their sentences.",
}
"""What is to be known of how something is measured."""

MAX_BARS = 60
"""Bars of a histogram; of more, neighbours are drawn as one."""


def measures_section(measures: Mapping[str, Any], examples: Mapping[str, Any]) -> str:
    """Return a histogram for each reason, those that dropped most first; nothing without any.

    Args:
        measures: as ``Measures.to_json`` wrote them.
        examples: labels of those on the page, to link to.
    """
    found = Measures.from_json(measures).found
    ordered = sorted(found, key=lambda label: (-int(found[label].dropped.sum()), label))
    drawn = {label: _figure(label, found[label], label in examples) for label in ordered}
    busy = [drawn[label] for label in ordered if found[label].dropped.any()]
    idle = [drawn[label] for label in ordered if drawn[label] and not found[label].dropped.any()]
    content = f'<div class="charts">{"".join(busy)}</div>' if busy else ""
    if idle:
        many = f"{len(idle)} threshold{'s' * (len(idle) != 1)} that dropped nothing"
        content += (
            f'<details class="card"><summary>{many}</summary>'
            f'<div class="charts">{"".join(idle)}</div></details>'
        )
    what = (
        "What rules measured of the documents that came to them, each against its threshold: those"
        " that an earlier reason had dropped are not counted. Where the two colours meet in a slope"
        " the threshold decides about many that are alike."
    )
    return section("Measures", what, content) if content else ""


def _figure(label: str, measure: Measure, has_examples: bool) -> str:
    """Return the histogram of one reason; nothing if no document came to it."""
    limit = measure.limit
    edges, counts = bin_edges(limit.scale), measure.kept + measure.dropped
    used = np.flatnonzero(counts)
    if not len(used):
        return ""
    at = int(np.searchsorted(edges, limit.threshold, side="right")) - 1
    first, last = min(int(used[0]), max(at - 1, 0)), max(int(used[-1]), at)
    together = -(-(last + 2 - first) // MAX_BARS)
    first -= (first - at) % together  # the threshold's bin is the first of a bar
    bars, dropped = [], []
    for begin in range(first, last + 1, together):
        bin_ = slice(max(begin, 0), begin + together)
        bars.append((_edge(edges[bin_.start]), int(counts[bin_].sum())))
        dropped.append(int(measure.dropped[bin_].sum()))
    begin, end = edges[at], edges[min(at + together, len(edges) - 1)]
    inside = (limit.threshold - begin) / (end - begin) if end > begin else 0.0
    line = Line((at - first) / together + inside, f"dropped {limit}", "below" in limit.drops)
    drawn = histogram(bars, AXES[limit.scale], logarithmic=True, line=line, dropped=dropped)
    reason = label.partition(": ")[2]
    how = HOW.get(reason, "")
    title = said(reason).replace("_", "_<wbr>")
    if has_examples:
        title = f'<a href="#{anchor(label)}">{title}</a>'
    note = f"{measure.dropped.sum():,} of {counts.sum():,} that came to it are dropped"
    return (
        f'<figure class="card"><h3>{title}</h3>{drawn}'
        f"<figcaption>{note}: {limit}.{how}</figcaption></figure>"
    )


def _edge(value: float) -> str:
    """Return where a bar begins, in few characters."""
    for unit, name in ((1e6, "M"), (1e4, "k")):
        if value >= unit:
            return f"{value / (1e3 if name == 'k' else unit):.3g}{name}"
    return f"{value:.4g}"
