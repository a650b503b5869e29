"""What each filter allows: thresholds, with the paper that each default is from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from groundup.config import Config

Length = Annotated[int, Field(ge=2, le=64)]
Share = Annotated[float, Field(ge=0, le=1)]
WordKind = Literal["pieces", "spaces"]

ENGLISH_STOP_WORDS = (
    "a about after all also an and any are as at be because been but by can could did do for from"
    " had has have he her him his how i if in into is it its just like me more my no not of on one"
    " or other our out she so some than that the their them then there these they this to up us was"
    " we were what when which who will with would you your"
)


class PublishedConfig(Config):
    """Thresholds of a published filter. Each can be None, which switches that check off."""

    implementation: Literal["paper", "datatrove"] = "paper"
    """Whom to follow where they differ: the "paper", or the code of "datatrove", with which FineWeb
    was made. Thresholds that differ have datatrove's value with "datatrove", unless given. Words
    stand between white space for "paper"; for "datatrove" they are cut further, as spaCy does it,
    and punctuation marks are words too (see ``filters.words``)."""

    datatrove: ClassVar[Mapping[str, Any]] = {}
    """The defaults that differ."""

    @model_validator(mode="before")
    @classmethod
    def _take_datatroves_defaults(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("implementation") == "datatrove":
            return {**cls.datatrove, **values}
        return values

    @property
    def word_kind(self) -> WordKind:
        """What is a word here."""
        return "pieces" if self.implementation == "datatrove" else "spaces"


class GopherQualityConfig(PublishedConfig):
    """When a text does not read like one ("Quality Filtering")."""

    min_words: Annotated[int, Field(ge=0)] | None = 50
    """Fewer words drop the text; those of punctuation alone are not counted."""

    max_words: Annotated[int, Field(ge=1)] | None = 100_000
    """More words drop the text; those of punctuation alone are not counted."""

    min_word_length: Annotated[float, Field(ge=0)] | None = 3.0
    """Characters in a word on average, below which the text is dropped."""

    max_word_length: Annotated[float, Field(ge=0)] | None = 10.0
    """Characters in a word on average, above which the text is dropped."""

    max_symbols_per_word: Annotated[float, Field(ge=0)] | None = 0.1
    """Signs # for each word, or ellipses (… or ...) for each word, above which it is dropped."""

    max_bullet_lines: Share | None = 0.9
    """Share of lines that begin with a bullet (• or -) above which the text is dropped."""

    max_ellipsis_lines: Share | None = 0.3
    """Share of lines that end with an ellipsis above which the text is dropped."""

    min_words_with_letters: Share | None = 0.8
    """Share of words with a letter in them below which the text is dropped. With
    implementation = "datatrove" punctuation marks are words without a letter, so that texts with
    much dialogue come close to it."""

    min_stop_words: Annotated[int, Field(ge=0)] | None = 2
    """How many different words of ``stop_words`` must be in the text, spelled just so."""

    stop_words: tuple[str, ...] = ("the", "be", "to", "of", "and", "that", "have", "with")
    """Words that English text can hardly do without."""


class GopherRepetitionConfig(PublishedConfig):
    """How much of a text may be there twice ("Repetition Removal", table A1).

    What comes again is counted, not its first occurrence; all shares of characters are of the whole
    text's, white space included. See ``filters.lines`` and ``filters.ngrams``.
    """

    max_duplicate_lines: Share | None = 0.3
    """Share of lines that came before, above which the text is dropped."""

    max_duplicate_paragraphs: Share | None = 0.3
    """Share of paragraphs that came before, above which the text is dropped."""

    max_duplicate_line_characters: Share | None = 0.2
    """Share of characters in lines that came before."""

    max_duplicate_paragraph_characters: Share | None = 0.2
    """Share of characters in paragraphs that came before."""

    max_top_ngrams: tuple[tuple[Length, Share], ...] = ((2, 0.20), (3, 0.18), (4, 0.16))
    """Lengths in words, and for each the share of characters that the most frequent n-gram of that
    length may have."""

    max_duplicate_ngrams: tuple[tuple[Length, Share], ...] = (
        (5, 0.15),
        (6, 0.14),
        (7, 0.13),
        (8, 0.12),
        (9, 0.11),
        (10, 0.10),
    )
    """Lengths in words, and for each the share of characters that n-grams which came before may
    have."""


