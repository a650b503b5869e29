"""Merges recovered from ranks give tiktoken's ids, whether training made the ranks or not."""

from itertools import product

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from groundup.tokenizer import BPETokenizer
from groundup.tokenizer.formats.recover_merges import last_pair, recover_merges

BYTES = {bytes([value]): value for value in range(256)}
EVERYTHING = r"[\s\S]+"


@pytest.mark.parametrize("pattern", ["gpt2", "llama3", "cl100k", "o200k"])
def test_trained_merges_are_recovered(pattern: str) -> None:
    texts = ["she sells sea shells by the sea shore, " * 3, "Größe 你好你好 1234 1234 it's\n\n\n"]
    trained = BPETokenizer.train(texts, 330, pattern=pattern)
    assert recover_merges(trained.tokens) == trained.merges


token_lists = st.lists(
    st.sampled_from([bytes(t) for n in (2, 3, 4, 5) for t in product(b"ab", repeat=n)]),
    unique=True,
    max_size=20,
)


@given(longer=token_lists, texts=st.lists(st.text("ab", max_size=120), max_size=5))
def test_any_ranks_give_the_ids_of_tiktoken(longer: list[bytes], texts: list[str]) -> None:
    """Wholes before parts, tokens that nothing makes: training never does that, files may."""
    ranks = BYTES | {token: rank for rank, token in enumerate(longer, start=256)}
    theirs = tiktoken.Encoding("any", pat_str=EVERYTHING, mergeable_ranks=ranks, special_tokens={})
    ours = BPETokenizer(ranks, recover_merges(ranks), {}, pattern=EVERYTHING, ignore_merges=True)
    for text in [*texts, *(token.decode() for token in longer)]:
        assert ours.encode(text) == theirs.encode_ordinary(text)


def test_a_token_that_nothing_makes_has_no_merge() -> None:
    assert last_pair(b"ab", BYTES) == (b"a", b"b")
    assert last_pair(b"abc", BYTES) is None
    assert recover_merges(BYTES | {b"abc": 256}) == []


def test_a_long_token_takes_no_quadratic_time() -> None:
    ranks = BYTES | {b"ab" * 2**n: 256 + n for n in range(18)}
    assert last_pair(b"ab" * 2**17, ranks) == (b"ab" * 2**16, b"ab" * 2**16)
