"""The kinds of pages in a made-up crawl: how each is made, its share, and its right fate."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Literal

from crawl import sources, texts
from crawl.records import Damage
from crawl.sources import Text

ORIGINALS = 400
"""Pages that copies are made of, at a time."""
SIMILARITIES = (0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)

Fate = Literal["keep", "drop", "lose", "one of two", "skip", "error", "either"]
"""What should become of a page: its text stays; it goes; it goes, or only the lines in ``values``;
it or its original goes; it is passed over as no page; it is an error; nobody could tell."""


@dataclass
class Planted:
    """What is made up of a page before it is written; most pages need the first lines only."""

    text: Text
    """Paragraphs that should come out, if anything should."""
    body: Text | None = None
    """What stands in the page, where that is something else."""
    original: int | None = None
    """The page that this one is a copy of."""
    similarity: float | None = None
    """Jaccard similarity of word 5-grams to it."""
    values: list[tuple[str, str]] = field(default_factory=list)
    """What must not come out of it, by kind: personal data, toxic lines, evaluation items."""
    detail: str = ""
    encoding: str = "utf-8"
    declared: str | None = "utf-8"
    status: str = "200 OK"
    content_type: str | None = None
    raw: bytes | None = None
    """A body that is no page."""
    coding: Literal["", "chunked", "bad chunks", "not chunked", "gzip"] = ""
    damage: Damage | None = None


class Planter:
    """Makes pages of each kind, from streams of texts that it holds."""

    def __init__(self, data: Path, seed: int) -> None:
        self.random = Random(f"crawl {seed}")
        self.good = sources.good_texts(data, "crawl", seed)
        self.originals: list[tuple[int, Text]] = []
        """Numbers and texts of earlier good pages, each copied at most once."""
        self.toxic, _ = sources.read_tweets(data, for_crawl=True)
        self.spam, _ = sources.read_messages(data, for_crawl=True)
        self.foreign = sources.read_foreign(data)
        self.items = sources.read_items(data)

    def text(self) -> Text:
        """Return a good text that was not used yet."""
        text = next(self.good, None)
        if text is None:
            raise SystemExit("the good texts are used up: ask for fewer pages")
        return text

    def pick(self, values: list[str], fewest: int, most: int) -> list[str]:
        """Return some of the values."""
        return self.random.sample(values, self.random.randrange(fewest, most))

    def copy(self, change: Callable[[Text], Text], detail: str) -> Planted:
        """Return an earlier page's text, changed; a good text where there is none yet."""
        if not self.originals:
            return Planted(self.text(), detail="no original yet")
        at = self.random.randrange(len(self.originals))
        number, original = self.originals.pop(at)
        text = change(original)
        similarity = texts.jaccard(original, text)
        return Planted(text, original=number, similarity=similarity, detail=detail)


def good(p: Planter) -> Planted:
    """A good text; later pages may copy it."""
    return Planted(p.text())


def exact_copy(p: Planter) -> Planted:
    """The same text on another site."""
    return p.copy(lambda text: text, "copy")


def edited_copy(p: Planter) -> Planted:
    """Words changed here and there."""
    target = p.random.choice(SIMILARITIES)
    return p.copy(lambda text: texts.edit_words(text, target, p.random), "words")


def cut_copy(p: Planter) -> Planted:
    """The beginning is missing."""
    share = p.random.choice(SIMILARITIES)
    return p.copy(lambda text: texts.cut_beginning(text, share), "beginning")


def keyword_page(p: Planter) -> Planted:
    """A list of search words."""
    return Planted([], texts.keywords(p.random))


def spam(p: Planter) -> Planted:
    """A page of advertising messages."""
    return Planted([], p.pick(p.spam, 8, 16))


def lorem(p: Planter) -> Planted:
    """Filler that a designer forgot."""
    return Planted([], texts.lorem(p.random))


def symbols(p: Planter) -> Planted:
    """Signs in place of words."""
    return Planted([], texts.symbols(p.random))


def numbers(p: Planter) -> Planted:
    """A table of figures."""
    return Planted([], [texts.numbers(p.random)])


def repeated_lines(p: Planter) -> Planted:
    """A few lines over and over."""
    return Planted([], texts.repeat_lines(p.text(), p.random))


def repeated_ngrams(p: Planter) -> Planted:
    """A phrase over and over."""
    return Planted([], texts.repeat_ngrams(p.text(), p.random))


def short(p: Planter) -> Planted:
    """Hardly a sentence."""
    words = " ".join(p.text()).split()
    return Planted([], [" ".join(words[: p.random.randrange(3, 30)])])


def foreign(p: Planter) -> Planted:
    """Another language."""
    language, text = p.random.choice(p.foreign)
    return Planted([], text, detail=language)


def toxic_page(p: Planter) -> Planted:
    """Offensive messages, one after the other."""
    return Planted([], p.pick(p.toxic, 10, 25))


def toxic_lines(p: Planter) -> Planted:
    """Two or three offensive messages within a good text."""
    lines = p.pick(p.toxic, 2, 4)
    body = texts.insert(p.text(), lines, p.random)
    return Planted([], body, values=[("toxic", line) for line in lines])


