"""tiktoken's rank files: read and written with the ids that tiktoken gives."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiktoken
import tiktoken_ext.openai_public
from tiktoken.load import load_tiktoken_bpe

from groundup.errors import UserError
from groundup.tokenizer import BPETokenizer, load_tokenizer
from groundup.tokenizer.bpe.patterns import CUSTOM, GPT2, PATTERNS, R50K, SplitPattern
from groundup.tokenizer.formats import read_tiktoken, write_tiktoken
from groundup.tokenizer.formats.tiktoken_encodings import published_encodings
from groundup.tokenizer.formats.tiktoken_file import MAX_RANK_FILE_BYTES

SPECIAL = {"<|endoftext|>": 0, "<|user|>": 1}


def languages(shared: Path) -> list[str]:
    rows = (shared / "tokenizer" / "udhr-1.jsonl").read_text("utf-8").rstrip("\n").split("\n")
    emoji = (shared / "tokenizer" / "emoji.json").read_text("utf-8")
    return [*(json.loads(row)["text"] for row in rows), emoji]


def with_tiktoken(path: Path, pattern: str, special_tokens: dict[str, int]) -> tiktoken.Encoding:
    return tiktoken.Encoding(
        path.stem,
        pat_str=pattern,
        mergeable_ranks=load_tiktoken_bpe(str(path)),
        special_tokens=special_tokens,
    )


@pytest.mark.shared
@pytest.mark.parametrize("name", ["cl100k", "o200k"])
def test_a_written_file_gives_the_same_ids_in_tiktoken_in_many_scripts(
    shared: Path, tmp_path: Path, name: str
) -> None:
    pattern, texts, path = PATTERNS[name], languages(shared), tmp_path / name
    trained = BPETokenizer.train([text[:4000] for text in texts], 1500, ["<|user|>"], pattern=name)
    write_tiktoken(trained, path)
    again = read_tiktoken(path, pattern=pattern, special_tokens=trained.special_tokens)
    theirs = with_tiktoken(path, pattern, trained.special_tokens)
    assert (again.tokens, again.merges) == (trained.tokens, trained.merges)
    for text in texts:
        text = f"<|user|>{text}<|endoftext|>"
        ids = theirs.encode_ordinary(text)
        assert trained.encode(text) == ids
        assert again.encode(text) == ids
        assert again.decode(ids) == text
        assert again.encode(text, allowed_special="all") == theirs.encode(
            text, allowed_special="all"
        )


@pytest.mark.shared
def test_gpt2_by_its_name_gives_the_ids_of_tiktoken(shared: Path, tmp_path: Path) -> None:
    gpt2 = load_tokenizer(shared / "tokenizer" / "gpt2")
    assert isinstance(gpt2, BPETokenizer)
    write_tiktoken(gpt2, tmp_path / "r50k_base.tiktoken")
    again = load_tokenizer(tmp_path)
    assert isinstance(again, BPETokenizer)
    assert (again.tokens, again.merges, again.special_tokens, again.pattern) == (
        gpt2.tokens,
        gpt2.merges,
        gpt2.special_tokens,
        GPT2,
    )
    theirs = with_tiktoken(tmp_path / "r50k_base.tiktoken", R50K, gpt2.special_tokens)
    for text in languages(shared):
        assert again.encode(text) == theirs.encode_ordinary(text)


def rank_lines(tokens: list[bytes], first: int = 0) -> bytes:
    lines = [base64.b64encode(token) + b" %d\n" % rank for rank, token in enumerate(tokens, first)]
    return b"".join(lines)


ALL_BYTES = [bytes([value]) for value in range(256)]
PLAIN = rank_lines([*ALL_BYTES, b"ab", b"abc"])


def made_up_ranks(number: int) -> list[bytes]:
    pairs = [bytes([a, b]) for a in range(256) for b in range(256)]
    triples = [pair + last for last in (b"x", b"y", b"z") for pair in pairs]
    return [*ALL_BYTES, *pairs, *triples][:number]


@pytest.fixture
def openai(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[], dict]]:
    """Encodings as tiktoken defines them, without the ranks, which it would download."""
    for loader in ("load_tiktoken_bpe", "data_gym_to_mergeable_bpe_ranks"):
        monkeypatch.setattr(tiktoken_ext.openai_public, loader, lambda *_, **__: {})
    return tiktoken_ext.openai_public.ENCODING_CONSTRUCTORS


@pytest.mark.parametrize("name", published_encodings())
def test_a_published_name_gives_pattern_and_special_tokens(
    name: str, tmp_path: Path, openai: dict[str, Callable[[], dict]]
) -> None:
    encoding = published_encodings()[name]
    tokens = made_up_ranks(encoding.num_ranks)
    content = rank_lines(tokens)
    if name == "p50k_base.tiktoken":  # its ranks go around the special token
        content = rank_lines(tokens[:50_256]) + rank_lines(tokens[50_256:], 50_257)
    (tmp_path / name).write_bytes(content)
    read = load_tokenizer(tmp_path)
    assert isinstance(read, BPETokenizer)
    assert (read.pattern, read.ignore_merges) == (encoding.pattern, True)
    assert encoding.special_tokens.items() <= read.special_tokens.items()
    if name.removesuffix(".tiktoken") in openai:
        theirs = openai[name.removesuffix(".tiktoken")]()
        special_tokens = theirs["special_tokens"]
        special_tokens.pop("<|reserved_200018|>", None)  # a second name for <|endofprompt|>
        assert special_tokens.items() <= read.special_tokens.items()
        assert SplitPattern(read.pattern).family == SplitPattern(theirs["pat_str"]).family != CUSTOM
        assert read.vocab_size == 1 + max(*special_tokens.values(), *read.tokens.values())
    else:
        assert (read.vocab_size, read.normalization) == {
            "tokenizer.model": (128_256, None),
            "qwen.tiktoken": (151_851, "NFC"),
        }[name]
    unnamed = set(read.special_tokens) - set(encoding.special_tokens)
    assert all(text == f"<|reserved_{read.special_tokens[text]}|>" for text in unnamed)


def test_ids_that_nothing_has_are_reserved(tmp_path: Path) -> None:
    path = tmp_path / "x.tiktoken"
    path.write_bytes(PLAIN)
    read = read_tiktoken(path, pattern=GPT2, special_tokens={"<|end|>": 260})
    assert read.special_tokens == {"<|end|>": 260, "<|reserved_258|>": 258, "<|reserved_259|>": 259}
    theirs = with_tiktoken(path, GPT2, {"<|end|>": 260})
    assert read.vocab_size == theirs.n_vocab


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "holds no token"),
        (b"\n\n", "holds no token"),
        (b"\x00\x01\xff" * 9, "line 1 is not a token in base64 and its rank"),
        (b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02", "a SentencePiece model is not read"),
        (PLAIN + b"YWI=\n", "line 259 is not a token"),
        (PLAIN + b"YWJj 5 7\n", "line 259 is not a token"),
        (PLAIN + b"YWJj -5\n", "line 259 is not a token"),
        (PLAIN + b"YWJj 1099511627776\n", "line 259 is not a token"),
        (PLAIN + b"YWJj 999999999\n", "most ids are missing|repeats"),
        (PLAIN + b"YWJjZA== 999999999\n", "most ids are missing"),
        (PLAIN + b"Y!Jj 258\n", "line 259 is not base64"),
        (PLAIN + b"YWJjZA 258\n", "line 259 is not base64"),
        (PLAIN + b"==== 258\n", "line 259 is not base64"),
        (PLAIN + b"YWJj 258\n", "line 259 repeats the token of rank 257"),
        (PLAIN + b"YWJjZA== 257\n", "line 259 repeats rank 257"),
        (rank_lines(ALL_BYTES[1:]), "no token for byte 0"),
        (b"IQ== 0 " * 3_000_000, "over 20 MB"),
    ],
    ids=range(17),
)
def test_a_damaged_file_is_refused_in_one_line(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    path = tmp_path / "x.tiktoken"
    path.write_bytes(content)
    with pytest.raises(UserError, match=problem) as refusal:
        read_tiktoken(path, pattern=GPT2)
    assert str(path) in str(refusal.value)
    assert "\n" not in str(refusal.value)
    assert len(content) < MAX_RANK_FILE_BYTES or "20 MB" in problem


@pytest.mark.parametrize("name", ["mine.tiktoken", "cl100k_base.tiktoken", "tokenizer.model"])
def test_an_unknown_file_needs_a_pattern(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(PLAIN)
    with pytest.raises(UserError, match="call read_tiktoken with a pattern"):
        load_tokenizer(path)
    assert read_tiktoken(path, pattern=GPT2).encode("abc ab") == [257, 32, 256]


BYTES = {token: number for number, token in enumerate(ALL_BYTES)}


@pytest.mark.parametrize(
    ("tokens", "merges", "options", "problem"),
    [
        ([b"ab", b"cd"], [(b"c", b"d"), (b"a", b"b")], {}, "would make other merges .'cd'"),
        ([b"ab", b"cd"], [(b"a", b"b")], {}, "would make other merges .'cd'"),
        ([b"abc"], [], {}, "that no merge makes"),
        ([b"ab"], [(b"a", b"b")], {"alphabet": "characters"}, "merges of bytes"),
    ],
)
def test_what_ranks_cannot_say_is_not_written(
    tmp_path: Path, tokens: list[bytes], merges: list, options: dict, problem: str
) -> None:
    numbered = BYTES | {token: number for number, token in enumerate(tokens, start=256)}
    tokenizer = BPETokenizer(numbered, merges, {}, pattern=GPT2, **options)
    with pytest.raises(UserError, match=problem):
        write_tiktoken(tokenizer, tmp_path / "x.tiktoken")
    assert not list(tmp_path.iterdir())


def test_a_token_that_no_merge_makes_is_written_where_pretokens_are_looked_up(
    tmp_path: Path,
) -> None:
    tokenizer = BPETokenizer(BYTES | {b"abc": 256}, [], {}, pattern=GPT2, ignore_merges=True)
    write_tiktoken(tokenizer, tmp_path / "x.tiktoken")
    again = read_tiktoken(tmp_path / "x.tiktoken", pattern=GPT2)
    assert again.fingerprint == tokenizer.fingerprint
    assert again.encode("abc") == [256]
    assert again.encode("abcd") == [97, 98, 99, 100]
