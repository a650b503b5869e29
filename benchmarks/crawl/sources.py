"""What a made-up crawl is made of, from the shared data: good texts, messages, evaluation items.

A text is a list of paragraphs. Good ones are stories and passages of books. No text serves two
purposes: each is for the crawl, for validation or for training classifiers, by its hash.
"""

import csv
import gzip
import hashlib
import html
import json
import lzma
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, Literal

Text = list[str]
Purpose = Literal["crawl", "validation", "classifiers"]

MIN_WORDS = 100
"""A good text has as many words or more."""
PASSAGE = 3000
"""Characters of a passage of a book, rounded up to a paragraph."""
SHUFFLE = 2000
"""Texts that are held to be drawn from."""
BENCHMARKS = {
    "gsm8k": ("gsm8k-test-first660.jsonl", "question"),
    "boolq": ("boolq-1.jsonl", "passage"),
    "arc-easy": ("arc-easy-1.jsonl", "query"),
    "mmlu": ("mmlu-1-test.jsonl.xz", "question"),
}
"""Evaluation sets that leak: name → file, and the field that is planted."""
NGRAM = 13
"""Words that a planted item has at least."""


def good_texts(data: Path, purpose: Purpose, seed: int) -> Iterator[Text]:
    """Stream texts for a purpose, shuffled; memory is bounded by ``SHUFFLE`` texts."""
    random = Random(f"texts {seed}")
    held: list[Text] = []
    for text in _in_turn(data):
        if len(" ".join(text).split()) < MIN_WORDS or _purpose(text) != purpose:
            continue
        held.append(text)
        if len(held) > SHUFFLE:
            at = random.randrange(len(held))
            held[at], held[-1] = held[-1], held[at]
            yield held.pop()
    random.shuffle(held)
    yield from held


def _purpose(text: Text) -> Purpose:
    place = hashlib.sha256("\n".join(text).encode()).digest()[0] / 256
    return "validation" if place < 0.08 else "classifiers" if place < 0.16 else "crawl"


def _in_turn(data: Path) -> Iterator[Text]:
    """Take a text of each source at a time, until all are through."""
    folder = data / "text"
    books = ("childrens-books", *(f"classic-books-{part}" for part in range(1, 5)))
    sources = [
        _stories(folder / "synthetic-stories.jsonl.xz"),
        _stories(folder / "synthetic-campfire.jsonl.xz"),
        _articles(folder / "onestop-english.jsonl.xz"),
        *(_passages(folder / f"{name}.jsonl.xz") for name in books),
    ]
    while sources:
        for source in list(sources):
            text = next(source, None)
            if text is None:
                sources.remove(source)
            else:
                yield text


def _stories(path: Path) -> Iterator[Text]:
    for row in _rows(path):
        yield _paragraphs(row["text"])


def _articles(path: Path) -> Iterator[Text]:
    """Give each article once: its levels are near-copies of one another."""
    for row in _rows(path):
        if row["level"] == "advanced":
            yield _paragraphs(row["text"])


def _passages(path: Path) -> Iterator[Text]:
    for row in _rows(path):
        passage: Text = []
        for paragraph in _paragraphs(row["text"]):
            passage.append(paragraph)
            if sum(map(len, passage)) >= PASSAGE:
                yield passage
                passage = []


def _paragraphs(text: str) -> Text:
    """Cut into paragraphs, without Markdown."""
    plain = re.sub(r"^#+ .*$|[*_]{1,3}(?=\S)|(?<=\S)[*_]{1,3}", "", text, flags=re.MULTILINE)
    return [" ".join(line.split()) for line in plain.split("\n") if line.strip()]


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with (
        lzma.open(path, "rt", encoding="utf-8")
        if path.suffix == ".xz"
        else path.open(encoding="utf-8") as file
    ):
        for line in file:
            yield json.loads(line)


def read_tweets(data: Path, *, for_crawl: bool) -> tuple[list[str], list[str]]:
    """Return offensive tweets and others: of every second row, so that there are two halves."""
    path = data / "classify" / "hate-offensive-tweets.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[for_crawl::2]
    said = [(row["class"], " ".join(html.unescape(row["tweet"]).split())) for row in rows]
    return [t for label, t in said if label != "2"], [t for label, t in said if label == "2"]


def read_messages(data: Path, *, for_crawl: bool) -> tuple[list[str], list[str]]:
    """Return spam messages and others, of every second row."""
    lines = (data / "classify" / "sms-spam.tsv").read_text(encoding="utf-8").split("\n")
    rows = [line.split("\t", 1) for line in lines if line][for_crawl::2]
    return [t for label, t in rows if label == "spam"], [t for label, t in rows if label != "spam"]


def read_foreign(data: Path) -> list[tuple[str, Text]]:
    """Return texts in other languages, with the names that their sources give these."""
    texts = []
    for row in _rows(data / "tokenizer" / "udhr-1.jsonl"):
        if row["language"] != "eng":
            lines = _paragraphs(row["text"])
            texts += [(row["language"], lines[at : at + 25]) for at in range(0, len(lines), 25)]
    for row in _rows(data / "text" / "picture-books-india.jsonl.xz"):
        texts.append((row["language"], _paragraphs(row["text"])))
    return [(language, text) for language, text in texts if sum(map(len, text)) > 300]


def read_items(data: Path) -> list[tuple[str, str]]:
    """Return name of the benchmark and text of evaluation items that are long enough to find."""
    return [
        (name, " ".join(row[field].removeprefix("Question: ").split()))
        for name, (file, field) in BENCHMARKS.items()
        for row in _rows(data / "eval" / file)
        if len(re.findall(r"\w+", row[field])) >= NGRAM + 2
    ]
