"""The pieces of markup that every section is made of."""

import hashlib
from collections.abc import Iterable
from html import escape

from groundup.corpus.report.charts import share_bar
from groundup.errors import printable


def said(text: str) -> str:
    """Return text as it may stand in a page: no markup and no control characters."""
    return escape(printable(text))


def section(title: str, what: str, content: str) -> str:
    """Return a section with a heading that can be linked to."""
    name = title.lower()
    return (
        f'<section id="{name}" aria-labelledby="h-{name}"><h2 id="h-{name}">{title}</h2>'
        f'<p class="soft">{what}</p>{content}</section>'
    )


def table(columns: Iterable[str], rows: Iterable[str]) -> str:
    """Return a table; its columns' names are markup, and so are the rows."""
    head = "".join(f'<th scope="col">{column}</th>' for column in columns)
    return (
        f'<div class="card scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def row(cells: Iterable[str], share: float | None = None, kind: str = "") -> str:
    """Return a row of markup: the first cell names it, a bar for ``share`` stands in the last."""
    first, *others = cells
    drawn = "" if share is None else f'<td class="bar-cell">{share_bar(share)}</td>'
    marked = f' class="{kind}"' if kind else ""
    inner = "".join(f"<td>{cell}</td>" for cell in others)
    return f'<tr{marked}><th scope="row">{first}</th>{inner}{drawn}</tr>'


def size(num_bytes: int) -> str:
    """Return bytes as a person reads them."""
    for unit, name in ((1e9, "GB"), (1e6, "MB")):
        if num_bytes >= unit:
            return f"{num_bytes / unit:,.2f} {name}"
    return f"{num_bytes / 1e3:,.0f} kB" if num_bytes >= 10_000 else f"{num_bytes:,} B"


def anchor(label: str) -> str:
    """Return a name to link to that no label can spell."""
    return "e-" + hashlib.blake2b(label.encode(), digest_size=6).hexdigest()
