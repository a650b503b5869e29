"""However the work is divided, broken off or run, the corpus is the same, byte for byte."""

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.corpus import CorpusConfig, build_corpus, read_documents
from groundup.corpus.ledger import read_ledger

REPOSITORY = Path(__file__).resolve().parents[2]
WORDS = ["river", "stone", "walks", "under", "green", "light", "while", "seven", "birds", "sing"]


def write_sources(folder: Path, files: int = 6, rows: int = 20) -> None:
    draw = random.Random(0)
    folder.mkdir()
    for file in range(files):
        lines = []
        for row in range(rows):
            words = draw.choices(WORDS, k=30) + [str(draw.randrange(10**6)) for _ in range(30)]
            text = " ".join(draw.sample(words, 60)) + "\nAll rights reserved by them.\nEnd."
            lines.append(json.dumps({"text": text, "url": f"http://a/{file}/{row}"}))
        lines += [lines[0], lines[1].replace("End", "end, really"), "{broken", '{"text": " "}']
        (folder / f"{file}.jsonl").write_text("\n".join(lines))


def everything(folder: Path, **more: Any) -> CorpusConfig:
    """A configuration with every step on that needs no other package."""
    items = folder.parent / "items.jsonl"
    first = json.loads((folder / "0.jsonl").read_text().splitlines()[3])
    items.write_text(json.dumps({"question": first["text"], "answer": "none"}))
    options: dict[str, Any] = {
        "sources": (str(folder), str(folder / "5.jsonl")),
        "dedup": {"near_duplicates": "drop", "repeated_lines": True},
        "decontaminate": {"benchmarks": (str(items),)},
        "filters": {"rules": ("ratios",), "ratios": {"max_digits": 0.9}},
        "mix": {"epochs": {str(folder): 1.5}},
        "validation_fraction": 0.2,
        "workers": 1,
    }
    return CorpusConfig.model_validate(options | more)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def made(folder: Path, config: CorpusConfig, **options: Any) -> dict[str, str]:
    folder.mkdir(exist_ok=True)
    build_corpus(config, folder, **options)
    return digests(folder)


def test_size_of_parts_does_not_change_a_byte(tmp_path: Path) -> None:
    write_sources(tmp_path / "text")
    config = everything(tmp_path / "text")
    whole = made(tmp_path / "one", config)
    assert set(whole) == {
        "train-00000.parquet",
        "validation-00000.parquet",
        "ledger.parquet",
        "corpus.json",
        "report.html",
    }
    assert made(tmp_path / "many", config, part_bytes=1) == whole
    assert made(tmp_path / "some", config, part_bytes=20_000) == whole


@pytest.mark.dist
@pytest.mark.slow
@pytest.mark.parametrize("runner", ["native", "ray"])
def test_engine_and_workers_do_not_change_a_byte(
    tmp_path: Path, runner: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if runner == "ray":
        pytest.importorskip("ray")
    write_sources(tmp_path / "text")
    config = everything(tmp_path / "text")
    alone = made(tmp_path / "alone", config)
    # in a process of its own: Daft settles on one engine in a process
    script = (
        "import sys; from pathlib import Path\n"
        "from groundup.corpus import CorpusConfig, build_corpus\n"
        "config = CorpusConfig.model_validate_json(sys.argv[1])\n"
        "build_corpus(config, Path(sys.argv[2]), part_bytes=1)\n"
    )
    (tmp_path / "beside").mkdir()
    beside = config.model_copy(update={"workers": 2}).model_dump_json()
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "DAFT_RUNNER": runner}
    command = [sys.executable, "-c", script, beside, str(tmp_path / "beside")]
    subprocess.run(command, env=environment, check=True, timeout=200)
    assert digests(tmp_path / "beside") == alone


def test_killed_at_any_time_it_goes_on_to_the_same_bytes(tmp_path: Path) -> None:
    write_sources(tmp_path / "text", files=8, rows=60)
    config = everything(tmp_path / "text")
    straight = made(tmp_path / "straight", config, part_bytes=1)
    script = (
        "import sys; from pathlib import Path\n"
        "from groundup.corpus import CorpusConfig, build_corpus\n"
        "config = CorpusConfig.model_validate_json(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "build_corpus(config, Path(sys.argv[2]), part_bytes=1)\n"
    )
    folder = tmp_path / "killed"
    folder.mkdir()
    kept = 0
    for passed in ("parts/00000", "parts/00004", "lines/00002", "lined/00003"):
        process = subprocess.Popen(
            [sys.executable, "-c", script, config.model_dump_json(), str(folder)],
            env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
        )
        while not (folder / passed).exists() and process.poll() is None:
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        process.wait()
        parts = len(list(folder.glob("parts/0*")))
        assert parts >= kept, "a finished part was lost"
        kept = parts
    assert made(folder, config, part_bytes=1) == straight


def test_changed_sources_are_read_again(tmp_path: Path) -> None:
    write_sources(tmp_path / "text")
    config = everything(tmp_path / "text")
    folder = tmp_path / "corpus"
    made(folder, config)
    (folder / "corpus.json").unlink()  # as if it had been broken off
    (tmp_path / "text" / "0.jsonl").write_text(json.dumps({"text": "something else " * 20}))
    build_corpus(config, folder)
    assert "something else " * 20 in {d.text for d in read_documents(folder, "train")}


