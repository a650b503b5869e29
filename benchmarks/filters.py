"""Heuristic filters: groundup against datatrove, in speed and in what they decide.

    python benchmarks/filters.py [--data ../shared/data] [--documents 2000] [--rounds 3]

Both run the same chain of presets, Gopher repetition, Gopher quality, C4 and FineWeb with
datatrove's thresholds, on the same documents in one thread, by turns in one process. A ratio is
datatrove's median time over ours.

datatrove asks a tokenizer for words, by default spaCy's English one. What it costs is not
datatrove's doing, so datatrove runs with up to three:

- *words for nothing*: the words that we cut, looked up by text. No tokenizer is faster than that,
  so this ratio is the least there can be. The decisions are compared here.
- *regular expression*: letters and digits in a row, or one other character. A simple one.
- *spaCy*: where it is installed, in the first round only. The decisions are compared here too.

Documents are stories and web pages, and of every third one a spoiled copy: shuffled, repeated, cut
off, in capitals, as a list, with short lines or with dots. The web pages are extracted without
looking for the main content, so they bring their menus along. None is longer than 8,000
characters, so that spaCy is done in minutes.
"""

import argparse
import importlib.util
import json
import lzma
import os
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)
from datatrove.utils.text import split_into_parts
from datatrove.utils.word_tokenizers import WordTokenizer
from resiliparse.extract.html2text import extract_plain_text

from groundup.corpus.filters import (
    C4Config,
    FineWebConfig,
    GopherQualityConfig,
    GopherRepetitionConfig,
)
from groundup.corpus.filters.c4 import C4
from groundup.corpus.filters.characters import encode
from groundup.corpus.filters.fineweb import FineWeb
from groundup.corpus.filters.gopher import GopherQuality, GopherRepetition
from groundup.corpus.filters.rule import Chain
from groundup.corpus.filters.sentences import count_sentences
from groundup.corpus.filters.words import cut_words

STORIES = (
    "onestop-english",
    "picture-books",
    "picture-books-india",
    "fairytales",
    "speeches",
    "synthetic-campfire",
    "synthetic-stories",
    "childrens-books",
)
PAGES = ("article-extraction-1", "extraction-segments-1")
MOST_CHARACTERS = 8_000
BATCH = 500

SPACY = "datatrove, spaCy"

Verdicts = list[str | None]


def read_documents(folder: Path, num_real: int) -> list[str]:
    """Return so many real documents, and spoiled copies of a third."""
    rows: list[list[str]] = []
    for name in STORIES:
        lines = lzma.decompress((folder / "text" / f"{name}.jsonl.xz").read_bytes()).splitlines()
        rows.append([json.loads(line)["text"] for line in lines])
    for name in ("text/c4-sample.jsonl", "web/common-crawl-text-0091.jsonl"):
        lines = (folder / name).read_bytes().splitlines()
        rows.append([json.loads(line)["text"] for line in lines])
    for name in PAGES:
        lines = lzma.decompress((folder / "web" / f"{name}.jsonl.xz").read_bytes()).splitlines()
        rows.append([extract_plain_text(json.loads(line)["html"]) for line in lines])
    random = Random(1)
    documents: list[str] = []
    found = 0
    for turn in range(max(map(len, rows))):  # one of each source at a time
        for text in [row[turn][:MOST_CHARACTERS] for row in rows if turn < len(row)]:
            if text.strip():
                documents += [text, spoil(text, random)] if random.random() < 1 / 3 else [text]
                found += 1
                if found == num_real:
                    return documents
    raise SystemExit(f"there are only {found:,} documents; take fewer with --documents")


def spoil(text: str, random: Random) -> str:
    """Return what a filter should mind."""
    words = text.split()
    match random.randrange(7):
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
            return "\n".join(f"- {line}" for line in text.split("\n"))
        case 5:
            return "\n".join(" ".join(words[i : i + 4]) for i in range(0, len(words), 4))
        case _:
            return text.replace(".", "...")


class GivenWords(WordTokenizer):
    """Hands out words and numbers of sentences that were made before."""

    def __init__(self, documents: Sequence[str]) -> None:
        super().__init__()
        self.words: dict[str, list[str]] = {}
        self.sentences: dict[str, int] = {}
        self.add(documents)

    def add(self, texts: Sequence[str]) -> None:
        """Make the words and sentences of these texts."""
        characters, offsets = encode(texts)
        words = cut_words(characters, offsets[:-1], offsets[1:], "pieces")
        starts, ends = words.starts.tolist(), words.ends.tolist()
        for row, text in enumerate(texts):
            mine = range(words.offsets[row], words.offsets[row + 1])
            self.words[text] = [text[starts[word] : ends[word]] for word in mine]
        self.sentences |= dict(zip(texts, count_sentences(texts).tolist(), strict=True))

    def word_tokenize(self, text: str) -> list[str]:
        """Return the words of a text."""
        if text not in self.words:
            self.add([text])
        return self.words[text]

    def sent_tokenize(self, text: str) -> list[str]:
        """No filter asks for it."""
        raise NotImplementedError

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Return one pair for each sentence: filters count them."""
        if text not in self.sentences:
            self.add([text])
        return [(0, 0)] * self.sentences[text]


class RegularExpression(WordTokenizer):
    """Cuts words and sentences simply."""

    word = re.compile(r"\w+|[^\w\s]")
    sentence = re.compile(r"[^.!?]+[.!?]*")

    def word_tokenize(self, text: str) -> list[str]:
        """Return the words of a text."""
        return self.word.findall(text)

    def sent_tokenize(self, text: str) -> list[str]:
        """No filter asks for it."""
        raise NotImplementedError

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        """Return one pair for each sentence: filters count them."""
        return [match.span() for match in self.sentence.finditer(text)]


def datatrove(documents: Sequence[str], language: Any) -> Verdicts:
    """Return the first filter's reason to drop each document, None if all keep it."""
    split_into_parts.cache_clear()
    filters = [
        GopherRepetitionFilter(language=language),
        GopherQualityFilter(language=language),
        C4QualityFilter(language=language),
        FineWebQualityFilter(language=language),
    ]
    verdicts: Verdicts = []
    for text in documents:
        document = Document(text=text, id="")
        verdict = None
        for step in filters:
            result = step.filter(document)
            if result is not True:
                verdict = result[1]
                break
        verdicts.append(verdict)
    return verdicts


