"""One part of the corpus: its files are read, and every step that looks at one document is run.

A part's folder holds, once it stands under its name, all that is known of the part:

    documents-00000.parquet, …   what is kept
    documents.npy                the same documents' ids, sizes and ranks (``DOCUMENT``)
    ids.npy, band_keys.npy, …    their signatures, where near-duplicates are looked for
    ledger.parquet               every record that was met
    account.json                 counts, examples, histograms
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.account import Account
from groundup.corpus.arrays import ArrayWriter, write_transposed
from groundup.corpus.document import Document
from groundup.corpus.ledger import Entry, LedgerWriter
from groundup.corpus.parts import Plan
from groundup.corpus.readers import BadRow
from groundup.corpus.record import Record
from groundup.corpus.sources import SourceFile, place, read_file
from groundup.corpus.steps import READ, Decontaminate, Extract, Filters, Step, make_steps
from groundup.corpus.storage import DocumentWriter
from groundup.files import atomic_folder, write_json

if TYPE_CHECKING:
    from groundup.corpus.dedup.minhash import MinHasher

BATCH_RECORDS = 256
BATCH_BYTES = 4 << 20
"""A batch, what a step is given at a time, ends at either, counted as text is when it is read."""

DOCUMENT = np.dtype(
    [
        ("id", np.uint64, 2),
        ("bytes", np.int64),
        ("origin", np.int32),  # number of the source
        ("score", np.float32),  # quality; NaN: not judged
        ("date", np.float64),  # seconds since 1970; NaN: unknown
    ]
)
"""What the steps that compare documents know of each: 40 bytes."""

SEEN = "contamination.npy"
"""Which n-grams of the benchmarks were met in a part, bool (n-grams,) or (0,)."""

KEYS = "keys.npy"
"""The band keys (documents, bands), until all are known and can be written a band in a piece."""

Item = tuple[Record | BadRow, SourceFile]


def part_folder(folder: Path, number: int) -> Path:
    """Return where a part is made."""
    return folder / "parts" / f"{number:05d}"


def read_account(part: Path) -> Account:
    """Return the counts of a part that is made."""
    return Account.from_json(json.loads((part / "account.json").read_text(encoding="utf-8")))


class PartMaker:
    """Makes parts; holds what the steps need, so that it is loaded once.

    Args:
        plan: the configuration, and the files of each part.
        folder: where parts are made.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self._steps = make_steps(plan.config)
        self._hasher = None
        if plan.config.dedup.near_duplicates != "off":
            from groundup.corpus.dedup.minhash import MinHasher

            self._hasher = MinHasher(plan.config.dedup.near.minhash)

    def make(self, number: int, moved: Callable[[int], None] = lambda _: None) -> None:
        """Make a part, unless it is there: whole or not at all.

        Args:
            number: place of the part in the plan.
            moved: told how many bytes of its files have been read.

        Raises:
            UserError: a file that the user named cannot be read.
            OSError: the system cannot read a file or write the part.
        """
        target = part_folder(self.folder, number)
        if target.exists():
            return
        account = Account.empty([READ, *(step.name for step in self._steps)])
        try:
            with atomic_folder(target) as folder:
                with _Part(folder, self.plan, self._steps, account, self._hasher) as part:
                    for origin, items in _batches(self.plan, number, account, moved):
                        part.add(origin, items)
                write_json(folder / "account.json", account.to_json())
        finally:
            for step in self._steps:
                if isinstance(step.run, Extract):
                    step.run.close()


