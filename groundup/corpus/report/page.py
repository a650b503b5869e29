"""The page: what came in, what each step took out and why, and what the rest is like."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from groundup import __version__
from groundup.corpus.funnel import Funnel
from groundup.corpus.report.figures import distributions_section
from groundup.corpus.report.markup import said, size
from groundup.corpus.report.measures import measures_section
from groundup.corpus.report.quotes import clusters_section, examples_section
from groundup.corpus.report.tables import benchmarks_section, funnel_section, sources_section
from groundup.page import page


def report_page(summary: Mapping[str, Any]) -> str:
    """Return the page of a corpus; it needs nothing but a browser, no network either.

    Args:
        summary: what ``corpus.json`` holds.
    """
    result, thresholds = summary["result"], summary["thresholds"]
    funnel = Funnel.from_json(result["steps"], result["funnel"])
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    sections = [
        funnel_section(funnel, summary["samples"]),
        sources_section(result),
        benchmarks_section(result.get("benchmarks", {})),
        distributions_section(summary["distributions"], thresholds),
        measures_section(summary["measures"], summary["samples"]),
        clusters_section(summary["clusters"]),
        examples_section(summary["samples"], funnel, thresholds),
    ]
    sources = ", ".join(summary["config"]["sources"])
    body = [
        f"<header><h1>A corpus</h1><p>From {said(sources)}.</p>{_contents(sections)}</header>",
        "<main>",
        _numbers(result, funnel),
        *sections,
        "</main>",
        f"<footer>Made by groundup {__version__}.</footer>",
    ]
    return page("A corpus", body, style=style)


def _contents(sections: list[str]) -> str:
    """Return links to the sections that there are."""
    names = re.findall(r'^<section id="(\w+)"', "\n".join(sections), re.MULTILINE)
    links = " ".join(f'<a href="#{name}">{name.title()}</a>' for name in names)
    return f'<nav aria-label="Sections">{links}</nav>'


def _numbers(result: Mapping[str, Any], funnel: Funnel) -> str:
    met = funnel.step(funnel.steps[0]).entered
    kept = result["documents"] / met.documents if met.documents else 0.0
    figures = {
        "documents": f"{result['documents']:,}",
        "of text": size(result["bytes"]),
        "of what was met": f"{kept:.1%}",
        "held out": f"{result['validation']['documents']:,}",
        "files read": f"{result['files']:,}",
        "bytes read": size(result["bytes_read"]),
    }
    if replaced := result["replaced_characters"]:
        figures["undecoded characters"] = f"{replaced:,}"
    numbers = "".join(f"<div><dt>{k}</dt><dd>{v}</dd></div>" for k, v in figures.items())
    return f'<div class="card"><dl class="numbers">{numbers}</dl></div>'
