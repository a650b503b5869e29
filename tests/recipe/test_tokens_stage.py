"""Tokenizing is broken off in every way there is, and goes on where it was."""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from groundup.cli import main
from groundup.corpus import storage

REPOSITORY = Path(__file__).resolve().parents[2]

SLOWLY = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background ignores it
from groundup.cli import main
from groundup.data import tokenize
tokenize.SAVE_SECONDS = 0
encode, calls = tokenize._encode, []
def encode_slowly(*arguments):
    calls.append(1)
    time.sleep(0.1 if len(calls) <= int(os.environ["FAST"]) else 3)
    return encode(*arguments)
tokenize._encode = encode_slowly
sys.exit(main(sys.argv[1:]))
"""
"""groundup, with time to interrupt it after some documents, on the busiest machine too."""


@pytest.fixture
def corpus(place, monkeypatch) -> Path:
    """The working folder with a corpus, a document a row group, and a tokenizer in it."""
    monkeypatch.setattr(storage, "ROW_GROUP_ROWS", 1)
    for command in ("corpus", "tokenizer"):
        assert main([command, "tiny.toml"]) == 0
    return place


def start_slowly(fast: int = 4, **options) -> "subprocess.Popen[str]":
    """Start tokenizing; after the first documents, encoded fast, two take three seconds."""
    environment = os.environ | {
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": "1",
        "FAST": str(fast),
    }
    return subprocess.Popen(
        [sys.executable, "-c", SLOWLY, "tokenize", "tiny.toml"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def saved_documents() -> int:
    """Return how many training documents the half-made stage has saved."""
    for name in ("train.json", "train.partial.json"):
        for path in Path("runs/tiny").glob(f"tokens.partial-*/{name}"):
            return json.loads(path.read_text())["documents"]
    return 0


def wait_for_documents(process: "subprocess.Popen[str]", count: int) -> None:
    deadline = time.monotonic() + 60
    while saved_documents() < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"no document {count} within a minute"
        time.sleep(0.005)


def tokens() -> dict[str, bytes]:
    """Return the files of the finished stage but the record, which has the time in it."""
    paths = Path("runs/tiny/tokens").iterdir()
    return {path.name: path.read_bytes() for path in paths if path.name != "stage.json"}


def straight() -> dict[str, bytes]:
    """Return the files that an undisturbed run of the same recipe makes."""
    for command in ("corpus", "tokenizer", "tokenize"):
        assert main([command, "tiny.toml", "--runs", "straight"]) == 0
    paths = Path("straight/tiny/tokens").iterdir()
    return {path.name: path.read_bytes() for path in paths if path.name != "stage.json"}


def resumed_after(error: str) -> int:
    """Return the document after which a run said that it goes on."""
    found = re.search(r"resuming after document (\d+) of train", error)
    return int(found[1]) if found else 0


def test_killed_and_interrupted_no_finished_document_is_redone(corpus, capsys):
    saved = 0
    for more in (1, 2):
        killed = start_slowly()
        wait_for_documents(killed, saved + more)
        killed.kill()
        _, error = killed.communicate()
        assert resumed_after(error) == saved
        before, saved = saved, saved_documents()
        assert saved >= before + more
        [partial] = Path("runs/tiny").glob("tokens.partial-*")
        (partial / ".train.partial.json.abcd").touch()  # as if killed while saving
    interrupted = start_slowly()
    wait_for_documents(interrupted, saved + 2)
    interrupted.send_signal(signal.SIGINT)
    _, error = interrupted.communicate()
    assert interrupted.returncode == 130, error
    assert error.splitlines()[-1] == (
        "groundup: interrupted while tokenizing; saved; run the same command to resume"
    )
    assert not Path("runs/tiny/tokens").exists()

    saved = saved_documents()
    capsys.readouterr()
    assert main(["tokenize", "tiny.toml"]) == 0
    out, error = capsys.readouterr()
    assert resumed_after(error) == saved
    assert "resumed" in out
    assert not list(Path("runs/tiny").glob("tokens.partial-*"))
    assert tokens() == straight()


def test_where_a_file_may_not_grow_the_work_is_kept_for_when_it_may(corpus, capsys):
    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000))

    refused = start_slowly(fast=99, preexec_fn=limit)
    _, error = refused.communicate()
    assert refused.returncode == 1
    assert "Traceback" not in error
    assert "size limit" in error.splitlines()[-1]
    assert "run again" in error.splitlines()[-1]
    saved = saved_documents()
    assert saved > 0
    capsys.readouterr()
    assert main(["tokenize", "tiny.toml"]) == 0
    assert resumed_after(capsys.readouterr().err) == saved
    assert tokens() == straight()


@pytest.mark.parametrize("change", ["tokenizer", "corpus"])
def test_work_on_another_corpus_or_tokenizer_is_not_gone_on_with(corpus, capsys, change):
    killed = start_slowly()
    wait_for_documents(killed, 3)
    killed.kill()
    killed.communicate()
    if change == "corpus":
        Path("text/0.txt").write_text("something else")
    else:
        recipe = Path("tiny.toml").read_text()
        Path("tiny.toml").write_text(recipe.replace("vocab_size = 300", "vocab_size = 280"))
    for command in ("corpus", "tokenizer"):
        assert main([command, "tiny.toml"]) == 0
    capsys.readouterr()
    assert main(["tokenize", "tiny.toml"]) == 0
    out, error = capsys.readouterr()
    assert resumed_after(error) == 0
    assert "resumed" not in out
    assert not list(Path("runs/tiny").glob("tokens.partial-*"))
    assert tokens() == straight()


def test_the_tokens_there_stay_until_the_new_are_whole(corpus, capsys):
    assert main(["tokenize", "tiny.toml"]) == 0
    before = tokens()
    recipe = Path("tiny.toml").read_text()
    Path("tiny.toml").write_text(recipe.replace("vocab_size = 300", "vocab_size = 280"))
    assert main(["tokenizer", "tiny.toml"]) == 0
    killed = start_slowly()
    wait_for_documents(killed, 3)
    assert tokens() == before
    killed.kill()
    killed.communicate()
    assert tokens() == before
    assert main(["tokenize", "tiny.toml"]) == 0
    assert tokens() == straight() != before


def test_the_result_in_a_few_words(corpus, capsys):
    capsys.readouterr()
    assert main(["tokenize", "tiny.toml"]) == 0
    line = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(
        r"tokens: 25 documents, [\d,]+ tokens, [\d,]+ held out, \d\.\d\d bytes each, "
        r"[\d,]+\.\d MB/s",
        line,
    )
