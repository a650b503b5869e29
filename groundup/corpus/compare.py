"""The steps that need all documents at once: duplicates, recurring lines, the mix, the split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.config import CorpusConfig
from groundup.corpus.duplicates import first_equal, least_ids, near_duplicates, twins
from groundup.corpus.fates import Fates
from groundup.corpus.funnel import Funnel
from groundup.corpus.lines import lined_folder, merge_tables, stays_path
from groundup.corpus.mix import copies_of, epochs_of
from groundup.corpus.part import DOCUMENT, part_folder
from groundup.corpus.split import How, choose, held_out

EQUAL, NEAR, LINES, MIX = "exact duplicates", "near-duplicates", "recurring lines", "mix"
"""The steps' names in the funnel."""


@dataclass(frozen=True)
class Shelf:
    """Where the documents of one part lie, and which they are."""

    folder: Path
    numbers: NDArray[np.int64]
    """Their numbers among all documents, in the order of the files."""


@dataclass(frozen=True)
class Compared:
    """What is to be written, and what not."""

    fates: Fates
    how: How
    made: list[Shelf]
    """The documents as they came out of the parts."""
    final: list[Shelf]
    """The documents as they are to be written; perhaps not all that were made."""
    clusters: NDArray[np.int64] | None
    """For each document the first of its cluster of near-duplicates, negative with an old one."""
    original: NDArray[np.void]
    """What was known of each document when the parts were made, (D,) of DOCUMENT."""


def compare(
    config: CorpusConfig,
    folder: Path,
    num_parts: int,
    funnel: Funnel,
    run: Callable[[Sequence[str]], None],
) -> Compared:
    """Decide of every document whether it stays, on which side, and how often it is written.

    Args:
        config: what the user wants.
        folder: where the parts are.
        num_parts: how many there are.
        funnel: accounts for the steps.
        run: does tasks of workers.
    """
    parts = [part_folder(folder, number) for number in range(num_parts)]
    original, made = _gather(parts)
    fates = Fates(original, config.sources, funnel)

    firsts = first_equal(original["id"])
    again = firsts != np.arange(len(firsts))
    fates.step(EQUAL, {"equal text": again}, twin=firsts)
    clusters, least = None, original["id"][:, 0]
    if config.dedup.near_duplicates != "off":
        near = near_duplicates(parts, original, firsts, config.dedup)
        clusters, least = near.labels, least_ids(near.labels, original["id"])
        if config.dedup.near_duplicates == "drop":
            gone = {"in an earlier crawl": clusters < 0, "near-duplicate": ~near.stays}
            fates.step(NEAR, gone, twin=twins(clusters, near.stays))
    final = made
    if config.dedup.repeated_lines:
        final = _drop_lines(config, folder, made, fates, run)

    aside = held_out(least, config.validation_fraction)
    fates.aside = aside & fates.stays
    if config.mix.weights or config.mix.epochs:
        _mix(config, fates)
    how = choose(config.split, fates.aside[fates.stays])
    if how == "tail":
        fates.aside[:] = False
    fates.copies[fates.aside] = np.minimum(fates.copies[fates.aside], 1)
    return Compared(fates, how, made, final, clusters, original)


def _gather(parts: Sequence[Path]) -> tuple[NDArray[np.void], list[Shelf]]:
    """Return what is known of all documents, (D,) of DOCUMENT, and where they are."""
    rows = [np.load(part / "documents.npy") for part in parts]
    ends = np.cumsum([len(these) for these in rows])
    shelves = [
        Shelf(part, np.arange(end - len(these), end))
        for part, these, end in zip(parts, rows, ends, strict=True)
    ]
    return np.concatenate([np.empty(0, DOCUMENT), *rows]), shelves


def _drop_lines(
    config: CorpusConfig,
    folder: Path,
    made: Sequence[Shelf],
    fates: Fates,
    run: Callable[[Sequence[str]], None],
) -> list[Shelf]:
    """Drop recurring lines from the documents that are still there; return where these are now."""
    (folder / "lines").mkdir(exist_ok=True)
    for number, shelf in enumerate(made):
        np.save(stays_path(folder, number), fates.stays[shelf.numbers])
    run([f"count-lines {number}" for number in range(len(made))])
    merge_tables(folder, len(made), config.dedup.lines)
    run([f"drop-lines {number}" for number in range(len(made))])
    folders = [lined_folder(folder, number) for number in range(len(made))]
    rows = np.concatenate([np.load(lined / "documents.npy") for lined in folders])
    blank = fates.stays & (rows["bytes"] == 0)
    left = np.flatnonzero(fates.stays & ~blank)
    firsts = np.arange(len(rows))
    firsts[left] = left[first_equal(rows["id"][left])]
    again = firsts != np.arange(len(rows))
    shelves = [
        Shelf(lined, shelf.numbers[(fates.stays & ~blank)[shelf.numbers]])
        for lined, shelf in zip(folders, made, strict=True)
    ]
    gone = {"blank": blank, "equal text": again}
    # what is dropped keeps the id and size that it came with
    rows = np.where(blank, fates.rows, rows)
    fates.step(LINES, gone, twin=firsts, rows=rows)
    return shelves


def _mix(config: CorpusConfig, fates: Fates) -> None:
    origins, sizes = fates.rows["origin"], np.where(fates.stays, fates.rows["bytes"], 0)
    num_bytes = np.zeros(len(config.sources), np.int64)
    np.add.at(num_bytes, origins, sizes)
    epochs = epochs_of(list(config.sources), num_bytes, config.mix)
    fates.copies = copies_of(fates.rows["id"], origins, sizes, epochs, config.mix.seed)
    fates.step(MIX, {"not drawn": fates.copies == 0})
    fates.aside &= fates.stays
