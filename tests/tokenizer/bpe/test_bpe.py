"""Byte-level BPE: exact, reversible, and as quick on one long word as on many short ones."""

import json
import lzma
import pickle
from pathlib import Path

import pytest
import tiktoken
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.reference import bpe as reference
from groundup.tokenizer import BPETokenizer, load_tokenizer
from groundup.tokenizer.bpe.byte_alphabet import from_alphabet, to_alphabet
from groundup.tokenizer.bpe.patterns import GPT2, PATTERNS, PretokenPattern

BYTES = {bytes([value]): value for value in range(256)}
any_text = st.text() | st.text(alphabet="ab \n'sS1é🙂", max_size=80)


@given(any_text)
def test_decoding_gives_back_any_text(bpe: BPETokenizer, text: str) -> None:
    assert bpe.decode(bpe.encode(text)) == text


@given(any_text)
def test_ids_equal_the_reference(bpe: BPETokenizer, text: str) -> None:
    tokens = [bpe.token_bytes(number) for number in bpe.encode(text)]
    assert tokens == reference.encode(text, bpe.merges, bpe.pattern)


@given(any_text)
def test_token_bytes_joined_are_the_text(bpe: BPETokenizer, text: str) -> None:
    assert b"".join(map(bpe.token_bytes, bpe.encode(text))) == text.encode()


@given(st.lists(st.integers(min_value=0, max_value=399), max_size=30))
def test_any_ids_decode_to_text(bpe: BPETokenizer, ids: list[int]) -> None:
    usable = [number for number in ids if number < bpe.vocab_size]
    assert bpe.decode(usable) == bpe.decode_bytes(usable).decode(errors="replace")


@given(st.binary(max_size=40))
def test_the_byte_alphabet_writes_any_bytes_as_printable_text(data: bytes) -> None:
    assert from_alphabet(to_alphabet(data)) == data
    assert to_alphabet(data).isprintable()


@given(any_text, st.sampled_from([*PATTERNS.values(), r"\p{L}+", r"[aeiou]|\s*"]))
def test_pretokens_joined_are_the_text(text: str, pattern: str) -> None:
    assert "".join(PretokenPattern(pattern).split(text)) == text


def test_a_tokenizer_travels_to_another_process(bpe: BPETokenizer) -> None:
    again = pickle.loads(pickle.dumps(bpe))
    assert again.encode("def attend") == bpe.encode("def attend")


