"""Extraction that no page can stop: in processes that are killed and replaced."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import BinaryIO, Self, cast

from groundup.corpus.extract.config import ExtractConfig
from groundup.corpus.extract.frames import read_frame, write_frame
from groundup.corpus.extract.page import Extracted
from groundup.corpus.extract.worker import READY
from groundup.errors import UserError

TIMEOUT, CRASH, EMPTY = "extract_timeout", "extract_crash", "extract_empty"
"""Why a page gives no text: it took too long; it killed its worker or raised; there is none."""

REASONS = (TIMEOUT, CRASH, EMPTY)

PATIENCE = 10
"""A worker that sleeps uses no processor time; after so many times the limit it is killed here."""

START_SECONDS = 120.0
"""Seconds that a worker may take to load its libraries, on however busy a machine."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page's markup and address."""

    html: str
    url: str | None = None


class ExtractionPool:
    """Extracts pages; a context manager, for it has processes to end.

    Args:
        config: mode and limits.
        workers: processes.

    Raises:
        UserError: what the mode needs is not installed.
    """

    def __init__(self, config: ExtractConfig, workers: int = 1) -> None:
        self._config = config
        self._workers = [_Worker(config) for _ in range(workers)]
        try:
            for worker in self._workers:
                worker.wait_ready()
        except BaseException:  # an interruption too: no process is left behind
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.end()
        self._workers.clear()

    def extract(self, pages: Sequence[Page]) -> list[Extracted | str]:
        """Extract some pages.

        Returns:
            for each, in their order, what it says, or one of ``REASONS``.
        """
        results: list[Extracted | str] = [CRASH] * len(pages)
        waiting = list(range(len(pages)))[::-1]
        busy: dict[int, tuple[int, int, float]] = {}  # file → worker, page, when it is given up
        while waiting or busy:
            idle = set(range(len(self._workers))) - {worker for worker, _, _ in busy.values()}
            while waiting and idle:
                number, page = idle.pop(), waiting.pop()
                if self._workers[number].has_ended():  # between pages: no fault of this one
                    self._replace(number)
                if self._workers[number].send(pages[page]):
                    until = time.monotonic() + PATIENCE * self._config.seconds
                    busy[self._workers[number].fileno()] = number, page, until
                else:
                    self._replace(number)
            if not busy:
                continue
            first = min(until for _, _, until in busy.values())
            ready, _, _ = select.select(list(busy), [], [], max(0.0, first - time.monotonic()))
            late = [f for f, (_, _, until) in busy.items() if until <= time.monotonic()]
            for file in {*ready, *late}:
                number, page, _ = busy.pop(file)
                worker = self._workers[number]
                results[page] = worker.receive() if file in ready else TIMEOUT
                if results[page] in (TIMEOUT, CRASH):
                    self._replace(number)
        return results

    def _replace(self, number: int) -> None:
        self._workers[number].end()
        self._workers[number] = _Worker(self._config)
        self._workers[number].wait_ready()


class _Worker:
    """A process, and the pipes to it."""

    def __init__(self, config: ExtractConfig) -> None:
        arguments = [config.mode, str(config.seconds), str(config.memory_mb)]
        path = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(  # noqa: S603 - this very Python, and our own module
            [sys.executable, "-m", "groundup.corpus.extract.worker", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # sets in the libraries must not decide anything by their order
            env=os.environ | {"PYTHONPATH": path, "PYTHONHASHSEED": "0"},
        )
        self._pages = cast("BinaryIO", self._process.stdin)
        self._answers = cast("BinaryIO", self._process.stdout)

    def fileno(self) -> int:
        return self._answers.fileno()

    def wait_ready(self) -> None:
        ready, _, _ = select.select([self._answers], [], [], START_SECONDS)
        answer = read_frame(self._answers) if ready else None
        if answer != [READY]:
            self.end()
            reason = answer[0].decode() if answer else "the process for extraction does not start"
            raise UserError(reason)

    def has_ended(self) -> bool:
        return self._process.poll() is not None

    def send(self, page: Page) -> bool:
        """Send a page; return whether the process is there to receive it."""
        html, url = (text.encode("utf-8", "surrogatepass") for text in (page.html, page.url or ""))
        try:
            write_frame(self._pages, html, url)
        except OSError:
            return False
        return True

    def receive(self) -> Extracted | str:
        """Return the answer that has begun to come, or why there is none."""
        answer = read_frame(self._answers)
        if answer is None:
            return TIMEOUT if self._process.wait() == -signal.SIGPROF else CRASH
        found = Extracted(*json.loads(answer[0]))
        return found if found.text else EMPTY

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._answers.close()
        with suppress(OSError):  # it still held some of a page
            self._pages.close()
