"""What documents are like: histograms of lengths and scores, bars of languages and kinds."""

from collections.abc import Mapping, Sequence
from typing import Any

from groundup.corpus.distributions import SCORE_BINS
from groundup.corpus.report.charts import Line, bars, histogram
from groundup.corpus.report.markup import said, section
from groundup.corpus.report.quotes import limit_in_words

TITLES = {
    "masked": "masked personal data",
    "normalized": "what was normalized, in characters",
    "language": "language in the corpus",
}
"""Of histograms whose names say too little."""


def distributions_section(
    distributions: Mapping[str, Mapping[str, int]], thresholds: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return a figure for each distribution that says something.

    Args:
        distributions: name to bin to documents.
        thresholds: what scores were held against; drawn into their histograms.
    """
    figures = []
    for name, counts in sorted(distributions.items(), key=lambda item: item[0] not in thresholds):
        note = ""
        if name.startswith("length"):
            drawn = histogram(_length_bins(counts), "characters, each bar twice the one before")
        elif name in ("language", "masked", "normalized"):
            drawn = bars(counts, TITLES[name]) if set(counts) != {"unknown"} else ""
        else:
            bins = [(f"{n / SCORE_BINS:g}", counts.get(str(n), 0)) for n in range(SCORE_BINS)]
            line = None
            if limit := thresholds.get(name):
                place = limit["at"] * SCORE_BINS
                line = Line(place, limit_in_words(limit), limit["keeps"] == "above")
                note = f"<figcaption>{_near(bins, place)}</figcaption>"
            drawn = histogram(
                bins, "score; counts on a logarithmic scale", logarithmic=True, line=line
            )
        if drawn:
            title = said(TITLES.get(name, name))
            figures.append(f'<figure class="card"><h3>{title}</h3>{drawn}{note}</figure>')
    what = (
        "How many documents there are of each kind. A threshold in a valley costs little; one on a"
        " slope deserves a look at the examples on either side."
    )
    return section("Distributions", what, f'<div class="charts">{"".join(figures)}</div>')


def _near(bins: Sequence[tuple[str, int]], place: float) -> str:
    """Say how many documents a slightly different threshold would decide otherwise."""
    reach = SCORE_BINS // 10
    at = round(place)
    below = sum(count for _, count in bins[max(at - reach, 0) : at])
    above = sum(count for _, count in bins[at : at + reach])
    return f"Within 0.1 of the threshold: {below:,} below, {above:,} above."


def _length_bins(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return every bin from the first to the last that is used, by its least length."""
    used = sorted(map(int, counts))
    bins = range(used[0], used[-1] + 1) if used else range(0)
    return [(_short(1 << n >> 1), counts.get(str(n), 0)) for n in bins]


def _short(number: int) -> str:
    for unit, name in ((1 << 20, "M"), (1 << 10, "K")):
        if number >= unit:
            return f"{number // unit}{name}"
    return str(number)