def personal_data(p: Planter) -> Planted:
    """A good text with somebody's data in it, which is to be masked."""
    data = texts.personal_data(p.random)
    text = texts.insert(p.text(), [sentence for _, _, sentence in data], p.random)
    return Planted(text, values=[(kind, value) for kind, value, _ in data])


def leaked_item(p: Planter) -> Planted:
    """A good text that quotes an evaluation item."""
    name, item = p.random.choice(p.items)
    body = texts.insert(p.text(), [item], p.random)
    return Planted([], body, values=[("item", item)], detail=name)


def wrong_charset(p: Planter) -> Planted:
    """Windows-1252 that is served as UTF-8."""
    return Planted(texts.typographic(p.text()), encoding="cp1252")


def no_charset(p: Planter) -> Planted:
    """Windows-1252 that is not declared at all."""
    return Planted(texts.typographic(p.text()), encoding="cp1252", declared=None)


def mojibake(p: Planter) -> Planted:
    """UTF-8 that somebody before us has read as Windows-1252."""
    text = texts.typographic(p.text())
    return Planted(text, [texts.misread(paragraph) for paragraph in text])


def packed(p: Planter) -> Planted:
    """A body in chunks, or packed with gzip: nothing wrong with it."""
    return Planted(p.text(), coding=p.random.choice(("chunked", "gzip")))


def not_chunked(p: Planter) -> Planted:
    """Chunks are declared, as Common Crawl's files do, and are not there."""
    return Planted(p.text(), coding="not chunked")


def bad_chunks(p: Planter) -> Planted:
    """The size of a chunk is no number."""
    return Planted(p.text(), coding="bad chunks")


def truncated(p: Planter) -> Planted:
    """A record that ends in the middle."""
    return Planted([], p.text(), damage="truncated")


def flipped_bits(p: Planter) -> Planted:
    """A record with a few wrong bits."""
    return Planted([], p.text(), damage="flipped bits")


def empty(p: Planter) -> Planted:
    """No body."""
    return Planted([], raw=p.random.choice((b"", b"\r\n")))


def binary(p: Planter) -> Planted:
    """A picture that is served as a page."""
    head = p.random.choice(
        (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"PK\x03\x04", b"%PDF-1.5\n")
    )
    return Planted([], raw=head + p.random.randbytes(3000))


def redirect(_: Planter) -> Planted:
    """302."""
    return Planted([], ["The page has moved."], status="302 Found")


def missing(p: Planter) -> Planted:
    """404, with a page of its own."""
    return Planted([], p.text(), status="404 Not Found")


def other_media(p: Planter) -> Planted:
    """Something else than a page, and so declared."""
    kind, body = p.random.choice(
        (
            ("application/json", b'{"items": [1, 2, 3], "next": null}'),
            ("image/png", b"\x89PNG\r\n\x1a\n" + p.random.randbytes(500)),
            ("application/pdf", b"%PDF-1.7\n" + p.random.randbytes(2000)),
            ("text/css", b"body { color: red; }"),
        )
    )
    return Planted([], raw=body, content_type=kind)


def huge_line(p: Planter) -> Planted:
    """Four hundred kilobytes without a space."""
    return Planted([], [p.random.randbytes(200_000).hex()])


@dataclass(frozen=True)
class Kind:
    """A kind of page."""

    make: Callable[[Planter], Planted]
    fate: Fate
    share: float
    """Of all pages."""


_PLANTED: tuple[tuple[Callable[[Planter], Planted], Fate, float], ...] = (
    (exact_copy, "one of two", 4),
    (edited_copy, "one of two", 5),
    (cut_copy, "one of two", 2),
    (keyword_page, "drop", 2),
    (spam, "drop", 1.5),
    (lorem, "drop", 1),
    (symbols, "drop", 1),
    (numbers, "drop", 1),
    (repeated_lines, "drop", 1.5),
    (repeated_ngrams, "drop", 1.5),
    (short, "drop", 2.5),
    (foreign, "drop", 5),
    (toxic_page, "drop", 1.5),
    (toxic_lines, "lose", 1.5),
    (leaked_item, "lose", 2),
    (huge_line, "drop", 0.005),
    (personal_data, "keep", 3),
    (wrong_charset, "keep", 1),
    (no_charset, "keep", 1),
    (mojibake, "keep", 1.5),
    (packed, "keep", 2),
    (not_chunked, "keep", 0.5),
    (bad_chunks, "either", 0.3),
    (truncated, "error", 0.3),
    (flipped_bits, "error", 0.3),
    (empty, "skip", 0.4),
    (binary, "skip", 0.4),
    (redirect, "skip", 0.8),
    (missing, "skip", 0.8),
    (other_media, "skip", 0.8),
)
"""Function, fate, and percent of all pages."""

KINDS = {make.__name__: Kind(make, fate, percent / 100) for make, fate, percent in _PLANTED} | {
    "good": Kind(good, "keep", 0.0)
}
"""Name → kind. "good" takes the pages that the others leave, about 54 %."""
