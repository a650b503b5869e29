"""The corpus stage on a made-up crawl, through recipes/web.toml: what it finds of what was planted.

    python benchmarks/corpus.py [--data ../shared/data] [--pages 4000] [--seed 0] [--folder DIR]
                                [--ablation] [--steps 300]

``synthetic_crawl.py`` writes the crawl and its truth; the recipe's corpus configuration runs on it
as for a user; the ledger is then held against the truth, page by page.

- *A step's precision*: of the pages that it dropped, those whose text should not be in the corpus.
- *Its recall*: of the pages planted for it that came as far as it, those that it dropped. Pages
  that lost the lines in question on the way, as most toxic ones do by C4's rules, do not count.
- *Near-duplicates*: pairs of a page and its copy, both of which came so far; found are those of
  which at most one is left. Beside it stands what the bands promise, 1 - (1 - s**8)**14, at the
  similarities that were planted, before extraction and C4's line filter changed the texts.
- *Text*: F1 of the words of what was written against the words that were wrapped into the page.

``--ablation`` trains the recipe's model twice for the same number of tokens, on this corpus and on
the crawl's text as it was extracted, each with a tokenizer of its own text, and measures both in
bits per byte on good texts that are in neither.
"""

import argparse
import contextlib
import json
import math
import os
import re
import shutil
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from crawl.kinds import KINDS
from crawl.sources import NGRAM
from synthetic_crawl import train_classifiers, write_all

from groundup.corpus import CorpusConfig, build_corpus, read_documents
from groundup.corpus.ledger import Entry, read_ledger
from groundup.recipe.read import read_recipe
from groundup.recipe.schema import Recipe

Truth = dict[str, Any]
"""A line of the crawl's ``truth.jsonl``: see ``synthetic_crawl.Truth``."""

TARGETS: Mapping[str, tuple[str, ...]] = {
    "read": ("truncated", "flipped_bits", "empty", "binary", "redirect", "missing", "other_media"),
    "language": ("foreign",),
    "filters": (
        "keyword_page",
        "lorem",
        "symbols",
        "numbers",
        "repeated_lines",
        "repeated_ngrams",
        "short",
        "huge_line",
    ),
    "classifier toxic": ("toxic_page", "toxic_lines"),
    "classifier spam": ("spam", "keyword_page"),
    "decontaminate": ("leaked_item",),
}
"""Step → the kinds of pages that are planted for it."""

DUPLICATES = ("exact duplicates", "near-duplicates")
BINS = (0.3, 0.45, 0.55, 0.65, 0.75, 0.825, 0.875, 0.925, 0.999, 1.01)
"""Edges of bins of Jaccard similarity; the last holds exact copies alone."""
RATIOS: dict[str, float] = {}


class Run:
    """A corpus that was built of a crawl, and the truth about the crawl."""

    def __init__(self, work: Path, folder: Path, result: Mapping[str, Any]) -> None:
        self.result = result
        with (work / "crawl" / "truth.jsonl").open(encoding="utf-8") as file:
            self.truth: list[Truth] = [json.loads(line) for line in file]
        self.entries = {entry.source: entry for entry in read_ledger(folder / "ledger.parquet")}
        self.written = {
            document.source: document.text
            for split in ("train", "validation")
            for document in read_documents(folder, split)
        }
        self.steps: list[str] = list(result["steps"])

    def entry(self, truth: Truth) -> Entry:
        """Return what became of a page."""
        entry = self.entries[truth["source"]]
        assert entry.url in (None, truth["url"]), f"{truth['source']} is not {truth['url']}"
        return entry

    def lost(self, truth: Truth) -> bool:
        """Tell whether nothing is left of what was planted in a page and must not come out."""
        text = self.written.get(truth["source"])
        return text is None or not any(occurs(v, text) for _, v in truth["values"])

    def reached(self, truth: Truth, step: str) -> bool:
        """Tell whether a page came as far as a step."""
        ended = self.entry(truth).step
        return not ended or self.steps.index(ended) >= self.steps.index(step)


def occurs(value: str, text: str) -> bool:
    """Tell whether a run of words of ``value`` is in a text, however either is written."""
    words, all_words = (re.findall(r"\w+", string.lower()) for string in (value, text))
    length = min(NGRAM, len(words))
    runs = {tuple(all_words[at : at + length]) for at in range(len(all_words) - length + 1)}
    return any(
        tuple(words[at : at + length]) in runs for at in range(max(1, len(words) - length + 1))
    )


