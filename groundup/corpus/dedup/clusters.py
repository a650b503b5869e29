"""Keys → clusters of near-duplicates: sort each band, join what shares a key.

Documents and the pairs that agree in a band are a graph; a cluster is one of its connected parts.
Those are the same in whatever order the documents come and however they are cut into shards.

In memory are 32 bytes a document (parents, one band's keys, their order, and room to sort), 40
where similarity is verified: 1 GB holds 25 million documents. Keys and signatures may be on disk.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.dedup.minhash import NO_KEY
from groundup.corpus.dedup.store import SignatureShard
from groundup.kernels import kernel
from groundup.kernels.memory import load_u64

Labels = NDArray[np.int64]  # (D,)


def near_duplicates(
    shards: Sequence[SignatureShard], min_similarity: float | None = None
) -> Labels:
    """Return each document's cluster, (D,): the index of the first document in it.

    Joined are documents with equal ids, and those that agree in a band. A document without n-grams
    has only its equals.

    Args:
        shards: documents are numbered through them.
        min_similarity: share of the values of two signatures that must be equal as well. The shards
            must have signatures then. Every pair of a band is looked at that is not yet joined
            otherwise, so that the result is exact, but a large group that agrees by chance in a
            band and in nothing else takes time with its square.

    Raises:
        ValueError: shards have no signatures where ``min_similarity`` needs them, or different
            numbers of bands.
    """
    num_documents = sum(len(shard) for shard in shards)
    parents = np.arange(num_documents, dtype=np.int64)
    if num_documents == 0:
        return parents
    _join_equal_ids(shards, parents)
    num_hashes, rows = 0, np.zeros(1, np.int64)
    if min_similarity is not None:
        num_hashes, rows = _signature_addresses(shards)
    least_equal = np.int64(np.ceil((min_similarity or 0) * num_hashes - 1e-9))
    if len({len(shard.band_keys) for shard in shards}) > 1:
        raise ValueError("shards have different numbers of bands; sign them all with one config")
    for band in range(len(shards[0].band_keys)):
        keys = np.concatenate([shard.band_keys[band] for shard in shards])
        order = np.argsort(keys)
        _join_runs(keys, order, parents, rows, np.int64(num_hashes), least_equal)
    _flatten(parents)
    return parents


def near_duplicates_of_old(
    old: Sequence[SignatureShard],
    new: Sequence[SignatureShard],
    min_similarity: float | None = None,
) -> tuple[Labels, NDArray[np.bool_]]:
    """Return the clusters of new documents, (D,), and whether an old one is in each, bool (D,).

    The same as if all were compared at once: a new document that is like a new one that is like an
    old one is in the old one's cluster. Nothing is said of the old ones, which stay as they are.
    Labels of clusters with old documents are negative, the others index the new documents.
    """
    num_old = sum(len(shard) for shard in old)
    labels = near_duplicates([*old, *new], min_similarity)[num_old:] - num_old
    return labels, labels < 0


def _join_equal_ids(shards: Sequence[SignatureShard], parents: Labels) -> None:
    first, second = (np.concatenate([shard.ids[:, half] for shard in shards]) for half in (0, 1))
    _join_ids(first, second, np.argsort(first), parents)


def _signature_addresses(shards: Sequence[SignatureShard]) -> tuple[int, NDArray[np.int64]]:
    """Return the number of hashes and where each document's signature begins in memory."""
    addresses, widths = [], set()
    for shard in shards:
        if shard.signatures is None:
            raise ValueError("min_similarity needs signatures, which these shards have not")
        start, stride = shard.signatures.ctypes.data, shard.signatures.strides[0]
        addresses.append(start + stride * np.arange(len(shard), dtype=np.int64))
        widths.add(shard.signatures.shape[1])
    (num_hashes,) = widths
    return num_hashes, np.concatenate(addresses)


@kernel
def _root(parents: Labels, index: int) -> int:
    """Return the first of a set, and halve the way there for the next who asks (Tarjan 1975)."""
    while parents[index] != index:
        parents[index] = parents[parents[index]]
        index = parents[index]
    return index


@kernel
def _join(parents: Labels, one: int, other: int) -> None:
    """Make one set of two; its root is its least index."""
    one, other = _root(parents, one), _root(parents, other)
    parents[max(one, other)] = min(one, other)


@kernel
def _join_ids(
    first: NDArray[np.uint64], second: NDArray[np.uint64], order: Labels, parents: Labels
) -> None:
    """Join documents whose ids, two halves, are equal; ``order`` sorts the first halves."""
    for place in range(1, len(order)):
        document = order[place]
        before = place - 1
        while before >= 0 and first[order[before]] == first[document]:
            if second[order[before]] == second[document]:  # nearly always: 64 bits are equal
                _join(parents, document, order[before])
                break
            before -= 1


@kernel
def _join_runs(
    keys: NDArray[np.uint64],
    order: Labels,
    parents: Labels,
    rows: NDArray[np.int64],
    num_hashes: int,
    least_equal: int,
) -> None:
    """Join documents with equal keys; where ``least_equal`` > 0, only those that are similar."""
    start = np.int64(0)
    while start < len(order):
        key = keys[order[start]]
        end = start + 1
        while end < len(order) and keys[order[end]] == key:
            end += 1
        if key != np.uint64(NO_KEY):
            if least_equal == 0:
                for place in range(start + 1, end):
                    _join(parents, order[start], order[place])
            else:
                _join_similar(order[start:end], parents, rows, num_hashes, least_equal)
        start = end


@kernel
def _join_similar(
    documents: Labels,
    parents: Labels,
    rows: NDArray[np.int64],
    num_hashes: int,
    least_equal: int,
) -> None:
    """Join every two of the documents that have ``least_equal`` equal values or more."""
    for one in range(len(documents) - 1):
        apart = False
        for other in range(one + 1, len(documents)):
            if _root(parents, documents[one]) == _root(parents, documents[other]):
                continue
            equal = np.int64(0)
            for value in range(num_hashes):
                left = load_u64(rows[documents[one]], value << 3)
                equal += left == load_u64(rows[documents[other]], value << 3)
            if equal >= least_equal:
                _join(parents, documents[one], documents[other])
            else:
                apart = True
        if one == 0 and not apart:
            break  # all are like the first: nothing is left to join


@kernel
def _flatten(parents: Labels) -> None:
    for index in range(len(parents)):
        parents[index] = _root(parents, index)
