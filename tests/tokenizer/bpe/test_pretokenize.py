"""The state machine cuts text exactly where the ``regex`` package does."""

import random
from pathlib import Path

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.tokenizer.bpe.patterns import (
    CL100K,
    GPT2,
    LLAMA3,
    O200K,
    R50K,
    SplitPattern,
    pattern_text,
)
from groundup.tokenizer.bpe.unicode_classes import (
    LETTER,
    LOWER,
    NEWLINE,
    NUMBER,
    OTHER,
    PREFIX,
    SPACE,
    UPPER,
    character_classes,
)

NATIVE = {
    "gpt2": GPT2,
    "r50k": R50K,
    "llama3": LLAMA3,
    "llama3 by one digit": pattern_text("llama3", 1),
    "llama3 by two digits": pattern_text("llama3", 2),
    "cl100k": CL100K,
    "cl100k by one digit": pattern_text("cl100k", 1),
    "o200k": O200K,
    "o200k by two digits": pattern_text("o200k", 2),
}

# One or more of every kind of character that a pattern tells apart, in 1 to 4 bytes.
TELLING = (
    "aZsStTmMdDrReEvVlLſéÉßǅʰªאक中𝒜𐐨19٣Ⅷ½²'’./-_!€😀 \t\x0b\u00a0\u2003\u3000\r\n\x85\u2028"
    "\u0301\u0903\u20dd\u200d\x00"
)
telling_text = st.text(alphabet=st.sampled_from(TELLING), max_size=40)


@pytest.fixture(scope="module", params=NATIVE.values(), ids=NATIVE)
def pattern(request: pytest.FixtureRequest) -> SplitPattern:
    return SplitPattern(request.param)


def test_the_patterns_are_known_and_not_left_to_regex(pattern: SplitPattern) -> None:
    assert pattern.family >= 0


@settings(max_examples=2_000)
@given(text=telling_text | st.text(max_size=60))
def test_splits_as_regex(pattern: SplitPattern, text: str) -> None:
    assert pattern.split(text) == pattern.split_by_regex(text)


def test_splits_as_regex_many_random_texts(pattern: SplitPattern) -> None:
    random_source = random.Random(0)
    for _ in range(300):
        text = "".join(random_source.choices(TELLING, k=random_source.randrange(1, 200)))
        assert pattern.split(text) == pattern.split_by_regex(text), text


def test_splits_every_character_between_letters_as_regex(pattern: SplitPattern) -> None:
    points = [chr(point) for point in range(0x110000) if not 0xD800 <= point < 0xE000]
    text = "".join(f"{character}x{character}{character} " for character in points)
    assert pattern.split(text) == pattern.split_by_regex(text)


@pytest.mark.parametrize(
    ("bit", "expression"),
    [
        (LETTER, r"\p{L}"),
        (NUMBER, r"\p{N}"),
        (SPACE, r"\s"),
        (NEWLINE, r"[\r\n]"),
        (OTHER, r"[^\s\p{L}\p{N}]"),
        (UPPER, r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"),
        (LOWER, r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"),
        (PREFIX, r"[^\r\n\p{L}\p{N}]"),
    ],
)
def test_classes_are_those_of_regex(bit: int, expression: str) -> None:
    everything = "".join(chr(point) for point in range(0x110000))
    matched = {ord(character) for character in regex.findall(expression, everything)}
    classes = character_classes()
    assert matched == set((classes & bit).nonzero()[0].tolist())


@pytest.mark.shared
def test_splits_shared_text_as_regex(pattern: SplitPattern, shared: Path) -> None:
    files = ["text/tinyshakespeare.txt", "text/wikipedia-sample.txt", "tokenizer/udhr-1.jsonl"]
    for name in files:
        text = (shared / name).read_text(encoding="utf-8")
        assert pattern.split(text) == pattern.split_by_regex(text)


def test_digit_groups() -> None:
    def split(digits: int) -> list[str]:
        return SplitPattern(pattern_text("llama3", digits)).split("a12345")

    assert split(1) == ["a", "1", "2", "3", "4", "5"]
    assert split(2) == ["a", "12", "34", "5"]
    assert split(3) == ["a", "123", "45"]
