"""The funnel in the terminal: what entered, what each step dropped and why, what is left."""

from typing import Any

from rich.table import Table

from groundup.corpus.funnel import Count, Funnel

SHOWN_REASONS = 6
"""Reasons of a step that are listed; the others are added up."""


def funnel_table(result: dict[str, Any]) -> Table:
    """Return the funnel of a corpus' result, over all sources: a row per step and per reason.

    Shares are of the documents that were read. A step that drops and edits nothing is one row.
    """
    funnel = Funnel.from_json(result["steps"], result["funnel"])
    whole = funnel.step(funnel.steps[0]).entered.documents or 1
    table = Table(title="funnel", title_justify="left", caption_justify="left")
    if replaced := result["replaced_characters"]:
        table.caption = (
            f"{replaced:,} characters of {result['replaced_texts']:,} texts could not be decoded"
        )
    table.add_column("step", overflow="fold")
    for name in ("documents", "MB", "share"):
        table.add_column(name, justify="right")

    def row(name: str, count: Count, style: str = "", sign: str = "") -> None:
        share = f"{count.documents / whole:.1%}"
        numbers = f"{sign}{count.documents:,}", f"{sign}{count.bytes / 1e6:,.2f}", share
        table.add_row(name, *numbers, style=style)

    for name in funnel.steps:
        flow = funnel.step(name)
        if name == funnel.steps[0]:
            row("met", flow.entered)
        row(name, flow.kept, "bold")
        gone = [(count, reason) for reason, count in flow.dropped.items()]
        gone += [(count, f"error: {reason}") for reason, count in flow.errors.items()]
        gone.sort(key=lambda found: (-found[0].documents, found[1]))
        for count, reason in gone[:SHOWN_REASONS]:
            row(f"  {reason}", count, "dim", "-")
        if rest := gone[SHOWN_REASONS:]:
            other = Count()
            for count, _ in rest:
                other += count
            row(f"  {len(rest)} other reasons", other, "dim", "-")
        if flow.repeated.documents:
            row("  written again", flow.repeated, "dim", "+")
        if flow.edited:
            growth = f"{flow.growth / 1e6:+,.2f}"
            table.add_row(
                "  edited", f"{flow.edited:,}", growth, f"{flow.edited / whole:.1%}", style="dim"
            )
    return table


def sources_table(result: dict[str, Any]) -> Table:
    """Return what each source gave, and its share of the corpus in bytes."""
    table = Table(title="sources", title_justify="left")
    table.add_column("source", overflow="fold")
    for name in ("met", "documents", "MB", "share"):
        table.add_column(name, justify="right")
    ends = result["sources"]
    whole = sum(end["bytes"] for end in ends.values()) or 1
    for source, end in ends.items():
        met = result["funnel"][source][result["steps"][0]]["in"][0]
        numbers = f"{met:,}", f"{end['documents']:,}", f"{end['bytes'] / 1e6:,.2f}"
        table.add_row(source, *numbers, f"{end['bytes'] / whole:.1%}")
    return table
