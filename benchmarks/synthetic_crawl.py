"""A made-up crawl of which everything is known: WARC files, and a ledger of what was planted.

    python benchmarks/synthetic_crawl.py crawl --pages 20000 --seed 0 --data ../shared/data

Stories and passages of books become pages of forty sites, with menus, notices and comments around
them; among them is what a real crawl has: copies and near-copies, spam, filler, other languages,
toxic lines, personal data, leaked evaluation items, wrong encodings, broken records. Each kind has
a known share of the pages. The same arguments give the same files, byte for byte.

    OUT/crawl-00000.warc.gz …       the pages, 1,000 a file, one gzip member a record
    OUT/truth.jsonl                 for each page: kind, fate, the text that should come out
    OUT/validation.jsonl            good texts that are in no page
    OUT/evaluation/NAME.jsonl       the evaluation sets that leak into pages
    OUT/toxic.safetensors, …        classifiers, trained on other examples than are planted

That is all that recipes/web.toml reads. The texts of tweets are offensive: do not show them.
"""

import argparse
import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from random import Random

from crawl import sources
from crawl.kinds import KINDS, ORIGINALS, Fate, Planted, Planter
from crawl.pages import Site, make_sites, render
from crawl.records import Response, chunk, record, warcinfo
from crawl.texts import title_of

PAGES_PER_FILE = 1000


@dataclass(frozen=True)
class Truth:
    """A line of ``truth.jsonl``."""

    page: int
    source: str
    """File and number of the record, as groundup names it."""
    url: str
    kind: str
    fate: Fate
    text: str
    """What should come out; empty where nothing should."""
    original: int | None
    similarity: float | None
    values: list[tuple[str, str]]
    detail: str


def draw_kinds(pages: int, random: Random) -> list[str]:
    """Return the kind of each page, in any order: one or more of each, else by its share."""
    kinds = [
        name
        for name, kind in KINDS.items()
        if name != "good"
        for _ in range(max(1, round(kind.share * pages)))
    ]
    if len(kinds) > pages:
        raise SystemExit(f"{pages} pages have no room for {len(kinds)} planted ones")
    kinds += ["good"] * (pages - len(kinds))
    random.shuffle(kinds)
    return kinds


def make_crawl(folder: Path, data: Path, pages: int, seed: int) -> Iterator[Truth]:
    """Write the WARC files, and yield the truth of each page as it is written.

    Args:
        folder: exists; gets ``crawl-00000.warc.gz``, ….
        data: the shared data.
        pages: how many responses.
        seed: of everything.
    """
    planter = Planter(data, seed)
    random, sites = planter.random, make_sites(seed)
    kinds = draw_kinds(pages, random)
    for first in range(0, pages, PAGES_PER_FILE):
        name = f"crawl-{first // PAGES_PER_FILE:05}.warc.gz"
        with (folder / name).open("wb") as file:
            file.write(warcinfo(name))
            for page in range(first, min(first + PAGES_PER_FILE, pages)):
                planted = KINDS[kinds[page]].make(planter)
                if kinds[page] == "good":
                    planter.originals.append((page, planted.text))
                    del planter.originals[:-ORIGINALS]
                site = random.choice(sites)
                response = answer(planted, site, page, random)
                file.write(record(response, planted.damage, random))
                source = f"{folder.name}/{name}:{page - first + 2}"  # after the warcinfo
                yield truth_of(planted, kinds[page], page, source, response.url)


def answer(planted: Planted, site: Site, page: int, random: Random) -> Response:
    """Return the response that a server gives for a page."""
    blocks = planted.body if planted.body is not None else planted.text
    title = title_of([block for block in blocks if not block.startswith("<")], random)
    if planted.raw is None:
        html = render(site, title, blocks, random, charset=planted.declared)
        body = html.encode(planted.encoding, "xmlcharrefreplace")
    else:
        body = planted.raw
    declared = f"; charset={planted.declared}" if planted.declared else ""
    headers: tuple[tuple[str, str], ...] = (("Server", "nginx"),)
    if planted.status.startswith("302"):
        headers += (("Location", "https://www.example/"),)
    match planted.coding:
        case "chunked":
            body, headers = chunk(body), (*headers, ("Transfer-Encoding", "chunked"))
        case "bad chunks":
            whole = chunk(body, 1024).split(b"\r\n400\r\n", 2)
            body = b"\r\nzz\r\n".join(whole)
            headers = (*headers, ("Transfer-Encoding", "chunked"))
        case "not chunked":
            headers = (*headers, ("Transfer-Encoding", "chunked"))
        case "gzip":
            body, headers = (
                gzip.compress(body, 6, mtime=0),
                (*headers, ("Content-Encoding", "gzip")),
            )
    return Response(
        site.url(page, title),
        body,
        planted.status,
        planted.content_type or f"text/html{declared}",
        headers,
    )


