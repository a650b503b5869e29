"""Documents to look at: clusters of near-duplicates, and examples of each fate."""

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from groundup.corpus.examples import MEMBER_CHARACTERS
from groundup.corpus.funnel import Funnel
from groundup.corpus.report.markup import anchor, said, section
from groundup.corpus.samples import EXCERPT_CHARACTERS

SHOWN_EXAMPLES = 5
"""Examples of each fate on the page; ``corpus.json`` has more."""

CONTEXT = 8
"""Words around a difference."""

OPENING = 70
"""Characters of a cluster's first document in its heading."""

Documents = Sequence[Mapping[str, Any]]


def clusters_section(clusters: Documents) -> str:
    """Return the largest clusters, each with what sets its documents apart from the first."""
    if not clusters:
        return ""
    shown = []
    for cluster in clusters:
        first, *others = cluster["members"]
        opening = " ".join(first["excerpt"].split())[:OPENING]
        quotes = [_quote(said(_cut(first["excerpt"])), _member(first))]
        quotes += [_quote(_marked(first["excerpt"], m["excerpt"]), _member(m)) for m in others]
        shown.append(
            f"<details><summary>{cluster['documents']:,} documents "
            f'<span class="soft">{said(opening)}…</span></summary>{"".join(quotes)}</details>'
        )
    what = (
        "The largest groups of near-duplicates. Of all but the first document those places are"
        " shown where it differs from the first; what is marked all over was joined wrongly."
    )
    return section("Clusters", what, f'<div class="card">{"".join(shown)}</div>')


def examples_section(
    samples: Mapping[str, Documents], funnel: Funnel, thresholds: Mapping[str, Mapping[str, Any]]
) -> str:
    """Return documents of each fate, in the order of the steps; what was kept comes first.

    Args:
        samples: label to examples.
        funnel: has the number of documents of each reason.
        thresholds: what measured scores were held against.
    """
    order = {step: place for place, step in enumerate(funnel.steps)}
    counts = {f"{step}: {reason}": count for step, reason, count, _ in funnel.reasons()}

    def place(label: str) -> tuple[int, int, str]:
        step = label.partition(": ")[0]
        return order.get(step, -1), -counts[label].documents if label in counts else 0, label

    shown = []
    for label in sorted(samples, key=place):
        step, _, reason = label.partition(": ")
        limit = next((t for name, t in thresholds.items() if name.startswith(step)), None)
        many = ""
        if label in counts:
            number = counts[label].documents
            many = f' <span class="soft">{number:,} document{"s" * (number != 1)}</span>'
        quotes = [
            _quote(said(_cut(e["excerpt"], e["characters"])), _example(e, reason, limit))
            for e in samples[label][:SHOWN_EXAMPLES]
        ]
        shown.append(
            f'<details id="{anchor(label)}"><summary>{said(label)}{many}</summary>'
            f"{''.join(quotes)}</details>"
        )
    what = (
        "Some of each fate, drawn by hash: always the same ones. Would you have decided so?"
        " <code>groundup corpus why RUN ID</code> tells the whole way of one."
    )
    return section("Examples", what, f'<div class="card">{"".join(shown)}</div>')


def limit_in_words(threshold: Mapping[str, Any]) -> str:
    """Return a threshold as "kept from 0.65" or "kept below 0.5"."""
    side = "from" if threshold["keeps"] == "above" else "below"
    return f"kept {side} {threshold['at']:.3g}"


def _example(example: Mapping[str, Any], reason: str, limit: Mapping[str, Any] | None) -> str:
    """Return where an example is from, and what it was judged by; markup."""
    notes = [example["source"], example["url"], f"{example['characters']:,} characters"]
    notes.append(f"id {example['id'][:12]}")
    shown = [said(note) for note in notes if note]
    measured = example.get("measured")
    if measured is not None:
        # what is surely in a language that is not allowed is not dropped for the threshold
        failed = limit and (measured < limit["at"]) == (limit["keeps"] == "above")
        against = f", {limit_in_words(limit)}" if limit and failed else ""
        shown.insert(0, f"<strong>measured {measured:.3f}</strong>{against}")
    if finding := example.get("finding"):
        shown.insert(0, f"<strong>{said(reason)}: {said(finding)}</strong>")
    return " · ".join(shown)


def _member(document: Mapping[str, Any]) -> str:
    fate = "" if document["stays"] else " · dropped"
    return f"{said(document['source'])}{fate}"


def _cut(text: str, whole: int | None = None) -> str:
    """Return the beginning of a text, with a sign where it goes on."""
    shown = text[:EXCERPT_CHARACTERS]
    return f"{shown}…" if (whole or len(text)) > len(shown) else shown


def _marked(first: str, other: str) -> str:
    """Return the places where a text differs from the first, as markup: what it has is marked."""
    words, before = re.findall(r"\s*\S+", other), first.split()
    # a word that is a hundredth of all begins no match: else hostile text takes a minute
    blocks = difflib.SequenceMatcher(None, before, other.split()).get_opcodes()
    if blocks and max(len(first), len(other)) >= MEMBER_CHARACTERS and blocks[-1][0] != "equal":
        blocks.pop()  # one of them is cut off, so that nothing is known of what follows
    if all(kind == "equal" for kind, *_ in blocks):
        return f"<em>the same words in {len(other):,} characters</em>"
    drawn = []
    for place, (kind, had, has, begin, end) in enumerate(blocks):
        text = "".join(words[begin:end])
        if kind == "equal":
            head = 0 if place == 0 else CONTEXT
            tail = 0 if place == len(blocks) - 1 else CONTEXT
            if end - begin > head + tail + 1:
                text = "".join(words[begin : begin + head]) + " … "
                text += "".join(words[end - tail : end]).lstrip()
            drawn.append(said(text))
        elif text:
            bare = text.lstrip()
            drawn.append(f"{said(text[: len(text) - len(bare)])}<mark>{said(bare)}</mark>")
        else:
            drawn.append(f" <mark>[{has - had} words less]</mark>")
        if sum(map(len, drawn)) > 2 * EXCERPT_CHARACTERS:
            drawn.append(" …")
            break
    return "".join(drawn).strip()


def _quote(text: str, origin: str) -> str:
    return f'<blockquote><p dir="auto">{text}</p><footer>{origin}</footer></blockquote>'