class FineWebConfig(PublishedConfig):
    """When a page is more list than text. Lines of white space alone are not counted.

    The paper drops a page that reaches a threshold, datatrove one that passes it.
    """

    min_terminal_lines: Share | None = 0.12
    """Share of lines whose last character ends a sentence, at or below which a page is dropped."""

    short_line_length: Annotated[int, Field(ge=1)] = 30
    """Characters below which a line is short; with implementation = "datatrove", a line of just so
    many is short too."""

    max_short_lines: Share | None = 0.67
    """Share of short lines at or above which a page is dropped."""

    max_duplicate_line_characters: Share | None = 0.1
    """Share of characters, line feeds aside, in lines that came before, at or above which a page is
    dropped. 0.1 in the paper; 0.01 with implementation = "datatrove"."""

    max_newlines_per_word: Annotated[float, Field(ge=0)] | None = None
    """Line feeds for each word, at or above which a page is dropped. Not in the paper; 0.3 with
    implementation = "datatrove"."""

    datatrove: ClassVar[Mapping[str, Any]] = {
        "max_duplicate_line_characters": 0.01,
        "max_newlines_per_word": 0.3,
    }


class C4Config(PublishedConfig):
    """Which lines a page loses, and which pages are dropped.

    The paper's list of bad words is not part of it: name a list in ``BlockedWordsConfig``. Words
    stand between white space in either implementation. The paper drops a page with a curly bracket
    or "lorem ipsum" anywhere, datatrove only if a line has it that would stay otherwise.
    """

    line_endings: tuple[str, ...] = (".", "?", "!", '"')
    """What a line must end with to stay, but never with three dots; none keeps all lines. With
    implementation = "datatrove" an apostrophe will do as well."""

    min_line_words: Annotated[int, Field(ge=0)] | None = 5
    """Lines of fewer words are taken out. 5 in the paper on arXiv and in its authors' code; 3, as
    in its journal version (JMLR 21), with implementation = "datatrove"."""

    max_word_length: Annotated[int, Field(ge=1)] | None = None
    """Lines with a word of more characters are taken out. Not in the paper; 1000 with
    implementation = "datatrove", as in the later code of C4's authors."""

    min_sentences: Annotated[int, Field(ge=0)] | None = 3
    """Pages of fewer sentences, in the lines that stay, are dropped. 3 and 5, likewise."""

    remove_citations: bool = True
    """Take out Wikipedia's [1], [edit] and [citation needed]."""

    drop_javascript_lines: bool = True
    """Take out lines with the word JavaScript."""

    drop_policy_lines: bool = True
    """Take out lines on terms of use, privacy and cookies."""

    drop_lorem_ipsum: bool = True
    """Drop pages with "lorem ipsum"."""

    drop_curly_brackets: bool = True
    """Drop pages with an opening curly bracket: they hold code."""

    datatrove: ClassVar[Mapping[str, Any]] = {
        "line_endings": (".", "?", "!", '"', "'"),
        "min_line_words": 3,
        "max_word_length": 1000,
        "min_sentences": 5,
    }


class MC4Config(Config):
    """mC4's line filter (Xue et al. 2021, arXiv 2010.11934, section 3.1), for any language: it asks
    for long lines where C4 asks for punctuation, which not every language writes.
    """

    min_lines: Annotated[int, Field(ge=1)] = 3
    """How many long lines a page must have."""

    min_line_length: Annotated[int, Field(ge=1)] = 200
    """Characters in a long line."""