def truth_of(planted: Planted, kind: str, page: int, source: str, url: str) -> Truth:
    """Return what is to be known of a page."""
    fate = KINDS[kind].fate
    if fate == "one of two" and planted.original is None:
        fate = "keep"
    return Truth(
        page,
        source,
        url,
        kind,
        fate,
        "\n".join(planted.text),
        planted.original,
        planted.similarity,
        planted.values,
        planted.detail,
    )


def write_rows(path: Path, rows: Iterator[dict[str, object]]) -> None:
    """Write JSON lines."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def write_benchmarks(folder: Path, data: Path) -> None:
    """Write each evaluation set that leaks, the fields in question alone."""
    folder.mkdir(exist_ok=True)
    by_name: dict[str, list[str]] = {}
    for name, item in sources.read_items(data):
        by_name.setdefault(name, []).append(item)
    for name, items in by_name.items():
        write_rows(folder / f"{name}.jsonl", ({"item": item} for item in items))


def train_classifiers(folder: Path, data: Path, seed: int) -> None:
    """Train what tells toxic and spam pages from good ones: on the halves that are not planted."""
    import numpy as np

    from groundup.corpus.classify import ClassifierConfig, Goal
    from groundup.corpus.classify.examples import Examples
    from groundup.corpus.classify.train import train

    # short passages: what a page is compared with is not a whole story
    prose = [
        " ".join(text[at : at + 3])
        for text in islice(sources.good_texts(data, "classifiers", seed), 800)
        for at in range(0, len(text), 3)
    ]
    few = Goal(measure="false_positive_rate", value=0.002)
    # a message within a story fills a window of 20 words, and of one of 50 the lesser part; the
    # negatives are messages as well, so that stories are below 1 % by far
    one_percent = Goal(measure="false_positive_rate", value=0.01)
    for label, (yes, no), config in (
        (
            "toxic",
            sources.read_tweets(data, for_crawl=False),
            ClassifierConfig(pooling="max", window_words=20, goal=one_percent),
        ),
        (
            "spam",
            sources.read_messages(data, for_crawl=False),
            ClassifierConfig(pooling="mean", goal=few),
        ),
    ):
        truth = np.arange(len(yes) + len(no)) < len(yes)
        examples = Examples([*yes, *no], truth[:, None], (label,)).with_negatives(prose)
        train(examples, config).save(folder / f"{label}.safetensors")


def write_all(folder: Path, data: Path, pages: int, seed: int) -> Counter[str]:
    """Write the crawl and all that goes with it; return how many pages of each kind there are."""
    folder.mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()

    def rows() -> Iterator[dict[str, object]]:
        for truth in make_crawl(folder, data, pages, seed):
            counts[truth.kind] += 1
            yield asdict(truth)

    write_rows(folder / "truth.jsonl", rows())
    held_out = islice(sources.good_texts(data, "validation", seed), max(50, pages // 20))
    write_rows(folder / "validation.jsonl", ({"text": "\n".join(text)} for text in held_out))
    write_benchmarks(folder / "evaluation", data)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("GROUNDUP_SHARED", "../shared/data")
    parser.add_argument("out", type=Path, help="folder to write; what is in its way is replaced")
    parser.add_argument("--pages", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=Path(default), help="the shared data folder")
    arguments = parser.parse_args()
    counts = write_all(arguments.out, arguments.data, arguments.pages, arguments.seed)
    train_classifiers(arguments.out, arguments.data, arguments.seed)
    print(f"{'kind':<18}{'pages':>8}{'share':>9}  should be")
    for name, kind in KINDS.items():
        print(f"{name:<18}{counts[name]:8,}{counts[name] / arguments.pages:9.2%}  {kind.fate}")
    size = sum(path.stat().st_size for path in arguments.out.glob("crawl-*.warc.gz"))
    print(f"{arguments.pages:,} pages, {size / 1e6:.1f} MB in {arguments.out}")


if __name__ == "__main__":
    main()