def curate(work: Path, recipe: Recipe, pages: int) -> Run:
    """Build the recipe's corpus, print how fast it was, and check that the funnel adds up."""
    folder = work / "corpus"
    folder.mkdir()
    stored = sum(path.stat().st_size for path in (work / "crawl").glob("*.warc.gz"))
    warm_up(work, recipe.corpus)
    start = time.perf_counter()
    result = build_corpus(recipe.corpus, folder)
    seconds = time.perf_counter() - start
    markup = sum(flows["read"]["kept"][1] for flows in result["funnel"].values())
    print(
        f"{pages:,} pages, {stored / 1e6:.1f} MB stored, {markup / 1e6:.1f} MB of markup, in"
        f" {seconds:.1f} s: {markup / 1e6 / seconds:.2f} MB/s, {pages / seconds:.0f} pages/s"
    )
    RATIOS["MB of markup per second"] = markup / 1e6 / seconds
    RATIOS["pages per second"] = pages / seconds
    run = Run(work, folder, result)
    check_funnel(run, pages)
    return run


def warm_up(work: Path, config: CorpusConfig) -> None:
    """Compile what is not compiled yet, on the first file alone."""
    first = min((work / "crawl").glob("*.warc.gz"))
    folder = work / "warm"
    folder.mkdir()
    build_corpus(config.model_copy(update={"sources": (str(first),)}), folder)
    shutil.rmtree(folder)


def check_funnel(run: Run, pages: int) -> None:
    """Add the funnel up once more, from what is reported of it.

    Raises:
        AssertionError: a page or a byte is missing.
    """
    (flows,) = run.result["funnel"].values()
    came = flows["read"]["in"][0]
    infos = flows["read"]["dropped"].pop("warcinfo record")[0]
    assert came == pages + infos, f"{came} records of {pages} pages and {infos} files"
    flows["read"]["in"][0] -= infos
    before = flows["read"]["in"]
    for step in run.steps:
        flow = flows[step]
        assert flow["in"] == before, f"{step} got {flow['in']} of {before}"
        ends = [flow["kept"], *flow.get("dropped", {}).values(), *flow.get("errors", {}).values()]
        documents, size = (sum(column) for column in zip(*ends, strict=True))
        assert documents == flow["in"][0], f"{step}: {documents} of {flow['in'][0]} documents"
        assert size == flow["in"][1] + flow.get("growth", 0), f"{step}: {size} bytes"
        before = flow["kept"]
    size = sum(len(text.encode()) for text in run.written.values())
    assert before == [len(run.written), size], f"{before} kept, {len(run.written)}, {size} written"
    for truth in run.truth:
        run.entry(truth)  # each page is in the ledger
    print(f"the funnel adds up: {came:,} records, {len(run.written):,} texts, {size / 1e6:.1f} MB")


def report_kinds(run: Run) -> None:
    """Print what became of each kind of page."""
    print(f"\n{'kind':<17}{'fate':<11}{'pages':>6}{'right':>8}   left out by")
    for name, kind in KINDS.items():
        mine = [truth for truth in run.truth if truth["kind"] == name]
        ends = Counter(run.entry(truth).step or "kept" for truth in mine)
        reasons = Counter(
            f"{entry.step}: {entry.reason}" for entry in map(run.entry, mine) if entry.step
        )
        right = ends["kept"] if kind.fate == "keep" else len(mine) - ends["kept"]
        if kind.fate == "lose":
            right = sum(map(run.lost, mine))
        share = "" if kind.fate in ("either", "one of two") else f"{right / len(mine):.3f}"
        said = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common(3))
        print(f"{name:<17}{kind.fate:<11}{len(mine):6,}{share:>8}   {said}")


