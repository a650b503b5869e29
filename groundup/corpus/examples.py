"""Documents to look at: some of each fate that comparing brings, and the largest clusters."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from groundup.corpus.compare import Compared, Shelf
from groundup.corpus.document import Document
from groundup.corpus.samples import Samples
from groundup.corpus.storage import document_files

KEPT = "kept"
"""The label of examples that are in the corpus."""

CLUSTERS, MEMBERS = 10, 4
"""Clusters of near-duplicates that are shown, the largest, and documents of each."""

MEMBER_CHARACTERS = 3000
"""How much of them is compared: near-duplicates often differ far from where they begin."""


def add_examples(samples: Samples, compared: Compared) -> None:
    """Add some documents that were kept, and some of each reason that comparing them brought."""
    fates = compared.fates
    for number, (step, reason) in enumerate(fates.ends):
        label = f"{step}: {reason}" if step else KEPT
        least = _least(np.flatnonzero(fates.end == number), compared.original, samples.size)
        for _, document in fetch(compared.made, least):
            samples.offer(label, document.id, document.source, document.url, document.text)


def largest_clusters(compared: Compared) -> list[dict[str, Any]]:
    """Return the clusters with most documents: how many, and the beginnings of some."""
    if compared.clusters is None:
        return []
    labels, counts = np.unique(compared.clusters, return_counts=True)
    order = np.lexsort((labels, -counts))[:CLUSTERS]
    found = []
    for label, count in zip(labels[order], counts[order], strict=True):
        if count > 1:
            members = np.flatnonzero(compared.clusters == label)[:MEMBERS]
            shown = [
                {
                    "source": d.source,
                    "id": d.id,
                    "excerpt": d.text[:MEMBER_CHARACTERS],
                    "stays": bool(compared.fates.stays[number]),
                }
                for number, d in fetch(compared.made, members)
            ]
            found.append({"documents": int(count), "members": shown})
    return found


def fetch(shelves: Sequence[Shelf], numbers: NDArray[np.int64]) -> Iterator[tuple[int, Document]]:
    """Yield documents by their rising numbers; only the row groups that hold them are read."""
    for shelf in shelves:
        places = np.flatnonzero(np.isin(shelf.numbers, numbers, assume_unique=True))
        if not len(places):
            continue
        begin = 0
        for path in document_files(shelf.folder):
            with pq.ParquetFile(path) as file:
                for group in range(file.num_row_groups):
                    end = begin + file.metadata.row_group(group).num_rows
                    here = places[(places >= begin) & (places < end)]
                    if len(here):
                        table = file.read_row_group(group).take(here - begin)
                        for place, row in zip(here, table.to_pylist(), strict=True):
                            yield int(shelf.numbers[place]), Document(**row)
                    begin = end


def _least(numbers: NDArray[np.int64], rows: NDArray[np.void], size: int) -> NDArray[np.int64]:
    """Return the ``size`` documents with the least second halves of their ids, in rising order."""
    order = np.argsort(rows["id"][numbers, 1], kind="stable")[:size]
    return np.sort(numbers[order])
