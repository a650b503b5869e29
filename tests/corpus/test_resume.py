"""Interrupted or killed, here or in a worker: it ends at once, in one line, and can go on."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from groundup.corpus import CorpusConfig, build_corpus

pytestmark = [
    pytest.mark.dist,
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="finds processes by /proc"),
]

Start = Callable[[], "subprocess.Popen[str]"]

REPOSITORY = Path(__file__).resolve().parents[2]
FILES = 12

SLOW = """
import time
from groundup.corpus.tasks import make_worker as make

def make_worker(folder):
    do = make(folder)
    def slowly(task, moved):
        time.sleep(0.3)
        do(task, moved)
    return slowly
"""
"""Makes sure that there is still work to be done when the blow falls."""

COMMAND = """
import sys
from functools import partial
import groundup.corpus.build as build
import slow
from groundup.cli import main
from groundup.recipe import stages

build.make_worker = slow.make_worker
stages.build_corpus = partial(stages.build_corpus, part_bytes=1)  # each file is a part
sys.exit(main(["corpus", *sys.argv[1:]]))
"""


@pytest.fixture
def straight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Write a recipe and its text; give the digests of the corpus when nothing breaks it off."""
    (tmp_path / "slow.py").write_text(SLOW)
    (tmp_path / "text").mkdir()
    for file in range(FILES):
        rows = [
            json.dumps({"text": " ".join(f"{word}{row * file % 37}" for word in range(40))})
            for row in range(30)
        ]
        (tmp_path / "text" / f"{file}.jsonl").write_text("\n".join(rows))
    corpus = {"sources": ["text"], "dedup": {"near_duplicates": "drop"}}
    (tmp_path / "text.toml").write_text(
        'name = "text"\n[corpus]\nsources = ["text"]\nworkers = 2\n'
        '[corpus.dedup]\nnear_duplicates = "drop"\n'
    )
    monkeypatch.chdir(tmp_path)
    (tmp_path / "straight").mkdir()
    config = CorpusConfig.model_validate(corpus | {"workers": 1})
    build_corpus(config, tmp_path / "straight", part_bytes=1)
    return digests(tmp_path / "straight")


@pytest.fixture
def start(straight: dict[str, str], tmp_path: Path) -> Start:
    """Give what runs ``groundup corpus text.toml`` in a process group of its own."""

    def start() -> "subprocess.Popen[str]":
        path = os.pathsep.join([str(REPOSITORY), str(tmp_path)])
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, "text.toml"],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    return start


def wait_for(happens: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it does not happen"
        time.sleep(0.01)


def made(place: Path) -> list[Path]:
    """The parts that are finished, in the work of a run."""
    return list(place.glob("runs/text/corpus.partial-*/parts/0*"))


def workers(place: Path) -> list[int]:
    """Processes that have the folder in their command."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
        except OSError:  # it has just ended
            continue
        if str(place).encode() in words and b"groundup.corpus.worker" in words:
            found.append(int(process.name))
    return found


def digests(corpus: Path) -> dict[str, str]:
    """Digests of a corpus' files, without the stage's own record, which tells the time."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in corpus.iterdir()
        if path.name != "stage.json"
    }


def assert_goes_on_to(straight: dict[str, str], process: "subprocess.Popen[str]") -> None:
    """The same command ends what was begun, and nothing shows that it was broken off."""
    _, error = process.communicate(timeout=200)
    assert process.returncode == 0, error
    assert digests(Path("runs/text/corpus")) == straight
    assert len(straight) == 5


@pytest.mark.parametrize("whom", ["everyone in the terminal", "the main process"])
def test_an_interruption_ends_everything_and_the_same_command_goes_on(
    straight: dict[str, str], start: Start, tmp_path: Path, whom: str
) -> None:
    process = start()
    wait_for(lambda: bool(made(tmp_path)))
    assert len(workers(tmp_path)) == 2
    interrupted = time.monotonic()
    if whom == "the main process":
        process.send_signal(signal.SIGINT)
    else:
        os.killpg(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert time.monotonic() - interrupted < 5  # 0.4 on a quiet machine
    assert not workers(tmp_path)
    assert process.returncode == 130
    assert error == (
        "groundup: interrupted while building the corpus; saved; run the same command to resume\n"
    )
    kept = made(tmp_path)
    assert 0 < len(kept) < FILES
    assert not list(kept[0].parent.glob(".*")), "half a part was left behind"
    assert_goes_on_to(straight, start())


def test_a_worker_that_is_killed_is_told_of_in_one_line(
    straight: dict[str, str], start: Start, tmp_path: Path
) -> None:
    process = start()
    wait_for(lambda: bool(made(tmp_path)))
    os.kill(workers(tmp_path)[0], signal.SIGKILL)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    assert error.startswith(
        "groundup: a worker was killed, most likely for want of memory; what is"
    )
    assert error.endswith("run the same command again, with fewer corpus.workers\n")
    assert error.count("\n") == 1
    assert not workers(tmp_path)
    assert 0 < len(made(tmp_path)) < FILES
    assert_goes_on_to(straight, start())


def test_no_worker_outlives_a_main_process_that_is_killed(
    straight: dict[str, str], start: Start, tmp_path: Path
) -> None:
    process = start()
    wait_for(lambda: bool(made(tmp_path)))
    process.kill()
    process.communicate()
    wait_for(lambda: not workers(tmp_path), 10)
    assert 0 < len(made(tmp_path)) < FILES
    assert_goes_on_to(straight, start())
