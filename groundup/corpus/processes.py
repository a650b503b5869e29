"""Processes of this machine that do tasks: none outlives us, and none that dies is waited for."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import cast

from groundup.corpus.answers import FEWER, Answer, Do

THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
"""What tells libraries how many threads to start: in a worker one, for every core has a worker."""


class Processes:
    """Some processes, each started when there is work for it, and a thread that waits for each.

    Daft could start such processes itself (``use_process``). But as of 0.6.14 it waits forever for
    one that was killed while it starts, leaves them running when this process is killed, blocks
    where they print more than a pipe holds, and aborts on Ctrl-C.

    Args:
        make_worker: called once in each process with ``folder``; a function of a module.
        folder: where the tasks leave their results.
        count: of processes.
    """

    def __init__(self, make_worker: Callable[[Path], Do], folder: Path, count: int) -> None:
        self._command = f"{make_worker.__module__}:{make_worker.__qualname__}", str(folder)
        self._idle: SimpleQueue[_Process] = SimpleQueue()
        self._all: list[_Process] = []
        self._ended = False
        self._lock = Lock()  # of the two above: no process starts once we have ended
        self.executor = ThreadPoolExecutor(count)
        """Runs ``do``."""

    def __getstate__(self) -> dict[str, object]:
        """Return nothing: Daft tries whether its functions can be pickled, and then does not."""
        return {}

    def do(self, task: str) -> Answer:
        """Do a task in one of the processes."""
        try:
            process = self._idle.get_nowait()
        except Empty:
            with self._lock:
                if self._ended:
                    return _failure(task, "the work has been stopped")
                process = _Process(*self._command)
                self._all.append(process)
        answer = process.do(task)
        self._idle.put(process)
        return answer

    def end(self) -> None:
        """End the processes at once; tasks in work, and those to come, fail."""
        with self._lock:
            self._ended = True
        for process in self._all:
            process.kill()
        self.executor.shutdown()  # nobody listens to them any more
        for process in self._all:
            process.close()


class _Process:
    """A process, and the pipes to it."""

    def __init__(self, make_worker: str, folder: str) -> None:
        path = os.pathsep.join(filter(None, sys.path))
        self._process = subprocess.Popen(  # noqa: S603 - this very Python, and our own module
            [sys.executable, "-m", "groundup.corpus.worker", make_worker, folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=dict.fromkeys(THREADS, "1") | os.environ | {"PYTHONPATH": path},
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for us, who then end it
        )

    def do(self, task: str) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(task + "\n")
            self._process.stdin.flush()
        except OSError:  # it has gone
            line = ""
        else:
            line = self._process.stdout.readline()
        if not line.endswith("\n"):
            return _failure(task, _death(self._process.wait()))
        return cast("Answer", json.loads(line))

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        with suppress(OSError):  # it still held a task
            self._process.communicate()


def _failure(task: str, text: str) -> Answer:
    return {"task": task, "failure": {"kind": "UserError", "text": text}}


def _death(code: int) -> str:
    """Say what a process' end was, and what to do."""
    if code == -signal.SIGKILL:
        return f"a worker was killed, most likely for want of memory; {FEWER}"
    try:
        name = f"by {signal.Signals(-code).name}"
    except ValueError:
        name = f"with exit code {code}"
    return f"a worker ended {name}; what is finished is kept; run the same command again"
