"""What became of a document, step by step: the ledger, read for a person."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from groundup.corpus.ledger import Entry, Matches, find_entries
from groundup.corpus.summary import SUMMARY, read_summary
from groundup.corpus.write import LEDGER
from groundup.errors import UsageError, UserError

MAX_FOUND = 20
"""Documents that are told of, where several match."""

MAX_ALIKE = 5
"""Documents like one of them that are named."""

ID_PREFIX = re.compile(r"[0-9a-f]{4,32}")
"""The digits of an id that are enough to look for it."""

Alike = dict[str, list[Entry]]
"""Id → the entries that have it, or have it as their twin: some of them, each once."""


@dataclass(frozen=True)
class Story:
    """A document's way through the corpus."""

    entry: Entry
    steps: list[tuple[str, str]]
    """Step, and what it did with the document; the last is where it ended."""
    alike: list[str] = field(default_factory=list)
    """The sources of documents that were dropped for it, or are near-duplicates beside it."""


def why(folder: Path, document: str) -> tuple[list[Story], int]:
    """Tell the fate of the documents that a name means.

    Args:
        folder: of a finished corpus, or of the run that has it.
        document: an id or its first four digits or more, a source (``stories.jsonl:7``; folders
            before it may be there or not) or an address.

    Returns:
        The stories of the first twenty documents, and how many there are.

    Raises:
        UsageError: ``document`` is empty.
        UserError: there is no finished corpus, or no such document in its ledger.
    """
    if not document.strip():
        raise UsageError(
            "which document? Give an id, a source such as stories.jsonl:7 or an address"
        )
    folder, summary = _open(folder)
    ledger, wanted = folder / LEDGER, document.strip()
    entries, count = find_entries(ledger, _named(wanted), MAX_FOUND)
    if not count and (source := _source_of_piece(folder, wanted)):
        entries, count = find_entries(ledger, _named(source), MAX_FOUND)
    if not count:
        raise UserError(_unknown(ledger, wanted))
    alike = _alike(ledger, entries)
    steps = summary["result"]["steps"]
    return [_story(entry, steps, alike) for entry in entries], count


def _open(folder: Path) -> tuple[Path, dict[str, Any]]:
    """Return the folder of the corpus and its summary, or say what is there instead."""
    if folder.is_file():
        raise UserError(f"{folder} is a file; name the folder of a run, such as runs/web")
    if not folder.is_dir():
        raise UserError(f"{folder}: there is no such folder; name that of a run, such as runs/web")
    corpus = folder / "corpus" if (folder / "corpus").is_dir() else folder
    summary = read_summary(corpus)
    if summary is not None and (corpus / LEDGER).exists():
        return corpus, summary
    if any(folder.glob("corpus.partial-*")):
        raise UserError(
            f"the corpus of {folder} is not finished; groundup corpus RECIPE goes on with it"
        )
    if (corpus / SUMMARY).exists():
        raise UserError(f"{corpus} is damaged; remove it and run groundup corpus RECIPE again")
    raise UserError(f"{folder} holds no finished corpus; build it with groundup corpus RECIPE")


def _named(wanted: str) -> Matches:
    """Return what finds entries by source, address or the beginning of an id."""
    parts = Path(wanted).parts
    sources = pa.array({wanted, *("/".join(parts[at:]) for at in range(len(parts)))})
    bare = wanted.partition("#")[0].rstrip("/")
    pages = pa.array(
        {
            wanted,
            *(
                f"{scheme}{bare}{end}"
                for scheme in ("", "http://", "https://")
                for end in ("", "/")
            ),
        }
    )

    def matches(table: pa.Table) -> pa.ChunkedArray:
        found = pc.or_(
            pc.is_in(table["source"], sources), pc.ends_with(table["source"], f"/{wanted}")
        )
        found = pc.or_(found, pc.is_in(table["url"], pages))
        if ID_PREFIX.fullmatch(wanted.lower()):
            is_id = pc.fill_null(pc.starts_with(table["id"], wanted.lower()), False)
            found = pc.or_(found, is_id)
        return found

    return matches


def _unknown(ledger: Path, wanted: str) -> str:
    """Say that a document was not met, and what to give in its place."""
    _, records = find_entries(
        ledger, lambda table: pc.starts_with(table["source"], f"{wanted}:"), 0
    )
    if records:
        return f"{wanted} has {records:,} records; name one by its number, as {wanted}:1"
    return (
        f"{wanted}: no such document was met; give an id (four digits or more), a source such as"
        " stories.jsonl:7, or a page's whole address"
    )


def _alike(ledger: Path, entries: list[Entry]) -> Alike:
    """Find the documents that stay in place of these, those dropped for them, and those like them.

    Of equal ones, the one that others were dropped for comes first.
    """
    ids = {i for entry in entries for i in (entry.id, entry.twin) if i}
    if not ids:
        return {}
    wanted = pa.array(sorted(ids))
    found, _ = find_entries(
        ledger,
        lambda table: pc.or_(pc.is_in(table["id"], wanted), pc.is_in(table["twin"], wanted)),
        MAX_FOUND * 100,
    )
    alike: Alike = {}
    for entry in sorted(found, key=lambda entry: entry.twin is not None and entry.twin == entry.id):
        for id_ in {entry.id, entry.twin} & ids:
            assert id_ is not None
            alike.setdefault(id_, []).append(entry)
    return alike


def _story(entry: Entry, names: list[str], alike: Alike) -> Story:
    """Return what each step did, from the first to the one where the document ended."""
    notes = dict(part.split(": ", 1) for part in entry.trail.split("; ") if part)
    at = "" if entry.offset is None else f" at byte {entry.offset:,} of the file"
    told: list[tuple[str, str]] = []
    for name in names:
        if name == entry.step:
            measured = f" ({notes[name]})" if name in notes else ""
            measured = measured if told else at
            told.append((name, f"dropped: {entry.reason}{measured}{_in_place(entry, alike)}"))
            return Story(entry, told)
        text = notes.get(name, "kept")
        if name == names[0]:
            text = ", ".join([f"{entry.bytes_read:,} bytes{at}", *filter(None, [notes.get(name)])])
        told.append((name, text))
    times = "" if entry.copies == 1 else f", written {entry.copies} times"
    told.append(("corpus", f"in {entry.split}{times}"))
    others = {
        other.source: other
        for id_ in (entry.id, entry.twin)
        for other in alike.get(id_ or "", ())
        if other.source != entry.source
    }
    return Story(entry, told, [_called(other) for other in others.values()])


def _in_place(entry: Entry, alike: Alike) -> str:
    """Say which document stays where this one was dropped."""
    if entry.twin is None:
        return ""
    for other in alike.get(entry.twin, ()):
        if other.id == entry.twin and other.source != entry.source:
            end = f", which {other.step} dropped in turn" if other.step else " stays"
            return f"; {other.source} ({entry.twin}){end}"
    return f"; {entry.twin} stays"


def _called(entry: Entry) -> str:
    fate = f"dropped: {entry.reason}" if entry.step else f"in {entry.split}"
    return f"{entry.source}, {fate}"


def _source_of_piece(folder: Path, wanted: str) -> str | None:
    """Return the source of the piece of a cut document that has this id."""
    if not ID_PREFIX.fullmatch(wanted.lower()):
        return None
    for path in sorted((*folder.glob("train-*.parquet"), *folder.glob("validation-*.parquet"))):
        table = pq.read_table(path, columns=["id", "source"])
        found = table.filter(pc.starts_with(table["id"], wanted.lower()))
        if found.num_rows:
            source: str = found["source"][0].as_py()
            return source
    return None
