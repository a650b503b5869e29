"""Tasks are done side by side, and what goes wrong in a worker is said as if it had been here."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from groundup.corpus.answers import Do, Moved
from groundup.corpus.engine import run_tasks
from groundup.corpus.processes import THREADS
from groundup.errors import UsageError, UserError


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers find this module by its name."""
    repository = str(Path(__file__).resolve().parents[2])
    monkeypatch.setattr(sys, "path", [*sys.path, repository])


def make_worker(folder: Path) -> Do:
    def do(task: str, moved: Moved) -> None:
        match task:
            case "mistake":
                raise UsageError("a wrong key")
            case "missing":
                (folder / "missing").read_text()
            case "bug":
                raise ZeroDivisionError
            case "killed" | "crashed":
                number = signal.SIGKILL if task == "killed" else signal.SIGSEGV
                os.kill(os.getpid(), number)
            case "hungry":
                raise MemoryError
            case "loud":
                os.write(1, b"." * 300_000)  # more than a pipe holds
                os.write(2, b"." * 300_000)
            case "sleep":
                time.sleep(60)
            case "far":
                moved(0)
                time.sleep(0.3)
                moved(700)
                time.sleep(1)
        (folder / task).write_text(f"{os.getpid()} {os.environ.get(THREADS[0])}")

    return do


@pytest.mark.dist
def test_tasks_are_done_by_other_processes(tmp_path: Path) -> None:
    done: list[str] = []
    tasks = [f"task-{n}" for n in range(5)]
    run_tasks(tasks, make_worker, tmp_path, workers=2, done=done.append)
    assert sorted(done) == tasks
    processes = {(tmp_path / task).read_text().split()[0] for task in tasks}
    assert str(os.getpid()) not in processes


@pytest.mark.parametrize("number", [pytest.param(2, marks=pytest.mark.dist), 1])
def test_errors_come_back_as_what_they_were(tmp_path: Path, number: int) -> None:
    def run(task: str) -> None:
        run_tasks([task] * number, make_worker, tmp_path, workers=number)

    with pytest.raises(UsageError, match="a wrong key"):
        run("mistake")
    with pytest.raises(FileNotFoundError, match="missing"):
        run("missing")
    with pytest.raises((RuntimeError, ZeroDivisionError)):
        run("bug")


def test_one_worker_works_here_in_order(tmp_path: Path) -> None:
    done: list[str] = []
    run_tasks(["b", "a", "c"], make_worker, tmp_path, workers=1, done=done.append)
    assert done == ["b", "a", "c"]
    assert (tmp_path / "a").read_text().startswith(str(os.getpid()))


def test_a_mistake_ends_the_work(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        run_tasks(["mistake", "after"], make_worker, tmp_path, workers=1)
    assert not (tmp_path / "after").exists()


@pytest.mark.dist
@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("killed", "a worker was killed, most likely for want of memory; .* fewer corpus.workers"),
        ("crashed", "a worker ended by SIGSEGV; .* run the same command again"),
        ("hungry", "a worker ran out of memory; .* fewer corpus.workers"),
    ],
)
def test_a_worker_that_dies_ends_the_others(tmp_path: Path, task: str, message: str) -> None:
    begin = time.monotonic()
    with pytest.raises(UserError, match=message):
        run_tasks(["sleep", task, "after"], make_worker, tmp_path, workers=2)
    assert time.monotonic() - begin < 30
    assert not (tmp_path / "sleep").exists()


@pytest.mark.dist
def test_what_libraries_print_in_a_worker_blocks_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run_tasks(["loud", "b"], make_worker, tmp_path, workers=2)
    assert {path.name for path in tmp_path.iterdir()} == {"loud", "b"}
    assert capfd.readouterr() == ("", "")


@pytest.mark.dist
def test_how_far_workers_are_is_told_while_they_work(tmp_path: Path) -> None:
    told: list[int] = []
    threads = threading.active_count()
    run_tasks(["far", "b"], make_worker, tmp_path, workers=2, moved=told.append)
    assert told.index(0) < told.index(700)
    assert told[-1] == 0, "what is done is in work no more"
    assert {path.name for path in tmp_path.iterdir()} == {"far", "b"}  # and no notes
    assert threading.active_count() <= threads + 1
