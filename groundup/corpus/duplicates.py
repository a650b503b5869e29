"""Which documents are there already: equal ones, near ones, those of earlier crawls.

Documents are numbered through all parts, in the order of the corpus. What is decided here depends
on their ids and texts, and of equal ones on which came first; never on how parts were cut.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.sections import DedupConfig
from groundup.files import expand_user

Ids = NDArray[np.uint64]  # (D, 2)
Indices = NDArray[np.int64]  # (D,)


@dataclass(frozen=True, slots=True)
class Near:
    """What the comparison of signatures found."""

    labels: Indices
    """The cluster of each document, (D,): the number of its first document; negative where an
    earlier crawl has a document of it."""
    stays: NDArray[np.bool_]
    """(D,): one of each cluster, none of those with a document of an earlier crawl."""


def first_equal(ids: Ids) -> Indices:
    """Return for each document the number of the first whose text is equal: often its own.

    Texts are equal if their ids, 128 bits of a SHA-256, are. Takes 40 bytes a document.
    """
    order = np.lexsort((ids[:, 1], ids[:, 0]))  # stable: equal ones stay in order
    ordered = ids[order]
    begins = np.ones(len(ids), np.bool_)
    begins[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    firsts = np.empty(len(ids), np.int64)
    firsts[order] = order[begins][np.cumsum(begins) - 1]
    return firsts


def near_duplicates(
    parts: list[Path], rows: NDArray[np.void], firsts: Indices, config: DedupConfig
) -> Near:
    """Compare all documents by their signatures, which stay on disk, a band at a time.

    Args:
        parts: the parts' folders.
        rows: what is known of each document, (D,) of ``part.DOCUMENT``.
        firsts: what ``first_equal`` gives; only first ones can stay.
        config: what is a near-duplicate, and which one stays.

    Raises:
        UserError: the store of earlier signatures was made with other settings.
    """
    from groundup.corpus.dedup.clusters import near_duplicates, near_duplicates_of_old
    from groundup.corpus.dedup.keep import keepers
    from groundup.corpus.dedup.store import SignatureShard, SignatureStore

    near = config.near
    shards = [SignatureShard.load(part) for part in parts]
    if config.store is None:
        labels = near_duplicates(shards, near.min_similarity)
    else:
        old = SignatureStore(expand_user(config.store), near).load(but=config.crawl)
        labels, _ = near_duplicates_of_old(old, shards, near.min_similarity)
    rank = None
    match near.keep:
        case "longest":
            rank = rows["bytes"].astype(np.float64)
        case "best":
            rank = rows["score"].astype(np.float64)
        case "newest":
            rank = rows["date"]
    is_first = firsts == np.arange(len(rows))
    return Near(labels, keepers(np.where(is_first, labels, -1), rows["id"], rank))


def store_signatures(parts: list[Path], config: DedupConfig) -> None:
    """Add the signatures of all documents to the store, for the crawls that come after.

    Raises:
        UserError: the store has another crawl of this name.
    """
    from groundup.corpus.dedup.store import SignatureShard, SignatureStore

    assert config.store is not None
    shards: list[SignatureShard] = [SignatureShard.load(part) for part in parts]
    SignatureStore(expand_user(config.store), config.near).add(config.crawl, *shards)


def least_ids(labels: Indices, ids: Ids) -> NDArray[np.uint64]:
    """Return the first 64 bits of the least id in each document's cluster, (D,)."""
    _, clusters = np.unique(labels, return_inverse=True)
    least = np.full(clusters.max(initial=-1) + 1, np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(least, clusters, ids[:, 0])
    return least[clusters]


def twins(labels: Indices, stays: NDArray[np.bool_]) -> Indices:
    """Return for each document the one of its cluster that stays; -1 where there is none."""
    _, clusters = np.unique(labels, return_inverse=True)
    keeper = np.full(clusters.max(initial=-1) + 1, -1, np.int64)
    keeper[clusters[stays]] = np.flatnonzero(stays)
    return keeper[clusters]
