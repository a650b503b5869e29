"""Merges, counts and lengths are those that recounting and encoding again would give."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.reference import bpe as reference
from groundup.tokenizer.bpe.count import WordCounts, count_words
from groundup.tokenizer.bpe.learn import Learned, learn_merges
from groundup.tokenizer.bpe.patterns import GPT2, SplitPattern

# Few letters make long repeats, overlapping pairs ("aaaa") and ties, where trainers go wrong.
few_letters = st.text(alphabet="ab cé日", max_size=60)
corpora = st.lists(few_letters | st.text(st.characters(codec="utf-8"), max_size=20), max_size=5)


def count(texts: list[str]) -> WordCounts:
    return count_words(texts, SplitPattern(GPT2))


def spelt(learned: Learned) -> list[tuple[bytes, bytes]]:
    return [(learned.tokens[a], learned.tokens[b]) for a, b in learned.merges.tolist()]


@given(
    corpora,
    st.integers(min_value=0, max_value=40),
    st.integers(min_value=1, max_value=4),
    st.none() | st.integers(min_value=2, max_value=6),
    st.none() | st.sets(st.sampled_from("é日本")).map(sorted),
)
def test_merges_equal_the_reference_with_all_options(
    texts: list[str],
    num_merges: int,
    min_frequency: int,
    max_token_bytes: int | None,
    characters: list[str] | None,
) -> None:
    learned = learn_merges(
        count(texts),
        num_merges,
        characters=characters,
        min_frequency=min_frequency,
        max_token_bytes=max_token_bytes,
    )
    expected = reference.train(
        texts,
        256 + len(characters or ()) + num_merges,
        min_frequency=min_frequency,
        max_token_bytes=max_token_bytes,
        characters=characters,
    )
    assert spelt(learned) == expected
    assert len(set(learned.tokens)) == len(learned.tokens)


@given(corpora, st.integers(min_value=0, max_value=40), st.none() | st.just(["é"]))
def test_counts_equal_encoding_the_texts_again(
    texts: list[str], num_merges: int, characters: list[str] | None
) -> None:
    words = count(texts)
    learned = learn_merges(words, num_merges, characters=characters)
    merges = spelt(learned)
    encoded = [reference.encode(text, merges, characters=characters) for text in texts]
    assert (words.counts * learned.word_tokens).sum() == sum(map(len, encoded))

    counts = Counter(dict(enumerate(learned.first_counts.tolist())))
    first = len(learned.first_counts)
    rows = zip(learned.merges.tolist(), learned.merge_counts.tolist(), strict=True)
    for number, ((left, right), times) in enumerate(rows, start=first):
        counts.update({number: times})
        counts.subtract({left: times})
        counts.subtract({right: times})
    by_token = Counter({learned.tokens[number]: times for number, times in counts.items()})
    assert +by_token == Counter(token for tokens in encoded for token in tokens)


def test_a_pair_that_meets_twice_in_a_run_is_merged_from_the_left() -> None:
    learned = learn_merges(count(["aaaaa"]), 10)
    assert spelt(learned) == [(b"a", b"a"), (b"aa", b"aa"), (b"aaaa", b"a")]
    assert learned.merge_counts.tolist() == [2, 1, 1]


def test_progress_counts_every_merge() -> None:
    told: list[int] = []
    learned = learn_merges(count(["abcdefgh " * 3]), 300, advance=told.append)
    assert sum(told) == len(learned.merges) == 8


@pytest.mark.timeout(60)
def test_one_word_of_a_megabyte_takes_no_longer_than_a_megabyte_of_words() -> None:
    word = "acgt" * 100_000 + "a" * 300_000 + "tgca" * 75_000
    learned = learn_merges(count([word]), 500)
    assert len(learned.merges) > 30
    assert learned.word_tokens.sum() < 50


def test_more_words_than_can_be_numbered_are_refused() -> None:
    data = np.broadcast_to(np.uint8(97), 2**31)  # takes no memory
    words = WordCounts(data, np.array([2**31]), np.array([1]))
    with pytest.raises(UserError, match=r"2\.1 GB.*train on a part"):
        learn_merges(words, 10)


def test_no_words_teach_nothing() -> None:
    learned = learn_merges(count([]), 10)
    assert (len(learned.merges), len(learned.word_tokens)) == (0, 0)
    assert learned.first_counts.sum() == 0
