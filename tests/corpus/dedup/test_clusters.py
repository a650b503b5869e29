"""Clusters and what stays of them, in whatever order and shards the documents come."""

from itertools import pairwise
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.corpus.dedup import MinHashConfig
from groundup.corpus.dedup.clusters import near_duplicates, near_duplicates_of_old
from groundup.corpus.dedup.keep import keepers
from groundup.corpus.dedup.minhash import MinHasher
from groundup.corpus.dedup.store import SignatureShard, parse_ids
from groundup.corpus.document import Document
from groundup.reference import minhash as reference

CONFIG = MinHashConfig(ngram=2, bands=4, rows=2)


@pytest.fixture(scope="module")
def hasher() -> MinHasher:
    return MinHasher(CONFIG)


words = st.lists(st.sampled_from("abcde"), max_size=12).map(" ".join)
corpora = st.lists(words, max_size=12)


def shards_of(texts, hasher, cuts=()) -> list[SignatureShard]:
    """Return the signatures of texts, cut into shards at these places."""
    edges = [0, *sorted(cut % (len(texts) + 1) for cut in cuts), len(texts)]
    shards = []
    for start, end in pairwise(edges):
        part = texts[start:end]
        signatures = hasher.signatures(part)
        ids = [Document.of(text, "").id for text in part]
        shards.append(SignatureShard.of(ids, hasher.keys_of(signatures), signatures))
    return shards


def clusters(texts, labels) -> set[frozenset[str]]:
    return {
        frozenset(text for text, other in zip(texts, labels, strict=True) if other == label)
        for label in labels
    }


@given(corpora)
def test_clusters_are_those_of_the_reference(hasher, texts):
    labels = near_duplicates(shards_of(texts, hasher))
    expected = reference.near_duplicates(texts, CONFIG.ngram, CONFIG.bands, CONFIG.rows)
    found = [set(np.flatnonzero(labels == label)) for label in np.unique(labels)]
    assert found == expected
    assert all(min(cluster) in np.unique(labels) for cluster in expected)


@settings(max_examples=60)
@given(
    corpora,
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 20), max_size=3),
    st.sampled_from([None, 0.3, 0.7]),
)
def test_order_and_shards_change_neither_clusters_nor_what_stays(
    hasher, texts, random: Random, cuts, min_similarity
):
    shuffled = random.sample(texts, len(texts))
    outcomes = []
    for order, shards in (
        (texts, shards_of(texts, hasher)),
        (shuffled, shards_of(shuffled, hasher, cuts)),
    ):
        labels = near_duplicates(shards, min_similarity)
        ids = np.concatenate([shard.ids for shard in shards])
        outcome = [clusters(order, labels)]
        for rank in (None, np.array([len(text) for text in order], float)):
            stays = keepers(labels, ids, rank)
            outcome.append(sorted(text for text, stay in zip(order, stays, strict=True) if stay))
        outcomes.append(outcome)
    assert outcomes[0] == outcomes[1]


@settings(max_examples=60)
@given(corpora, corpora, st.sampled_from([None, 0.5]))
def test_comparing_with_old_documents_is_comparing_all_at_once(hasher, old, new, min_similarity):
    old_shards, new_shards = shards_of(old, hasher, [2]), shards_of(new, hasher, [3])
    labels, seen = near_duplicates_of_old(old_shards, new_shards, min_similarity)
    at_once = near_duplicates([*old_shards, *new_shards], min_similarity)
    assert seen.tolist() == [label in at_once[: len(old)] for label in at_once[len(old) :]]
    for i in range(len(new)):
        for j in range(len(new)):
            alike = at_once[len(old) + i] == at_once[len(old) + j]
            assert (labels[i] == labels[j]) == alike
    ids = np.concatenate([shard.ids for shard in new_shards])
    stays = keepers(labels, ids)
    assert not (stays & seen).any()
    assert stays.sum() == len(set(labels[~seen]))


def test_tiny_documents_are_joined_with_their_equals_alone():
    hasher = MinHasher(MinHashConfig())
    texts = ["", "!", "?", "yes", "Yes", "yes", "one two three four", "one, two, three, four", ""]
    assert clusters_by_index(near_duplicates(shards_of(texts, hasher))) == [
        [0, 8], [1], [2], [3, 5], [4], [6], [7],
    ]  # fmt: skip


def clusters_by_index(labels) -> list[list[int]]:
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def test_ids_that_share_a_half_are_not_equal():
    ids = parse_ids(["0" * 32, "0" * 31 + "1", "1" + "0" * 31, "0" * 32, "0" * 31 + "1"])
    shard = SignatureShard(ids, np.zeros((2, 5), np.uint64))
    assert near_duplicates([shard]).tolist() == [0, 1, 2, 0, 1]


def test_a_large_group_that_agrees_in_one_band_alone_is_not_joined_when_verified():
    signatures = np.arange(300 * 4, dtype=np.uint64).reshape(300, 4)
    signatures[:, 0] = 7
    signatures[100:, 1:] = 9_999
    keys = np.full((1, 300), 7, np.uint64)
    shard = SignatureShard(np.arange(600, dtype=np.uint64).reshape(-1, 2), keys, signatures)
    labels = near_duplicates([shard], min_similarity=0.5)
    assert labels.tolist() == [*range(100), *[100] * 200]


def test_no_documents_have_no_clusters():
    assert near_duplicates([]).shape == (0,)
    assert keepers(np.empty(0, np.int64), np.empty((0, 2), np.uint64)).shape == (0,)


def test_shards_that_do_not_fit_together_are_refused():
    one = SignatureShard(np.zeros((1, 2), np.uint64), np.ones((2, 1), np.uint64))
    other = SignatureShard(np.zeros((1, 2), np.uint64), np.ones((3, 1), np.uint64))
    with pytest.raises(ValueError, match="numbers of bands"):
        near_duplicates([one, other])
    with pytest.raises(ValueError, match="needs signatures"):
        near_duplicates([one], min_similarity=0.8)
    with pytest.raises(ValueError, match="do not match"):
        SignatureShard(np.zeros((2, 2), np.uint64), np.ones((3, 1), np.uint64))


def test_the_best_of_a_cluster_stays_and_ties_go_to_the_smaller_id():
    labels = np.array([0, 0, 2, 2, 2, 5, -3])
    ids = parse_ids([f"{number:032x}" for number in (9, 8, 7, 6, 1 << 64, 4, 3)])
    assert np.flatnonzero(keepers(labels, ids)).tolist() == [1, 3, 5]
    rank = np.array([1, 1, 0.5, np.nan, 0.7, np.nan, 9])
    assert np.flatnonzero(keepers(labels, ids, rank)).tolist() == [1, 4, 5]