class _Part:
    """A part that is being made: batches go in, files come out."""

    def __init__(
        self,
        folder: Path,
        plan: Plan,
        steps: Sequence[Step],
        account: Account,
        hasher: "MinHasher | None",
    ) -> None:
        self._folder, self._plan, self._steps = folder, plan, steps
        self._account, self._hasher = account, hasher
        self._writes_signatures = plan.config.dedup.near.min_similarity is not None

    def __enter__(self) -> Self:
        folder, hasher = self._folder, self._hasher
        with ExitStack() as stack:
            enter = stack.enter_context
            self._ledger = enter(LedgerWriter(folder / "ledger.parquet"))
            self._documents = enter(DocumentWriter(folder, "documents", compression="lz4"))
            self._rows = enter(ArrayWriter(folder / "documents.npy", DOCUMENT))
            if hasher is not None:
                bands, hashes = hasher.config.bands, hasher.config.num_hashes
                self._ids = enter(ArrayWriter(folder / "ids.npy", np.uint64, (2,)))
                self._keys = enter(ArrayWriter(folder / KEYS, np.uint64, (bands,)))
                if self._writes_signatures:
                    path = folder / "signatures.npy"
                    self._signatures = enter(ArrayWriter(path, np.uint64, (hashes,)))
            self._open = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, traceback)
        if kind is not None:
            return
        for step in self._steps:
            if isinstance(step.run, Decontaminate):
                np.save(self._folder / SEEN, step.run.take_seen())
        if self._hasher is not None:
            write_transposed(self._folder / KEYS, self._folder / "band_keys.npy")
            (self._folder / KEYS).unlink()

    def add(self, origin: int, items: Sequence[Item]) -> None:
        """Run the steps on some rows of one source, and write what they leave."""
        source = self._plan.config.sources[origin]
        entries = [_entry(item, file, origin) for item, file in items]
        by_record = {id(item): entry for (item, _), entry in zip(items, entries, strict=True)}
        kept = self._read(source, [item for item, _ in items], entries)
        for step in self._steps:
            kept = self._run(step, source, kept, by_record)
        documents = [Document.of(r.text, r.source, url=r.url, language=r.language) for r in kept]
        for record, document in zip(kept, documents, strict=True):
            self._documents.write(document, record.size)
            entry = by_record[id(record)]
            entry.id, entry.trail = document.id, "; ".join(record.trail)
        for (item, _), entry in zip(items, entries, strict=True):
            self._ledger.write(entry)
            if isinstance(item, Record):
                for name, score in item.scores.items():
                    self._account.distributions.add_score(name, score)
                for name, counts in item.counts.items():
                    self._account.distributions.add_counts(name, counts)
        rows = _rows(kept, documents, origin)
        self._rows.write(rows)
        if self._hasher is not None:
            signatures = self._hasher.signatures([record.text for record in kept])
            self._ids.write(rows["id"])
            self._keys.write(self._hasher.keys_of(signatures))
            if self._writes_signatures:
                self._signatures.write(signatures)

    def _read(
        self, source: str, items: Sequence[Record | BadRow], entries: Sequence[Entry]
    ) -> list[Record]:
        """Account for the rows as they were read; return those that hold text."""
        flow = self._account.funnel.flow(source, READ)
        records = []
        for item, entry in zip(items, entries, strict=True):
            if isinstance(item, BadRow):
                flow.entered.add(0)
                flow.drop(item.reason, 0, error=not item.skipped)
                entry.step, entry.reason = READ, item.reason
            else:
                flow.entered.add(item.size)
                flow.keep(item.size, item.size, edited=False)
                self._account.distributions.add_length("length as read", len(item.text))
                if item.replaced:
                    item.trail.append(f"{READ}: {item.replaced:,} characters could not be decoded")
                records.append(item)
        return records

    def _run(
        self, step: Step, source: str, records: list[Record], entries: dict[int, Entry]
    ) -> list[Record]:
        """Run one step, account for what it does, and return the records that stay."""
        flow = self._account.funnel.flow(source, step.name)
        before = [(record.text, record.size) for record in records]
        flow.entered.add(sum(size for _, size in before), len(before))
        kept = []
        verdicts = step.run(records) if records else []
        if records and isinstance(step.run, Filters):
            self._account.measures.merge(step.run.measures)
        for record, (text, size), reason in zip(records, before, verdicts, strict=True):
            if reason is None:
                edited = record.text is not text and record.text != text
                flow.keep(size, record.size, edited=edited)
                if edited:
                    record.trail.append(f"{step.name}: {size:,} → {record.size:,} bytes")
                kept.append(record)
                continue
            flow.drop(reason, size, error=reason in step.errors)
            entry = entries[id(record)]
            entry.step, entry.reason = step.name, reason
            measured = record.measured(step.name)
            finding = record.finding or (f"{measured:.3f}" if measured is not None else None)
            if finding:
                record.trail.append(f"{step.name}: measured {finding}")
            entry.trail = "; ".join(record.trail)
            entry.id = Document.of(text, record.source).id
            label = f"{step.name}: {reason}"
            self._account.samples.offer(
                label, entry.id, record.source, record.url, text, measured, record.finding
            )
        return kept


def _batches(
    plan: Plan, number: int, account: Account, moved: Callable[[int], None]
) -> Iterator[tuple[int, list[Item]]]:
    """Yield the rows of a part's files, some at a time, with the number of their source."""
    batch: list[Item] = []
    size = 0
    current = 0
    for origin, file in plan.parts[number]:
        if batch and origin != current:
            yield current, batch
            batch, size = [], 0
        current = origin
        done = account.tally.bytes_read

        def moved_here(at: int, done: int = done) -> None:
            moved(done + at)

        rows = read_file(file, plan.config, account.tally, moved_here)
        for row in rows:
            batch.append((row, file))
            size += 0 if isinstance(row, BadRow) else row.size
            if len(batch) >= BATCH_RECORDS or size >= BATCH_BYTES:
                yield current, batch
                batch, size = [], 0
    if batch:
        yield current, batch


def _entry(item: Record | BadRow, file: SourceFile, origin: int) -> Entry:
    if isinstance(item, BadRow):
        return Entry(place(file, item.number), None, None, origin, 0, "", offset=item.offset)
    return Entry(item.source, None, item.url, origin, item.size, "", offset=item.offset)


def _rows(
    records: Sequence[Record], documents: Sequence[Document], origin: int
) -> NDArray[np.void]:
    """Return what is known of some documents, (D,) of DOCUMENT."""
    from groundup.corpus.dedup.store import parse_ids

    rows = np.empty(len(records), DOCUMENT)
    rows["id"] = parse_ids([document.id for document in documents])
    rows["bytes"] = [record.size for record in records]
    rows["origin"] = origin
    rows["score"] = [np.nan if record.score is None else record.score for record in records]
    rows["date"] = [_seconds(record.date) for record in records]
    return rows


def _seconds(date: str | None) -> float:
    """Return an ISO 8601 date as seconds since 1970; NaN where there is none that can be read."""
    try:
        return datetime.fromisoformat(date).timestamp() if date else np.nan
    except (ValueError, OverflowError):
        return np.nan
