"""Patterns mean here what they mean to the tokenizers library, or are refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Regex
from tokenizers.pre_tokenizers import Split

from groundup.errors import UserError
from groundup.tokenizer.bpe.oniguruma import from_oniguruma, to_oniguruma
from groundup.tokenizer.bpe.patterns import CL100K, GPT2, LLAMA3, O200K, R50K, SplitPattern

PUBLISHED = {"gpt2": GPT2, "r50k": R50K, "llama3": LLAMA3, "cl100k": CL100K, "o200k": O200K}
OWN = {
    "two digits": CL100K.replace("{1,3}", "{1,2}"),
    "one digit": LLAMA3.replace("{1,3}", ""),
    "a set": r"[a-z\]]{2,3}+|\s{1,}+|x{2}+|.",
    "many sets": r"[!-/:-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*",
}
texts = st.text("ab1 2\n\r'sé]你!x\u3000", max_size=40)


@pytest.mark.parametrize("pattern", (PUBLISHED | OWN).values(), ids=PUBLISHED | OWN)
@given(text=texts)
def test_a_pattern_cuts_in_the_library_as_it_does_here(pattern: str, text: str) -> None:
    theirs = Split(Regex(to_oniguruma(pattern)), "isolated")
    ours = [word for word in SplitPattern(pattern).split(text) if word]
    assert [word for word, _ in theirs.pre_tokenize_str(text)] == ours


@pytest.mark.parametrize("pattern", (PUBLISHED | OWN).values(), ids=PUBLISHED | OWN)
def test_a_pattern_comes_back_as_it_was(pattern: str) -> None:
    assert from_oniguruma(to_oniguruma(pattern)) == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        r"\p{N}{1,3}+|x",
        CL100K,
        r"a$",
        r"^a",
        r"\h+",
        r"\w+",
        r"[\p{L}&&[^a]]",
        r"[[:alpha:]]",
        r"\Za",
    ],
)
def test_what_the_library_reads_differently_is_refused(pattern: str) -> None:
    with pytest.raises(UserError, match="one thing here and another to the tokenizers library"):
        from_oniguruma(pattern)


@pytest.mark.parametrize("pattern", [r"\p{L}*", r"a|"])
def test_a_pattern_that_may_match_nothing_is_refused(pattern: str) -> None:
    """The library goes on after an empty match in its own way."""
    with pytest.raises(UserError, match="matches nothing"):
        from_oniguruma(pattern)