def report_steps(run: Run) -> None:
    """Print each step's precision and recall; those that compare documents come apart."""
    print(f"\n{'step':<19}{'dropped':>8}{'wrongly':>8}{'precision':>11}{'planted':>9}{'recall':>8}")
    for step in run.steps:
        if step in DUPLICATES:
            continue
        dropped = [truth for truth in run.truth if run.entry(truth).step == step]
        wrong = [truth for truth in dropped if truth["fate"] in ("keep", "one of two")]
        kinds = TARGETS.get(step, ())
        planted = [
            truth
            for truth in run.truth
            if truth["kind"] in kinds
            and run.reached(truth, step)
            and not (truth["fate"] == "lose" and not run.entry(truth).step and run.lost(truth))
        ]
        found = sum(run.entry(truth).step == step for truth in planted)
        if dropped:
            RATIOS[f"precision {step}"] = 1 - len(wrong) / len(dropped)
        if planted:
            RATIOS[f"recall {step}"] = found / len(planted)
        precision = f"{RATIOS[f'precision {step}']:.3f}" if dropped else ""
        recall = f"{found / len(planted):.3f}" if planted else ""
        print(
            f"{step:<19}{len(dropped):8,}{len(wrong):8,}{precision:>11}{len(planted):9,}{recall:>8}"
        )
        for reason, count in Counter(run.entry(truth).reason for truth in wrong).most_common(4):
            print(f"    {count:4} × {reason}")
    alone = [t for t in run.truth if t["fate"] in ("keep", "one of two")]
    kept = sum(run.entry(t).step in ("", *DUPLICATES) for t in alone)
    bad = [t for t in run.truth if t["fate"] in ("drop", "lose", "error", "skip")]
    gone = sum(run.lost(t) if t["fate"] == "lose" else bool(run.entry(t).step) for t in bad)
    RATIOS["good pages that pass every filter"] = kept / len(alone)
    RATIOS["bad pages that are dropped"] = gone / len(bad)
    print(f"good pages that pass every filter: {kept:,} of {len(alone):,}, {kept / len(alone):.4f}")
    print(f"bad pages that are dropped: {gone:,} of {len(bad):,}, {gone / len(bad):.4f}")


def report_duplicates(run: Run) -> None:
    """Print how many planted pairs were found, by similarity, and what was dropped besides."""
    by_page = {truth["page"]: truth for truth in run.truth}
    pairs = [
        (truth, by_page[truth["original"]])
        for truth in run.truth
        if truth["original"] is not None
        and all(run.reached(t, DUPLICATES[0]) for t in (truth, by_page[truth["original"]]))
    ]
    print(f"\n{'similarity':<14}{'pairs':>6}{'found':>7}{'recall':>8}{'promised':>10}")
    for low, high in pairwise(BINS):
        mine = [pair for pair in pairs if low <= pair[0]["similarity"] < high]
        if mine:
            found = sum(any(run.entry(t).step in DUPLICATES for t in pair) for pair in mine)
            promised = statistics.fmean(promise(pair[0]["similarity"]) for pair in mine)
            recall = found / len(mine)
            print(f"{low:.3f}–{high:<8.3f}{len(mine):6,}{found:7,}{recall:8.3f}{promised:10.3f}")
            RATIOS[f"recall duplicates {low:g}"] = recall
    paired = {truth["page"] for pair in pairs for truth in pair}
    dropped = [truth for truth in run.truth if run.entry(truth).step in DUPLICATES]
    wrong = [t for t in dropped if t["page"] not in paired and t["fate"] in ("keep", "one of two")]
    both = sum(all(run.entry(t).step in DUPLICATES for t in pair) for pair in pairs)
    RATIOS["precision duplicates"] = 1 - len(wrong) / max(1, len(dropped))
    print(f"dropped {len(dropped):,}; {len(wrong)} of them like no page that was planted as a copy")
    print(f"pairs of which both were dropped: {both}")


def promise(similarity: float) -> float:
    """Return with which probability 14 bands of 8 hashes bring two texts together."""
    return 1 - (1 - similarity**8) ** 14


def report_personal_data(run: Run) -> None:
    """Print what part of the planted personal data is masked, and what else is."""
    planted: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for truth in run.truth:
        text = run.written.get(truth["source"])
        if text is None or truth["fate"] == "lose":
            continue
        for kind, value in truth["values"]:
            planted[kind] += 1
            left[kind] += value in text
    print("\npersonal data masked: ", end="")
    print(", ".join(f"{kind} {n - left[kind]}/{n}" for kind, n in sorted(planted.items())))
    if planted:
        RATIOS["recall pii"] = 1 - left.total() / planted.total()
    plain = [t for t in run.truth if not t["values"] and t["source"] in run.written]
    touched = sum("pii:" in run.entry(truth).trail for truth in plain)
    print(f"pages without any that were masked: {touched} of {len(plain):,}")
    RATIOS["pages masked for nothing"] = touched / max(1, len(plain))


def report_texts(run: Run) -> None:
    """Print how well the text of each kind of page came out, of what is kept whole."""
    scores: dict[str, list[tuple[float, float, float]]] = defaultdict(list)
    for truth in run.truth:
        text = run.written.get(truth["source"])
        if text is not None and truth["fate"] == "keep" and not truth["values"]:
            scores[truth["kind"]].append(agreement(text, truth["text"]))
    print(f"\n{'text of kept pages':<19}{'pages':>6}{'precision':>11}{'recall':>8}{'F1':>7}")
    for kind, found in scores.items():
        precision, recall, f1 = (statistics.fmean(column) for column in zip(*found, strict=True))
        print(f"{kind:<19}{len(found):6,}{precision:11.3f}{recall:8.3f}{f1:7.3f}")
        RATIOS[f"F1 text {kind}"] = f1