def test_every_record_is_in_the_ledger_once(tmp_path: Path) -> None:
    write_sources(tmp_path / "text")
    folder = tmp_path / "corpus"
    folder.mkdir()
    result = build_corpus(everything(tmp_path / "text"), folder)
    entries = list(read_ledger(folder / "ledger.parquet"))
    assert len(entries) == 6 * 24
    assert len({entry.source for entry in entries}) == 6 * 24
    ends = [(e.step, e.reason) for e in entries]
    assert ends.count(("read", "not valid JSON")) == 6
    assert ends.count(("blank", "blank")) == 6
    assert ends.count(("exact duplicates", "equal text")) == 6
    assert ends.count(("near-duplicates", "near-duplicate")) == 6
    assert ends.count(("decontaminate", "contaminated:items")) >= 1
    assert result["benchmarks"] == {"items": {"items": 1, "found": 1, "too_short": 0}}
    assert ends.count(("", "")) == result["documents"]
    written = {d.id for side in ("train", "validation") for d in read_documents(folder, side)}
    assert {e.id for e in entries if not e.step} == written
    texts = [d.text for d in read_documents(folder, "train")]
    assert sum("All rights reserved" in text for text in texts) <= 2  # kept once, perhaps repeated


def test_near_duplicates_do_not_cross_the_split(tmp_path: Path) -> None:
    write_sources(tmp_path / "text")
    config = everything(tmp_path / "text", dedup={"near_duplicates": "mark"}, mix={})
    folder = tmp_path / "corpus"
    folder.mkdir()
    build_corpus(config, folder)
    entries = [e for e in read_ledger(folder / "ledger.parquet") if not e.step]
    sides = {entry.id: entry.split for entry in entries}
    like = [entry for entry in entries if entry.twin]
    assert len(like) == 6
    assert all(sides[entry.twin] == entry.split for entry in like)


def test_a_second_crawl_brings_only_what_is_new(tmp_path: Path) -> None:
    write_sources(tmp_path / "text")
    store = str(tmp_path / "store")
    for crawl, documents in (("one", 120 - 1), ("two", 0 + 1)):
        dedup = {"near_duplicates": "drop", "store": store, "crawl": crawl}
        config = everything(tmp_path / "text", dedup=dedup, mix={}, split="tail")
        (tmp_path / "text" / "new.jsonl").unlink(missing_ok=True)
        if crawl == "two":
            text = " ".join(f"word{n}" for n in range(100))
            (tmp_path / "text" / "new.jsonl").write_text(json.dumps({"text": text}))
        (tmp_path / crawl).mkdir()
        result = build_corpus(config, tmp_path / crawl)
        assert result["documents"] == documents
        first = digests(tmp_path / crawl)
        # the same crawl again is not compared with itself
        (tmp_path / f"{crawl}-again").mkdir()
        build_corpus(config, tmp_path / f"{crawl}-again")
        assert digests(tmp_path / f"{crawl}-again") == first


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    texts=st.lists(st.text(max_size=40), min_size=1, max_size=40),
    symbols=st.floats(0, 1),
    near=st.sampled_from(["off", "mark", "drop"]),
    lines=st.booleans(),
    epochs=st.floats(0.5, 3),
    split=st.sampled_from(["document", "tail", "auto"]),
    part_bytes=st.sampled_from([1, 1 << 20]),
)
def test_whatever_the_rules_every_byte_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory,
    texts: list[str],
    symbols: float,
    near: str,
    lines: bool,
    epochs: float,
    split: str,
    part_bytes: int,
) -> None:
    folder = tmp_path_factory.mktemp("text")
    sides = [" ".join(f"{word}{n}" for word in WORDS) for n in range(40)]  # for either side
    for name, these in (("a", texts), ("b", sides + texts)):
        rows = [json.dumps({"text": text}) for text in these]
        (folder / f"{name}.jsonl").write_text("\n".join(rows))
    config = CorpusConfig.model_validate(
        {
            "sources": [str(folder / "*.jsonl"), str(folder)],
            "filters": {"rules": ["ratios"], "ratios": {"max_symbols": symbols, "max_digits": 1}},
            "pii": {"kinds": ["email", "phone"]},
            "dedup": {"near_duplicates": near, "repeated_lines": lines},
            "mix": {"epochs": {str(folder / "*.jsonl"): epochs}},
            "split": split,
            "validation_fraction": 0.3,
            "workers": 1,
        }
    )
    corpus = tmp_path_factory.mktemp("corpus")
    result = build_corpus(config, corpus, part_bytes=part_bytes)  # checks its own funnel
    met = sum(flows["read"]["in"][0] for flows in result["funnel"].values())
    assert met == 2 * len(texts) + 40
    written = [d for side in ("train", "validation") for d in read_documents(corpus, side)]
    assert sum(len(d.text.encode()) for d in written) == result["bytes"]
    last = result["steps"][-1]
    kept = sum(flows[last]["kept"][1] for flows in result["funnel"].values())
    assert kept == result["bytes"]
