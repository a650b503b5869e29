import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator

import pytest

from groundup.corpus.extract import (
    CRASH,
    EMPTY,
    TIMEOUT,
    ExtractConfig,
    Extracted,
    ExtractionPool,
    Page,
    extract,
)
from groundup.errors import UserError

GOOD = [
    Page(f"<html><title>{i}</title><article><p>{f'A sentence of page {i}. ' * 9}</p></article>")
    for i in range(12)
]


@pytest.fixture(scope="module")
def pool() -> Iterator[ExtractionPool]:
    with ExtractionPool(ExtractConfig(mode="fast", seconds=0.2), 2) as pool:
        yield pool


def pids(pool: ExtractionPool) -> list[int]:
    return [worker._process.pid for worker in pool._workers]


def test_results_are_those_of_extract_in_order(pool: ExtractionPool) -> None:
    assert pool.extract(GOOD) == [extract(page.html, "fast") for page in GOOD]
    assert pool.extract([]) == []


def test_page_without_text_is_empty(pool: ExtractionPool) -> None:
    assert pool.extract([Page(""), GOOD[0], Page("<html><body></body></html>")]) == [
        EMPTY,
        extract(GOOD[0].html, "fast"),
        EMPTY,
    ]


def test_page_that_takes_too_long_is_given_up_and_the_others_are_not(pool: ExtractionPool) -> None:
    # millions of elements: seconds inside the library, where no Python runs
    slow = Page("<div><p>word <b>x</b></p></div>" * 700_000)
    before = pids(pool)
    found = pool.extract([*GOOD[:4], slow, *GOOD[4:]])
    assert found[4] == TIMEOUT
    assert [r for i, r in enumerate(found) if i != 4] == [extract(p.html, "fast") for p in GOOD]
    assert len(set(pids(pool)) & set(before)) == 1


def test_page_that_needs_too_much_memory_is_given_up() -> None:
    config = ExtractConfig(mode="fast", seconds=60, memory_mb=512)
    with ExtractionPool(config) as pool:
        huge = Page("<p>x" * (100 << 18))
        assert pool.extract([GOOD[0], huge, GOOD[1]])[1] == CRASH


def test_worker_that_is_killed_costs_its_page_alone(pool: ExtractionPool) -> None:
    slow = Page("<div><p>word <b>x</b></p></div>" * 30_000)
    (victim, _) = pids(pool)
    for pid in pids(pool):
        os.kill(pid, signal.SIGSTOP)  # holds its page for sure
    killer = threading.Timer(0.3, _kill_and_go_on, (victim, pids(pool)))
    killer.start()
    found = pool.extract([slow, *GOOD])
    killer.join()
    assert sum(result == CRASH for result in found) == 1
    assert sum(isinstance(result, Extracted) for result in found) == len(GOOD)


def _kill_and_go_on(victim: int, all_pids: list[int]) -> None:
    os.kill(victim, signal.SIGKILL)
    for pid in all_pids:
        os.kill(pid, signal.SIGCONT)


def test_worker_that_died_between_pages_costs_nothing(pool: ExtractionPool) -> None:
    for pid in pids(pool):
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.2)
    assert pool.extract(GOOD) == [extract(page.html, "fast") for page in GOOD]


def test_worker_that_sleeps_is_killed_in_the_end() -> None:
    with ExtractionPool(ExtractConfig(mode="fast", seconds=0.05)) as pool:
        os.kill(pids(pool)[0], signal.SIGSTOP)
        assert pool.extract([GOOD[0]]) == [TIMEOUT]
        assert pool.extract([GOOD[0]]) == [extract(GOOD[0].html, "fast")]


def test_processes_end_with_the_pool() -> None:
    with ExtractionPool(ExtractConfig(mode="fast")) as pool:
        (pid,) = pids(pool)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_processes_end_with_a_pool_that_cannot_start(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []
    start = subprocess.Popen

    def fail_second(command: list[str], **options: object) -> object:
        process = start(["true"] if started else command, **options)  # type: ignore[call-overload]
        started.append(process.pid)
        return process

    monkeypatch.setattr(subprocess, "Popen", fail_second)
    with pytest.raises(UserError, match="does not start"):
        ExtractionPool(ExtractConfig(mode="fast"), 3)
    assert len(started) == 3
    for pid in started:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
