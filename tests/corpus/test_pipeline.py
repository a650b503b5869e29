"""Classifiers of one's own in the pipeline: trained, saved, named in a recipe, and obeyed."""

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundup.corpus import CorpusConfig, build_corpus, read_documents
from groundup.corpus.classify import ClassifierConfig, FeaturesConfig, RuleConfig
from groundup.corpus.classify.examples import Examples
from groundup.corpus.classify.rule import ClassifierRule
from groundup.corpus.classify.train import train
from groundup.corpus.ledger import Entry, read_ledger

PLAIN = ["the", "a", "house", "street", "walks", "train", "of", "and", "in", "green", "over", "it"]
RUDE = ["awful", "stupid", "hateful", "ugly", "nasty", "rotten"]
FINE = ["therefore", "evidence", "chapter", "measured", "history", "observed"]


def write(draw: random.Random, rude: bool, fine: bool) -> str:
    words = draw.choices(PLAIN, k=30) + draw.choices(RUDE, k=5) * rude
    words += draw.choices(FINE, k=5) * fine
    draw.shuffle(words)
    return " ".join([*words, str(draw.random())])


def train_and_save(path: Path, name: str) -> str:
    draw = random.Random(name)
    labels = [(draw.random() < 0.5, draw.random() < 0.5) for _ in range(600)]
    texts = [write(draw, rude, fine) for rude, fine in labels]
    of_name = np.array(labels)[:, ["toxic", "good"].index(name)]
    examples = Examples(texts, of_name[:, None], (name,))
    train(examples, ClassifierConfig(features=FeaturesConfig(bits=14))).save(path)
    return str(path)


@pytest.fixture
def crawl(tmp_path: Path) -> dict[str, str]:
    """Write a crawl of three files; return the texts by their places."""
    draw = random.Random(7)
    (tmp_path / "crawl").mkdir()
    texts: dict[str, str] = {}
    for file in range(3):
        rows = [write(draw, draw.random() < 0.3, draw.random() < 0.6) for _ in range(80)]
        lines = [json.dumps({"text": text}) for text in rows]
        (tmp_path / "crawl" / f"{file}.jsonl").write_text("\n".join(lines))
        texts |= {f"crawl/{file}.jsonl:{n + 1}": text for n, text in enumerate(rows)}
    return texts


def build(folder: Path, rules: list[dict[str, Any]], **options: Any) -> dict[str, Entry]:
    """Build the crawl's corpus, in parts of a file; return the ledger by places."""
    values = {"sources": [str(folder / "crawl")], "classifiers": rules, "workers": 1} | options
    (folder / "corpus").mkdir()
    build_corpus(CorpusConfig.model_validate(values), folder / "corpus", part_bytes=1)
    return {entry.source: entry for entry in read_ledger(folder / "corpus" / "ledger.parquet")}


def test_toxic_texts_and_those_that_are_not_good_are_dropped_and_accounted_for(
    tmp_path: Path, crawl: dict[str, str]
) -> None:
    rules = [
        {"path": train_and_save(tmp_path / "insults.safetensors", "toxic")},
        {"path": train_and_save(tmp_path / "books.safetensors", "good"), "drop": "negative"},
    ]
    ledger = build(tmp_path, rules)
    toxic, good = (ClassifierRule(RuleConfig.model_validate(rule)) for rule in rules)
    for place, text in crawl.items():
        step, reason = "", ""
        p, q = toxic.probabilities([text])[0], good.probabilities([text])[0]
        if p >= toxic.threshold:
            step, reason = "classifier insults", "toxic"
        elif q < good.threshold:
            step, reason = "classifier books", "not_good"
        assert (ledger[place].step, ledger[place].reason) == (step, reason), text
        measured = {"toxic": p, "not_good": q}.get(reason)
        assert measured is None or f"{measured:.3f}" in ledger[place].trail

    # nearly what was planted
    wrong = [
        place
        for place, text in crawl.items()
        if (ledger[place].reason == "toxic") != any(word in text for word in RUDE)
        or (ledger[place].reason == "not_good") != (not any(word in text for word in RUDE + FINE))
    ]
    assert len(wrong) < 0.05 * len(crawl)

    summary = json.loads((tmp_path / "corpus" / "corpus.json").read_text())
    (flows,) = summary["result"]["funnel"].values()
    for step, reason in (("insults", "toxic"), ("books", "not_good")):
        dropped = [place for place in crawl if ledger[place].reason == reason]
        size = sum(len(crawl[place].encode()) for place in dropped)
        assert flows[f"classifier {step}"]["dropped"] == {reason: [len(dropped), size]}
        assert len(summary["samples"][f"classifier {step}: {reason}"]) == 8
    met = {"insults": len(crawl), "books": sum(e.reason != "toxic" for e in ledger.values())}
    for step, count in met.items():
        assert sum(summary["distributions"][f"classifier {step}"].values()) == count
    page = (tmp_path / "corpus" / "report.html").read_text()
    assert "classifier insults" in page
    assert "not_good" in page


def test_of_near_duplicates_the_one_of_best_quality_stays(
    tmp_path: Path, crawl: dict[str, str]
) -> None:
    place = "crawl/0.jsonl:1"
    better = f"{crawl[place]} {' '.join(FINE[:2])}"
    (tmp_path / "crawl" / "z.jsonl").write_text(json.dumps({"text": better}))
    rule = {
        "path": train_and_save(tmp_path / "books.safetensors", "good"),
        "drop": "negative",
        "threshold": 1e-9,  # nothing falls to it
    }
    near = {"near_duplicates": "drop", "near": {"keep": "best"}}
    ledger = build(tmp_path, [rule], dedup=near)
    quality = ClassifierRule(RuleConfig.model_validate(rule)).probabilities([crawl[place], better])
    assert quality[1] > quality[0]
    assert ledger["crawl/z.jsonl:1"].step == ""
    assert ledger[place].reason == "near-duplicate"
    assert ledger[place].twin == ledger["crawl/z.jsonl:1"].id
    assert better in {d.text for d in read_documents(tmp_path / "corpus", "train")} | {
        d.text for d in read_documents(tmp_path / "corpus", "validation")
    }
