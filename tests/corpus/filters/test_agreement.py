"""Decisions are datatrove's, reason by reason, on real documents and on spoiled ones.

datatrove takes its words from spaCy. Where that is not installed, it is given words by the regular
expressions of ``reference.pieces``: then all that is compared is what is made of them.
"""

import importlib.util
import json
import lzma
import os
import unicodedata
from collections import Counter
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest

from groundup.corpus.filters import (
    C4Config,
    FineWebConfig,
    GopherQualityConfig,
    GopherRepetitionConfig,
)
from groundup.corpus.filters.c4 import C4, MC4
from groundup.corpus.filters.characters import TERMINAL, character_table
from groundup.corpus.filters.english import special_words
from groundup.corpus.filters.fineweb import FineWeb
from groundup.corpus.filters.gopher import GopherQuality, GopherRepetition
from groundup.corpus.filters.rule import Rule, judge
from groundup.reference import pieces

pytestmark = [pytest.mark.shared, pytest.mark.slow]
datatrove_filters = pytest.importorskip("datatrove.pipeline.filters")

STORIES = (
    ("onestop-english", 450),
    ("picture-books", 550),
    ("picture-books-india", 500),
    ("fairytales", 200),
    ("speeches", 100),
    ("synthetic-campfire", 150),
    ("synthetic-stories", 150),
    ("childrens-books", 20),
)
MOST_CHARACTERS = 2_500
PRESETS = (
    "repetition",
    "quality",
    "c4",
    "mc4",
    "fineweb",
    "fineweb with the paper's share of duplicates",
    "c4 with the paper's numbers",
)


@pytest.fixture(scope="module")
def documents(shared: Path) -> list[str]:
    """Return real documents, all cut to the same length, and then spoiled ones."""
    html2text = pytest.importorskip("resiliparse.extract.html2text")
    real = []
    for name, count in STORIES:
        lines = lzma.decompress((shared / "text" / f"{name}.jsonl.xz").read_bytes()).splitlines()
        real += [json.loads(line)["text"] for line in lines[:count]]
    for name in ("text/c4-sample.jsonl", "web/common-crawl-text-0091.jsonl"):
        real += [json.loads(line)["text"] for line in (shared / name).read_text().splitlines()]
    for name in ("article-extraction-1", "extraction-segments-1"):
        pages = lzma.decompress((shared / "web" / f"{name}.jsonl.xz").read_bytes()).splitlines()
        real += [html2text.extract_plain_text(json.loads(page)["html"]) for page in pages]
    real = [text[:MOST_CHARACTERS] for text in real if text.strip()]
    assert len(real) >= 2_000
    random = Random(1)
    texts = real + [spoil(text, random) for text in real[::3]]
    # spaCy takes minutes for all of them
    return texts if "GROUNDUP_COMPLETE" in os.environ else texts[::8]


def spoil(text: str, random: Random) -> str:
    words, lines = text.split(), text.split("\n")
    match random.randrange(8):
        case 0:
            random.shuffle(words)
            return " ".join(words)
        case 1:
            return (text[:500] + "\n") * 4
        case 2:
            return text[: random.randrange(50, 400)]
        case 3:
            return text.upper()
        case 4:
            return "\n".join(f"- {line}" for line in lines)
        case 5:
            return "\n".join(" ".join(words[i : i + 4]) for i in range(0, len(words), 4))
        case 6:
            return text.replace(".", "...")
        case _:
            noise = (
                "",
                " #",
                " {",
                "...",
                " See our privacy policy.",
                " JavaScript",
                " [12]",
                " [1].",
            )
            return "\n".join(line + random.choice(noise) for line in lines)


@pytest.fixture(scope="module")
def language() -> Any:
    """Return what datatrove takes words and sentences from."""
    if importlib.util.find_spec("spacy"):
        return "eng"
    tokenizers = pytest.importorskip("datatrove.utils.word_tokenizers")

    @cache
    def cut(text: str) -> tuple[str, ...]:
        return tuple(pieces.cut(text, special_words()))

    class Pieces(tokenizers.WordTokenizer):  # type: ignore[misc, name-defined]
        def word_tokenize(self, text: str) -> list[str]:
            return list(cut(text))

        def sent_tokenize(self, text: str) -> list[str]:
            raise NotImplementedError

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            words, sentences, ended = self.word_tokenize(text), 0, False
            for word in words:
                if len(word) == 1 and character_table()[ord(word)] & TERMINAL:
                    ended = True
                elif ended and not all(unicodedata.category(c)[0] == "P" for c in word):
                    sentences, ended = sentences + 1, False
            return [(0, len(text))] * (sentences + bool(words))

    return Pieces()


def filters(language: Any) -> dict[str, tuple[Any, Rule]]:
    """Return for each preset datatrove's filter and ours."""
    d = datatrove_filters
    code: Any = "datatrove"
    return {
        "repetition": (
            d.GopherRepetitionFilter(language=language),
            GopherRepetition(GopherRepetitionConfig(implementation=code)),
        ),
        "quality": (
            d.GopherQualityFilter(language=language),
            GopherQuality(GopherQualityConfig(implementation=code)),
        ),
        "c4": (d.C4QualityFilter(language=language), C4(C4Config(implementation=code))),
        "mc4": (d.C4ParagraphFilter(), MC4()),
        "fineweb": (
            d.FineWebQualityFilter(language=language),
            FineWeb(FineWebConfig(implementation=code)),
        ),
        "fineweb with the paper's share of duplicates": (
            d.FineWebQualityFilter(language=language, char_duplicates_ratio=0.1),
            FineWeb(FineWebConfig(implementation=code, max_duplicate_line_characters=0.1)),
        ),
        "c4 with the paper's numbers": (
            d.C4QualityFilter(language=language, min_num_sentences=3, min_words_per_line=5),
            C4(C4Config(implementation=code, min_sentences=3, min_line_words=5)),
        ),
    }


@pytest.mark.parametrize("preset", PRESETS)
def test_decisions_are_datatroves(preset: str, documents: list[str], language: Any) -> None:
    from datatrove.data import Document

    theirs, ours = filters(language)[preset]
    expected = []
    for text in documents:
        document = Document(text=text, id="")
        result = theirs.filter(document)
        expected.append((document.text, None if result is True else result[1]))
    found = [(text, _datatroves(reason)) for text, reason in judge(ours, documents).edits]
    differing = Counter(
        (theirs[1], mine[1])
        for theirs, mine in zip(expected, found, strict=True)
        if theirs[1] != mine[1] or (theirs[1] is None and theirs[0] != mine[0])
    )
    dropped = sum(reason is not None for _, reason in expected)
    assert 0.02 < dropped / len(documents) < 0.9  # so that there is something to agree on
    # Given the same words there is nothing left to differ in. spaCy's words are not quite ours: see
    # ``filters.words`` for the rules that are followed. Most that differs is in Gujarati and in
    # Malayalam (23 of 24 among 3,486 for Gopher quality); an eighth may have more of them.
    complete = "GROUNDUP_COMPLETE" in os.environ
    allowed = (0.01 if complete else 0.02) if language == "eng" else 0.0
    assert sum(differing.values()) <= allowed * len(documents), differing


def _datatroves(reason: str | None) -> str | None:
    """Return datatrove's name for one of our reasons."""
    if reason is None or reason == "mc4_too_few_long_lines":
        return reason and "< 3 paragraphs"
    prefix, _, name = reason.partition("_")
    if prefix == "gopher" and not name.startswith(("dup", "top")):
        return reason
    return name