def agreement(text: str, wanted: str) -> tuple[float, float, float]:
    """Return precision, recall and F1 of a text's words."""
    mine, all_ = Counter(text.split()), Counter(wanted.split())
    common = (mine & all_).total()
    precision, recall = common / max(1, mine.total()), common / max(1, all_.total())
    return precision, recall, 2 * precision * recall / max(1e-9, precision + recall)


def ablate(work: Path, recipe: Recipe, steps: int) -> None:
    """Train on the curated and on the extracted text alone, and measure both on good text."""
    plain = CorpusConfig(
        sources=recipe.corpus.sources,
        extract=recipe.corpus.extract,
        validation_fraction=recipe.corpus.validation_fraction,
    )
    clean = work / "clean"
    clean.mkdir()
    held_out = str(work / "crawl" / "validation.jsonl")
    build_corpus(CorpusConfig(sources=(held_out,), validation_fraction=0.9), clean)
    bits: dict[str, float] = {}
    for name, corpus in (("curated", recipe.corpus), ("extracted", plain)):
        bits[name] = train(work, name, corpus, recipe, steps, clean)
    tokens = steps * recipe.pretrain.batch_size * recipe.model.context_length
    gain = 1 - bits["curated"] / bits["extracted"]
    print(
        f"\nafter {tokens / 1e6:.2f} M tokens, bits per byte of good text in neither corpus:"
        f" curated {bits['curated']:.4f}, extracted alone {bits['extracted']:.4f}, {gain:.2%} less"
    )
    RATIOS["bits per byte, curated / extracted"] = bits["curated"] / bits["extracted"]


def train(
    work: Path, name: str, corpus: CorpusConfig, recipe: Recipe, steps: int, clean: Path
) -> float:
    """Run the recipe with another corpus; return bits per byte on the clean texts."""
    from groundup.data import TokenShards, tokenize_documents
    from groundup.evaluate import bits_per_byte
    from groundup.model import load_model
    from groundup.recipe import run_recipe
    from groundup.recipe.stage import read_record
    from groundup.tokenizer import load_tokenizer

    pretrain = recipe.pretrain.model_copy(update={"max_steps": steps})
    changes = {"name": name, "runs": work / "runs", "corpus": corpus, "pretrain": pretrain}
    changed = recipe.model_copy(update=changes)
    run_recipe(changed)
    base = changed.folder / "base"
    tokens = work / f"tokens-{name}"
    tokens.mkdir()
    tokenize_documents(clean, load_tokenizer(base), tokens)
    found = bits_per_byte(load_model(base), TokenShards.open(tokens, "validation"))
    assert found["bits_per_byte"] is not None, "a byte-level tokenizer knows every character"
    split = read_record(changed.folder / "tokens")["result"]["train"]
    print(
        f"{name}: {split['tokens']:,} tokens of {split['bytes_per_token']:.2f} bytes to learn from,"
        f" {found['bits_per_byte']:.4f} bits/byte"
    )
    return found["bits_per_byte"]


def absolute(paths: Iterable[Path]) -> Sequence[Path]:
    """Return paths that hold wherever this process works."""
    return [path.absolute() for path in paths]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("GROUNDUP_SHARED", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default), help="the shared data folder")
    parser.add_argument("--pages", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="an empty folder to work in and to keep")
    parser.add_argument("--ablation", action="store_true", help="train two models as well")
    parser.add_argument("--steps", type=int, default=300, help="of either training")
    arguments = parser.parse_args()
    recipe_path = Path(__file__).parents[1] / "recipes" / "web.toml"
    data, recipe_path = absolute((arguments.data, recipe_path))
    with contextlib.ExitStack() as stack:
        work = arguments.folder
        if work is None:
            work = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        work = work.absolute()
        work.mkdir(parents=True, exist_ok=True)
        write_all(work / "crawl", data, arguments.pages, arguments.seed)
        train_classifiers(work / "crawl", data, arguments.seed)
        stack.enter_context(contextlib.chdir(work))  # where the recipe finds crawl/
        recipe = read_recipe(recipe_path)
        run = curate(work, recipe, arguments.pages)
        report_kinds(run)
        report_steps(run)
        report_duplicates(run)
        report_personal_data(run)
        report_texts(run)
        if arguments.ablation:
            ablate(work, recipe, arguments.steps)
    rounded = {name: round(value, 4) for name, value in RATIOS.items() if math.isfinite(value)}
    print(json.dumps({"benchmark": "corpus", "ratios": rounded}))


if __name__ == "__main__":
    main()
