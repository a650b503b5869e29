"""Lines that many documents have: counted in every part, then dropped in every part.

Two passes over the documents that stay, because only the end of the first knows which lines recur.
Each works part by part, can be broken off and gone on with, and gives the same whatever the parts.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from groundup.corpus.blank import is_blank
from groundup.corpus.dedup import LinesConfig
from groundup.corpus.document import Document
from groundup.corpus.part import part_folder
from groundup.corpus.storage import DocumentWriter, document_files, read_files
from groundup.files import atomic_folder

BATCH = 256
"""Documents whose lines are looked at together."""

TABLE_ROWS = 1 << 21
"""Different lines that are counted in memory, 50 MB; a part that has more has several tables."""


def stays_path(folder: Path, number: int) -> Path:
    """Return where it is noted which documents of a part are still there."""
    return folder / "lines" / f"{number:05d}.stays.npy"


def tables_folder(folder: Path, number: int) -> Path:
    """Return where the lines of a part are counted, in one table or more."""
    return folder / "lines" / f"{number:05d}"


def lined_folder(folder: Path, number: int) -> Path:
    """Return where the documents of a part are without their recurring lines."""
    return folder / "lined" / f"{number:05d}"


def merged_path(folder: Path) -> Path:
    """Return where the lines that recur in the corpus are."""
    return folder / "lines" / "recurring.table"


def count_lines(
    folder: Path, number: int, config: LinesConfig, *, table_rows: int = TABLE_ROWS
) -> None:
    """Count the lines of a part's documents that are still there."""
    from groundup.corpus.dedup.lines import LineTable

    target = tables_folder(folder, number)
    if target.exists():
        return
    with atomic_folder(target) as new:
        tables: list[LineTable] = []
        num_rows = num_saved = 0
        for batch in _batches(folder, number):
            texts, ids = [d.text for _, d in batch], [d.id for _, d in batch]
            tables.append(LineTable.of(texts, ids, config))
            num_rows += len(tables[-1].rows)
            if num_rows < table_rows:
                continue
            tables = [LineTable.merge(tables)]  # most lines may be the same few
            num_rows = len(tables[0].rows)
            if num_rows >= table_rows // 2:
                tables[0].save(new / f"{num_saved:05d}.table")
                tables, num_rows, num_saved = [], 0, num_saved + 1
        LineTable.merge(tables).save(new / f"{num_saved:05d}.table")


def merge_tables(folder: Path, num_parts: int, config: LinesConfig) -> None:
    """Bring the counts of all parts together, as far as they matter."""
    from groundup.corpus.dedup.lines import LineTable, least_count

    if not merged_path(folder).exists():
        folders = [tables_folder(folder, number) for number in range(num_parts)]
        tables = [LineTable.load(path) for made in folders for path in sorted(made.iterdir())]
        LineTable.merge(tables, at_least=least_count(config)).save(merged_path(folder))


def drop_lines(folder: Path, number: int, config: LinesConfig) -> None:
    """Write a part's documents without the lines that recur; those left blank are left out.

    ``documents.npy`` has a row for each document of the part; the bytes of one that is left blank
    are 0.
    """
    from groundup.corpus.dedup.lines import LineDeduplicator, LineTable
    from groundup.corpus.dedup.store import parse_ids

    target = lined_folder(folder, number)
    if target.exists():
        return
    rewrite = LineDeduplicator(LineTable.load(merged_path(folder)), config)
    rows = np.load(part_folder(folder, number) / "documents.npy")
    with (
        atomic_folder(target) as new,
        DocumentWriter(new, "documents", compression="lz4") as writer,
    ):
        for batch in _batches(folder, number):
            texts, ids = [d.text for _, d in batch], [d.id for _, d in batch]
            for (place, document), (text, num_dropped) in zip(
                batch, rewrite(texts, ids), strict=True
            ):
                if num_dropped and is_blank(text):
                    rows["bytes"][place] = 0
                    continue
                changed = document.with_text(text) if num_dropped else document
                rows["id"][place] = parse_ids([changed.id])
                rows["bytes"][place] = len(text.encode())
                writer.write(changed)
        np.save(new / "documents.npy", rows)


def _batches(folder: Path, number: int) -> Iterator[list[tuple[int, Document]]]:
    """Yield a part's documents that are still there, with their places in it, some at a time."""
    stays = np.load(stays_path(folder, number))
    batch: list[tuple[int, Document]] = []
    for place, document in enumerate(read_files(document_files(part_folder(folder, number)))):
        if stays[place]:
            batch.append((place, document))
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