class RatiosConfig(Config):
    """Shares that text rarely has. None switches a check off.

    White space is no part of the characters that shares are of. The first two bounds are those of
    NeMo Curator for English (``NonAlphaNumericFilter``, ``NumbersFilter``); the third is ours.
    """

    max_symbols: Share | None = 0.25
    """Share of characters that are neither letters nor digits, above which a text is dropped."""

    max_digits: Share | None = 0.15
    """Share of characters that are digits, above which a text is dropped."""

    max_upper_case: Share | None = 0.5
    """Share of letters in upper case, above which a text is dropped."""


class StopWordsConfig(Config):
    """How many of a text's words are those that every text is full of.

    ROOTS filters by this share (Laurençon et al. 2022, arXiv 2303.03915), with a bound for each
    language; the one here is ours, for English and its words below.
    """

    min_share: Share = 0.1
    """Share of words that are stop words, below which a text is dropped. Lists and tables have
    less, and so has text in another language."""

    words: Annotated[tuple[str, ...], Field(min_length=1)] = tuple(ENGLISH_STOP_WORDS.split())
    """The stop words; those of the text count if they are spelled just so or capitalised."""


class TokensConfig(Config):
    """How many tokens of a tokenizer a word takes. The bounds are ours: with a vocabulary made for
    it, text takes 1.2 to 1.6 tokens a word; base64, hashes and scripts that the vocabulary does not
    know take many more.
    """

    tokenizer: Path | None = None
    """The tokenizer: a model folder, such as runs/web/base, or a file that groundup reads."""

    max_tokens_per_word: Annotated[float, Field(gt=0)] | None = 4.0
    """Tokens for each word between white space, above which a text is dropped."""

    min_tokens_per_word: Annotated[float, Field(ge=0)] | None = None
    """Tokens for each word between white space, below which a text is dropped."""


class BlockedWordsConfig(Config):
    """Words and phrases that drop a text (C4, arXiv 1910.10683, section 2.2, takes such a list)."""

    words: tuple[str, ...] = ()
    """Words and phrases, in any case."""

    file: Path | None = None
    """A file with more of them, one a line; lines that begin with # are comments."""

    whole_words: bool = True
    """They must stand between other characters than letters, digits and underscores. False finds
    them anywhere, as text without spaces between words needs."""

    min_occurrences: Annotated[int, Field(ge=1)] = 1
    """How many different ones of the list drop a text. C4 takes 1."""


class BlockedUrlsConfig(Config):
    """Addresses whose pages are dropped, whatever is on them."""

    domains: tuple[str, ...] = ()
    """Domains, with everything below them: "example.org" is also "www.example.org"."""

    domains_file: Path | None = None
    """A file with more of them, one a line."""

    substrings: tuple[str, ...] = ()
    """What an address must not have in it, in any case."""

    substrings_file: Path | None = None
    """A file with more of them, one a line."""


class CodeConfig(Config):
    """Which source files are kept. None switches a check off."""

    max_mean_line_length: Annotated[float, Field(gt=0)] | None = 100.0
    """Characters in a line on average, above which a file is dropped."""

    max_line_length: Annotated[int, Field(gt=0)] | None = 1000
    """Characters in the longest line, above which a file is dropped."""

    min_alphanumeric: Annotated[float, Field(ge=0, le=1)] | None = 0.25
    """Share of letters and digits in all characters, below which a file is dropped."""

    drop_generated: bool = True
    """Drop files that say in their first lines that a program wrote them."""

    python_must_parse: bool = False
    """Drop what is no Python that this Python's own parser accepts."""

    licences: tuple[str, ...] | None = None
    """The licences to keep, by SPDX identifier ("MIT", "Apache-2.0"). Without it all are kept."""

    keep_without_licence: bool = True
    """With ``licences``: keep files that name no licence in their first lines, as most do."""

    header_lines: Annotated[int, Field(ge=1)] = 30
    """With ``licences``: how many first lines are searched for one. A mark of generated files must
    be in the first five, as in GitHub's own detection (linguist) and CodeParrot."""

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if self.licences is None:
            self.refuse_idle("keep_without_licence", "header_lines", why="without licences")
        return self