def groundup(documents: Sequence[str]) -> Verdicts:
    """Return the first rule's reason to drop each document, None if all keep it."""
    code: Any = "datatrove"
    chain = Chain(
        [
            GopherRepetition(GopherRepetitionConfig(implementation=code)),
            GopherQuality(GopherQualityConfig(implementation=code)),
            C4(C4Config(implementation=code)),
            FineWeb(FineWebConfig(implementation=code)),
        ]
    )
    starts = range(0, len(documents), BATCH)
    return [verdict for start in starts for verdict in chain(documents[start : start + BATCH])]


def race(
    contenders: Mapping[str, Callable[[], Verdicts]], rounds: int, num_bytes: int
) -> tuple[dict[str, float], dict[str, Verdicts]]:
    """Return each contender's median seconds, and its verdicts; they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    verdicts: dict[str, Verdicts] = {}
    for turn in range(rounds):
        for name, work in contenders.items():
            if turn and name == SPACY:
                continue
            start = time.perf_counter()
            verdicts[name] = work()
            seconds[name].append(time.perf_counter() - start)
    for name, times in seconds.items():
        median = statistics.median(times)
        spread = f"{min(times):.2f} to {max(times):.2f} s"
        print(f"  {name:<36}{median:8.2f} s{num_bytes / 1e6 / median:9.2f} MB/s   {spread}")
    return {name: statistics.median(times) for name, times in seconds.items()}, verdicts


def compare(name: str, ours: Verdicts, theirs: Verdicts) -> float:
    """Print in what verdicts differ; return the share that one side keeps and the other drops."""
    pairs = Counter(zip(map(_kept, ours), map(_kept, theirs), strict=True))
    differing = sum(count for (mine, other), count in pairs.items() if mine != other)
    share = differing / len(ours)
    print(f"  {name}: {differing} of {len(ours):,} decisions differ ({share:.2%})")
    reasons = Counter(
        (mine, other)
        for mine, other in zip(ours, theirs, strict=True)
        if _kept(mine) != _kept(other)
    )
    for (mine, other), count in reasons.most_common(8):
        print(f"    {count:5} × ours {mine or 'keeps'}, datatrove {other or 'keeps'}")
    return share


def _kept(verdict: str | None) -> bool:
    return verdict is None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("GROUNDUP_SHARED", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default), help="the shared data folder")
    parser.add_argument("--documents", type=int, default=2000, help="real ones")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    documents = read_documents(arguments.data, arguments.documents)
    num_bytes = sum(len(text.encode()) for text in documents)
    given, simple = GivenWords(documents), RegularExpression()
    contenders: dict[str, Callable[[], Verdicts]] = {
        "groundup": lambda: groundup(documents),
        "datatrove, words for nothing": lambda: datatrove(documents, given),
        "datatrove, regular expression": lambda: datatrove(documents, simple),
    }
    if importlib.util.find_spec("spacy"):
        contenders[SPACY] = lambda: datatrove(documents, "eng")
    else:
        print("spaCy is not installed: datatrove's default words are not compared")
    groundup(documents)  # compiles
    datatrove(documents, given)  # looks every line up that C4 counts sentences of
    spoiled = len(documents) - arguments.documents
    print(f"{arguments.documents:,} documents and {spoiled:,} spoiled copies,", end=" ")
    print(f"{num_bytes / 1e6:.1f} MB, one thread")
    seconds, verdicts = race(contenders, arguments.rounds, num_bytes)
    ours = verdicts["groundup"]
    print(f"  kept {ours.count(None):,} of {len(ours):,}")
    ratios = {f"chain / {peer}": seconds[peer] / seconds["groundup"] for peer in seconds}
    ratios.pop("chain / groundup")
    for peer in list(contenders)[1:]:
        ratios[f"differing / {peer}"] = compare(peer, ours, verdicts[peer])
    for name, ratio in ratios.items():
        print(f"{name:<50}{ratio:10.4f}")
    rounded = {name: float(np.round(ratio, 4)) for name, ratio in ratios.items()}
    print(json.dumps({"benchmark": "filters", "ratios": rounded}))


if __name__ == "__main__":
    main()
