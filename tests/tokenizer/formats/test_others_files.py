"""Pipelines that others write: the same ids as the tokenizers library, read and written again."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, decoders, models, normalizers, processors, trainers
from tokenizers import pre_tokenizers as pre

from groundup.errors import UserError
from groundup.tokenizer import BPETokenizer, load_tokenizer
from groundup.tokenizer.bpe.patterns import GPT2, LLAMA3, O200K

CORPUS = [
    "The quick brown fox jumps over the lazy dog. It's 12345 o'clock, isn't it?\n\n",
    "def attend(query, key):\n    return softmax(query @ key.T)  # naïve\n" * 5,
    "Größe, cœur, Привет мир, 你好世界, こんにちは・カタカナ, 👩‍👩‍👧 and 3.14 or 1984.\r\n" * 3,
]
MARKS = ["<|begin|>", "<|end|>"]


def split(pattern: str, behavior: str = "isolated", *, invert: bool = False) -> pre.Split:
    return pre.Split(Regex(pattern), behavior, invert=invert)


def byte_level(*, use_regex: bool = False) -> pre.ByteLevel:
    return pre.ByteLevel(add_prefix_space=False, use_regex=use_regex)


DEEPSEEK = (
    r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
    r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
CUTS = {
    "GPT-2": byte_level(use_regex=True),
    "Llama 3": pre.Sequence([split(LLAMA3), byte_level()]),
    "Qwen": pre.Sequence([split(LLAMA3.replace("{1,3}", "")), byte_level()]),
    "gpt-oss": pre.Sequence([split(O200K), byte_level()]),
    "cl100k in JavaScript": pre.Sequence([split(LLAMA3, "removed", invert=True), byte_level()]),
    "StarCoder": pre.Sequence([pre.Digits(individual_digits=True), byte_level(use_regex=True)]),
    "digits": pre.Sequence([pre.Digits(individual_digits=False), byte_level(use_regex=True)]),
    "DeepSeek": pre.Sequence(
        [split(r"\p{N}{1,3}"), split(r"[一-龥぀-ゟ゠-ヿ]+"), split(DEEPSEEK), byte_level()]
    ),
}


def trained_by_the_library(cut: pre.PreTokenizer, name: str) -> tokenizers.Tokenizer:
    made = tokenizers.Tokenizer(models.BPE(ignore_merges=name == "Llama 3"))
    made.pre_tokenizer = cut
    made.decoder = decoders.ByteLevel()
    if name == "Qwen":
        made.normalizer = normalizers.NFC()
    if name == "DeepSeek":
        made.normalizer = normalizers.Sequence([])
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=MARKS,
        initial_alphabet=pre.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(CORPUS, trainer)
    made.add_tokens([AddedToken("<think>", normalized=False), "   "])
    begin, number = MARKS[0], made.token_to_id(MARKS[0])
    made.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", pair=f"{begin} $A {begin} $B:1", special_tokens=[(begin, number)]
    )
    return made


@pytest.fixture(scope="module", params=CUTS)
def both(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[BPETokenizer, tokenizers.Tokenizer, Path]:
    folder = tmp_path_factory.mktemp("other")
    theirs = trained_by_the_library(CUTS[request.param], request.param)
    theirs.save(str(folder / "tokenizer.json"))
    ours = load_tokenizer(folder)
    assert isinstance(ours, BPETokenizer)
    return ours, theirs, folder


assigned = st.characters(exclude_categories=["Cn", "Cs"])
pieces = st.sampled_from(
    ["'s", "'LL", "\r\n", "   ", "\n \n", "12345", "  1", "e\u0301", "你好・", *MARKS, "<think>"]
)
mixed = st.lists(st.text(assigned, max_size=8) | pieces, max_size=12).map("".join)


@given(text=mixed)
def test_ids_and_text_equal_the_library(
    both: tuple[BPETokenizer, tokenizers.Tokenizer, Path], text: str
) -> None:
    ours, theirs, _ = both
    ids = theirs.encode(text, add_special_tokens=False).ids
    assert ours.encode(text, allowed_special="all") == ids
    for skip in (False, True):
        assert ours.decode(ids, skip_special_tokens=skip) == theirs.decode(
            ids, skip_special_tokens=skip
        )


def test_saving_gives_the_library_back_what_it_wrote(
    both: tuple[BPETokenizer, tokenizers.Tokenizer, Path],
) -> None:
    """Also the beginning-of-text token, which ``encode`` here does not add."""
    ours, theirs, folder = both
    ours.save(folder / "saved")
    again = tokenizers.Tokenizer.from_file(str(folder / "saved" / "tokenizer.json"))
    for text in [*CORPUS, "<|begin|>a   b<think>1 2  34</think>"]:
        for added in (False, True):
            expected = theirs.encode(text, add_special_tokens=added).ids
            assert again.encode(text, add_special_tokens=added).ids == expected
        ids = theirs.encode(text).ids
        assert again.decode(ids) == theirs.decode(ids)
    reread = load_tokenizer(folder / "saved")
    assert isinstance(reread, BPETokenizer)
    assert reread.fingerprint == ours.fingerprint
    assert (reread.pattern, reread.file_settings) == (ours.pattern, ours.file_settings)


@pytest.mark.parametrize("model_type", ["qwen3", "llama"])
def test_transformers_adds_the_beginning_after_saving(
    both: tuple[BPETokenizer, tokenizers.Tokenizer, Path], tmp_path: Path, model_type: str
) -> None:
    from transformers import AutoTokenizer

    ours, theirs, _ = both
    ours.save(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": model_type}))
    opened = AutoTokenizer.from_pretrained(tmp_path)
    text = CORPUS[0] + "<think>12  34<|end|>"
    assert opened(text)["input_ids"] == theirs.encode(text).ids
    ids = ours.encode(text, allowed_special="all")
    assert opened(text, add_special_tokens=False)["input_ids"] == ids
    assert opened.decode(ids, skip_special_tokens=True) == CORPUS[0] + "<think>12  34"


def test_further_special_tokens_leave_the_rest_as_it_was(
    both: tuple[BPETokenizer, tokenizers.Tokenizer, Path],
) -> None:
    ours, _, _ = both
    extended = ours.with_special_tokens(["<|new|>"])
    assert extended.file_settings == ours.file_settings
    assert extended.encode(CORPUS[0]) == ours.encode(CORPUS[0])


def added(content: str, **flags: Any) -> dict[str, Any]:
    return {"id": 256, "content": content, "normalized": False, "special": True} | flags


def file_with(added_tokens: list[dict[str, Any]], **parts: Any) -> dict[str, Any]:
    """A tokenizer.json of 256 bytes and the added tokens, numbered."""
    tokens = {bytes([value]): value for value in range(256)}
    file = BPETokenizer(tokens, [], {}, pattern=GPT2)._tokenizer_json()
    for number, token in enumerate(added_tokens, start=256):
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip"), False)
        file["added_tokens"].append({**flags, **token, "id": number})
    return file | parts


@pytest.mark.parametrize(
    ("tokens", "normalizer", "accepted"),
    [
        ([added("<a>"), added("<b>", normalized=True)], None, True),
        ([added("<a>"), added("x<a>", normalized=True)], None, False),
        ([added("<a>"), added("<a><b>", normalized=True)], None, False),
        ([added("a<"), added("ba<", normalized=True)], None, False),
        ([added("ab>"), added("b>", normalized=True)], None, True),
        ([added("    ", normalized=True)], {"type": "NFC"}, True),
        ([added("<a>", normalized=True)], {"type": "NFC"}, False),
        ([added("K ", normalized=True)], {"type": "NFC"}, False),
        ([added("é ", normalized=True)], {"type": "NFC"}, False),
        ([added("é ")], {"type": "NFC"}, True),
    ],
)
@given(text=st.text("<a>bx K\u212aéee\u0301\u0338", max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_added_tokens_are_found_as_the_library_finds_them_or_refused(
    tmp_path: Path, tokens: list[dict[str, Any]], normalizer: Any, accepted: bool, text: str
) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(file_with(tokens, normalizer=normalizer)))
    if not accepted:
        with pytest.raises(UserError, match="normalized"):
            load_tokenizer(path)
        return
    theirs = tokenizers.Tokenizer.from_file(str(path))
    assert load_tokenizer(path).encode(text, allowed_special="all") == theirs.encode(text).ids


def test_the_ascii_characters_that_normal_forms_touch_are_those_we_know() -> None:
    """Unicode has promised not to add to them."""
    becomes, composes = set(), set()
    for character in map(chr, range(0x80, 0x110000)):
        decomposition = unicodedata.decomposition(character)
        if decomposition and "<" not in decomposition:
            first, *marks = (chr(int(code, 16)) for code in decomposition.split())
            assert not set("".join(marks)) & set(map(chr, range(128)))
            (composes if marks else becomes).add(first)
    ascii_characters = set(map(chr, range(128)))
    assert becomes & ascii_characters == set(";`K")
    letters = {c for c in ascii_characters if c.isalpha()}
    assert composes & ascii_characters <= letters | set("<=>")