def test_a_full_cache_changes_no_ids(bpe: BPETokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "one two three one two three " * 3
    expected = bpe.encode(text)
    bpe._ids_of_pretoken.clear()
    monkeypatch.setattr(type(bpe._ids_of_pretoken), "MAX_ENTRIES", 2)
    assert bpe.encode(text) == expected
    assert len(bpe._ids_of_pretoken) <= 2


@pytest.mark.parametrize(
    ("tokens", "merges", "problem"),
    [
        ({b"a": 0}, [], "no token for byte 0"),
        ({**BYTES, b"ab": 256}, [(b"a", b"c")], "'a' . 'c' needs 'ac'"),
        ({**BYTES, b"ab": 256}, [(b"a", b"b"), (b"a", b"b")], "listed twice"),
        ({**BYTES, b"ab": 300}, [(b"a", b"b")], "256 is missing"),
        ({**BYTES, b"ab": 255}, [(b"a", b"b")], "255 is too many"),
    ],
)
def test_an_inconsistent_vocabulary_is_refused(
    tokens: dict[bytes, int], merges: list[tuple[bytes, bytes]], problem: str
) -> None:
    with pytest.raises(UserError, match=problem):
        BPETokenizer(tokens, merges, {}, pattern=GPT2)


def test_a_special_token_spelt_like_an_ordinary_one_is_refused() -> None:
    with pytest.raises(UserError, match="'Ġa' is both"):
        BPETokenizer({**BYTES, b" a": 256}, [(b" ", b"a")], {"Ġa": 257}, pattern=GPT2)


@pytest.mark.parametrize("pattern", ["(", r"(\w)+"])
def test_an_unusable_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(UserError, match="pattern"):
        BPETokenizer.train(["abc"], 300, pattern=pattern)


@pytest.fixture(scope="module")
def gpt2(shared: Path) -> BPETokenizer:
    tokenizer = load_tokenizer(shared / "tokenizer" / "gpt2")
    assert isinstance(tokenizer, BPETokenizer)
    return tokenizer


@pytest.fixture(scope="module")
def tiktoken_gpt2(gpt2: BPETokenizer) -> tiktoken.Encoding:
    """As tiktoken defines gpt2, with the published files in place of its download."""
    return tiktoken.Encoding(
        name="gpt2",
        pat_str=r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s",
        mergeable_ranks=gpt2.tokens,
        special_tokens=gpt2.special_tokens,
        explicit_n_vocab=50257,
    )


def shared_texts(shared: Path) -> dict[str, str]:
    """Return samples of at most a few hundred kilobytes, by what they are."""
    folder = shared / "text"
    web = (folder / "c4-sample.jsonl").read_text("utf-8").split("\n")[:40]
    udhr = (shared / "tokenizer" / "udhr-1.jsonl").read_text("utf-8").rstrip("\n").split("\n")
    india = lzma.decompress((folder / "picture-books-india.jsonl.xz").read_bytes()).decode()
    return {
        "prose": (folder / "tinyshakespeare.txt").read_text("utf-8")[:100_000],
        "articles": (folder / "wikipedia-sample.txt").read_text("utf-8")[:100_000],
        "web": "\n".join(json.loads(line)["text"] for line in web),
        "India": india[:100_000],
        "languages": "\n".join(json.loads(line)["text"] for line in udhr),
        "emoji": (shared / "tokenizer" / "emoji.json").read_text("utf-8"),
        "code": Path(json.decoder.__file__).read_text("utf-8"),
    }


@pytest.mark.shared
def test_gpt2_equals_tiktoken_on_prose_code_emoji_and_forty_languages(
    shared: Path, gpt2: BPETokenizer, tiktoken_gpt2: tiktoken.Encoding
) -> None:
    for name, text in shared_texts(shared).items():
        ids = gpt2.encode(text)
        assert ids == tiktoken_gpt2.encode_ordinary(text), name
        assert gpt2.decode(ids) == text, name


@pytest.mark.shared
def test_gpt2_treats_special_tokens_and_broken_unicode_as_tiktoken_does(
    gpt2: BPETokenizer, tiktoken_gpt2: tiktoken.Encoding
) -> None:
    assert gpt2.encode("hello world") == [31373, 995]
    assert gpt2.end_of_text_id == 50256
    for text in ["a<|endoftext|>b", "<|endoftext|><|endoftext|>", "\ud83d\ude42 \ud800x", "\udfff"]:
        assert gpt2.encode(text) == tiktoken_gpt2.encode(text, disallowed_special=())
        assert gpt2.encode(text, allowed_special="all") == tiktoken_gpt2.encode(
            text, allowed_special="all"
        )


@pytest.mark.shared
@given(st.text(alphabet=st.characters(exclude_categories=["Cn"])) | st.text("a 's\n1\u3000\x1c!"))
def test_gpt2_equals_tiktoken_on_any_text(
    gpt2: BPETokenizer, tiktoken_gpt2: tiktoken.Encoding, text: str
) -> None:
    assert gpt2.encode(text) == tiktoken_gpt2.encode(text, disallowed_special=())


@pytest.mark.shared
def test_one_word_of_200_kilobytes_equals_tiktoken(
    gpt2: BPETokenizer, tiktoken_gpt2: tiktoken.Encoding
) -> None:
    word = "a" * 100_000 + "acgt" * 25_000
    assert gpt2.encode(word) == tiktoken_gpt2.encode(word)
