"""The same ids as tiktoken, which is the reference of OpenAI's encodings."""

import contextlib
import gzip
import lzma
import random
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.tokenizer import BPETokenizer, load_tokenizer
from groundup.tokenizer.bpe.patterns import CL100K, O200K, R50K

Pair = tuple[BPETokenizer, tiktoken.Encoding]

pytestmark = pytest.mark.shared


PATTERNS = {"gpt2": R50K, "cl100k": CL100K, "o200k": O200K}


@pytest.fixture(scope="module", params=PATTERNS)
def pair(request: pytest.FixtureRequest, shared: Path) -> Pair:
    """GPT-2's published vocabulary with each pattern, here and in tiktoken."""
    gpt2 = load_tokenizer(shared / "tokenizer" / "gpt2")
    assert isinstance(gpt2, BPETokenizer)
    ours = BPETokenizer(
        gpt2.tokens,
        gpt2.merges,
        gpt2.special_tokens,
        pattern=PATTERNS[request.param],
        ignore_merges=True,
    )
    theirs = tiktoken.Encoding(
        name="peer",
        pat_str=PATTERNS[request.param],
        mergeable_ranks=gpt2.tokens,
        special_tokens=gpt2.special_tokens,
        explicit_n_vocab=50257,
    )
    return ours, theirs


def read(path: Path) -> str:
    data = path.read_bytes()
    if path.suffix == ".xz":
        data = lzma.decompress(data)
    elif path.suffix == ".gz":
        with contextlib.suppress(EOFError, OSError):  # damaged on purpose
            data = gzip.decompress(data)
    return data.decode("utf-8", errors="replace")


@pytest.mark.slow
@pytest.mark.parametrize("pair", ["gpt2", "cl100k"], indirect=True)
def test_every_shared_file_has_the_same_ids(pair: Pair, shared: Path) -> None:
    ours, theirs = pair
    files = [
        path for path in sorted(shared.rglob("*")) if path.is_file() and path.name != "sealed.bin"
    ]
    assert len(files) > 80
    for path in files:
        text = read(path)
        ids = ours.encode_to_numpy(text)
        assert ids.tolist() == theirs.encode_ordinary(text), path
        assert ours.decode_bytes(ids) == text.encode(), path


scripts = st.text(alphabet=st.characters(exclude_categories=["Cn", "Cs"]))
telling = st.text(alphabet="aZsS 's\u3000\x1c!\n\r\t\x00\u0301é中ªǅ1²9😀\ud83d\ude42\ud800")


@settings(max_examples=10_000)
@given(st.one_of(scripts, telling, st.builds("".join, st.lists(st.one_of(scripts, telling)))))
def test_any_text_has_the_same_ids(pair: Pair, text: str) -> None:
    ours, theirs = pair
    assert ours.encode(text) == theirs.encode(text, disallowed_special=())


@pytest.mark.slow
@pytest.mark.parametrize("pair", ["cl100k"], indirect=True)
def test_ten_megabytes_without_a_space_have_the_same_ids(pair: Pair) -> None:
    ours, theirs = pair
    word = "".join(random.Random(0).choices("acgt", k=9_000_000)) + "a" * 1_000_000
    ids = ours.encode(word)
    assert ids == theirs.encode_ordinary(word)
    assert ours.decode(ids) == word


def test_special_tokens_are_recognised_only_where_allowed(pair: Pair) -> None:
    ours, theirs = pair
    for text in ["a<|endoftext|>b", "<|endoftext|><|endoftext|>", "<|endoftext|", ""]:
        assert ours.encode(text) == theirs.encode(text, disallowed_special=())
        assert ours.encode(text, allowed_special="all") == theirs.encode(
            text, allowed_special="all"
        )


def test_gpt2_says_hello(pair: Pair) -> None:
    assert pair[0].encode("hello world") == [31373, 995]
