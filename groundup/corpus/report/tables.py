"""The funnel, the sources and the benchmarks, as tables."""

from collections.abc import Mapping
from typing import Any

from groundup.corpus.funnel import Count, Funnel, total
from groundup.corpus.report.markup import anchor, row, said, section, size, table

SHOWN_REASONS = 8
"""Reasons of a step that have a row; the others are added up in one more."""


def funnel_section(funnel: Funnel, examples: Mapping[str, Any]) -> str:
    """Return a row for each step, with what it left, and one for each reason it dropped for.

    Args:
        funnel: of the whole corpus.
        examples: labels of those on the page, to link to.
    """
    met = funnel.step(funnel.steps[0]).entered
    rows = [_row("step", "met", met, met)]
    for name in funnel.steps:
        flow = funnel.step(name)
        unchanged = flow.kept == flow.entered and not flow.edited
        rows.append(_row("step idle" if unchanged else "step", said(name), flow.kept, met))
        gone = [(reason, "", count) for reason, count in flow.dropped.items()]
        gone += [(reason, "error: ", count) for reason, count in flow.errors.items()]
        gone.sort(key=lambda found: (-found[2].documents, found[0]))
        shown_reasons = len(gone) if len(gone) == SHOWN_REASONS + 1 else SHOWN_REASONS
        for reason, kind, count in gone[:shown_reasons]:
            label = f"{name}: {reason}"
            shown = said(f"{kind}{reason}").replace("_", "_<wbr>")
            if label in examples:
                shown = f'<a href="#{anchor(label)}">{shown}</a>'
            rows.append(_row("reason", shown, count, met, "−"))
        if rest := gone[shown_reasons:]:
            other = total(count for _, _, count in rest)
            rows.append(_row("reason", f"{len(rest)} other reasons", other, met, "−"))
        if flow.repeated.documents:
            rows.append(_row("reason", "written again", flow.repeated, met, "+"))
        if flow.edited:
            cells = "edited", f"{flow.edited:,}", _signed(flow.growth), ""
            rows.append(row(cells, 0.0, "reason"))
    what = (
        "What each step left, and below it what it dropped, in documents and as a share of all that"
        " were met. A reason leads to examples of it."
    )
    columns = ("step", "documents", "text", "share", '<span class="hidden">drawn</span>')
    return section("Funnel", what, table(columns, rows))


def sources_section(result: Mapping[str, Any]) -> str:
    """Return what each source gave; nothing where there is but one."""
    if len(result["sources"]) < 2:
        return ""
    whole = sum(end["bytes"] for end in result["sources"].values()) or 1
    rows = []
    for source, end in result["sources"].items():
        met = result["funnel"][source][result["steps"][0]]["in"][0]
        share = end["bytes"] / whole
        numbers = f"{met:,}", f"{end['documents']:,}", size(end["bytes"]), f"{share:.1%}"
        rows.append(row((said(source), *numbers), share))
    columns = ("source", "met", "in the corpus", "text", "share")
    drawn = '<span class="hidden">drawn</span>'
    what = "What each of them gave to the corpus, and its share of the bytes."
    return section("Sources", what, table((*columns, drawn), rows))


def benchmarks_section(found: Mapping[str, Mapping[str, int]]) -> str:
    """Return how much of each evaluation set was met; nothing where none was looked for."""
    if not found:
        return ""
    rows = [
        row((said(name), *(f"{counts[key]:,}" for key in ("items", "found", "too_short"))))
        for name, counts in found.items()
    ]
    columns = ("benchmark", "items", "met", "too short to look for")
    what = "Items of evaluation sets that were met; documents with them were dropped."
    return section("Benchmarks", what, table(columns, rows))


def _row(kind: str, name: str, count: Count, met: Count, sign: str = "") -> str:
    share = count.documents / met.documents if met.documents else 0.0
    text = f"{sign}{size(count.bytes)}" if count.bytes else ""
    cells = (name, f"{sign}{count.documents:,}", text, f"{share:.1%}")
    return row(cells, share, kind)


def _signed(num_bytes: int) -> str:
    return f"{'+' if num_bytes >= 0 else '−'}{size(abs(num_bytes))}"
