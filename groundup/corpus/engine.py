"""Running the tasks of a corpus, several at a time: in processes here, or on a cluster.

A task is a few words, such as ``make 12``, that a worker knows how to do; it leaves its result in
the corpus' folder, whole or not at all. So a task that was done is not done again, nothing large
travels between processes, and the files are the same whatever runs them.

Daft hands the tasks out: its own engine to processes of this machine, or Ray to a cluster, whose
machines must see the folder and the sources under the same paths; ``DAFT_RUNNER=ray`` chooses it.
One worker needs neither.
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Any

from groundup.cores import available_cores
from groundup.corpus.answers import Answer, Do, Moved, attempt, raise_failure
from groundup.corpus.notes import SECONDS, Notes, take_notes
from groundup.corpus.processes import THREADS, Processes
from groundup.errors import UserError


def on_ray() -> bool:
    """Return whether the user has asked for a cluster."""
    return os.environ.get("DAFT_RUNNER", "").lower() == "ray"


def run_tasks(
    tasks: Sequence[str],
    make_worker: Callable[[Path], Do],
    folder: Path,
    *,
    workers: int = 0,
    done: Callable[[str], None] = lambda _: None,
    moved: Moved = lambda _: None,
) -> None:
    """Do all tasks; those after a failed one may be done or not.

    However this ends, Ctrl-C included, nothing is at work afterwards: processes here are killed,
    workers of a cluster give up with the record that they are at.

    Args:
        tasks: what to do, in any order; no two alike.
        make_worker: called once in each process with ``folder``; a function of a module.
        folder: where the tasks leave their results.
        workers: processes at a time; 0: one for each core (on Ray, each of the cluster's).
        done: called here after each task.
        moved: told now and then how many bytes of the tasks in work are done, all together.

    Raises:
        UserError, OSError: as the task raised it; UserError where a process was killed.
        RuntimeError: anything else that a task raised, with its traceback.
    """
    workers = workers or available_cores()
    if not tasks:
        return
    if len(tasks) == 1 or (workers == 1 and not on_ray()):
        do = make_worker(folder)
        for task in tasks:
            do(task, moved)
            done(task)
        return
    workers = min(workers, len(tasks))
    hand_out = _to_cluster if on_ray() else _to_processes
    with Notes(folder) as notes, hand_out(tasks, make_worker, folder.absolute(), workers) as asked:
        left = len(tasks)
        while left:
            answer = asked.wait(SECONDS)
            if answer is not None:
                raise_failure(answer)
                notes.finish(answer["task"])
                done(answer["task"])
                left -= 1
            moved(notes.total())


class _Asked:
    """Tasks that Daft hands out, in a thread of its own: this one stays free to be interrupted.

    Left in the middle, Daft's threads abort the process when it ends; so they are seen through,
    which is quick, because every task fails once there is nobody to do it.
    """

    def __init__(self, tasks: Sequence[str], run: Any) -> None:
        self._answers: SimpleQueue[Answer | Exception] = SimpleQueue()
        self._thread = Thread(target=self._collect, args=(list(tasks), run))
        self._thread.start()

    def wait(self, seconds: float) -> Answer | None:
        """Return the next answer, or None if none comes in time.

        Raises:
            UserError: Daft itself gives up, as where a cluster has lost a machine.
        """
        try:
            answer = self._answers.get(timeout=seconds)
        except Empty:
            return None
        if isinstance(answer, Exception):
            why = " ".join(str(answer).split())[:300]
            raise UserError(
                f"Daft gave up ({type(answer).__name__}: {why}); what is finished is kept; run the"
                " same command again"
            ) from answer
        return answer

    def join(self) -> None:
        """Wait until all is over."""
        self._thread.join()

    def _collect(self, tasks: Sequence[str], run: Any) -> None:
        daft = _daft()
        try:
            frame = daft.from_pydict({"task": tasks}).into_batches(1)
            for row in frame.select(run(daft.col("task")).alias("answer")).iter_rows():
                self._answers.put(json.loads(row["answer"]))
            self._answers.put(EOFError("no more answers"))
        except Exception as error:  # noqa: BLE001 - it is raised again, where it is waited for
            self._answers.put(error)


@contextmanager
def _to_processes(
    tasks: Sequence[str], make_worker: Callable[[Path], Do], folder: Path, workers: int
) -> Iterator[_Asked]:
    """Let processes of this machine do the tasks."""
    daft = _daft()
    processes = Processes(make_worker, folder, workers)

    @daft.func(return_dtype=daft.DataType.string())
    async def run(task: str) -> str:
        loop = asyncio.get_running_loop()
        return json.dumps(await loop.run_in_executor(processes.executor, processes.do, task))

    asked = _Asked(tasks, run)
    try:
        yield asked
    finally:
        processes.end()
        asked.join()


@contextmanager
def _to_cluster(
    tasks: Sequence[str], make_worker: Callable[[Path], Do], folder: Path, _workers: int
) -> Iterator[_Asked]:
    """Let the machines of a cluster do the tasks."""
    daft = _daft()
    cores = _start_ray()

    @daft.cls(max_concurrency=min(cores, len(tasks)), use_process=True)
    class Worker:
        """Lives as long as its process; what it needs is loaded with its first task."""

        def __init__(self, folder: str) -> None:
            self._folder = Path(folder)
            self._do: Do | None = None

        @daft.method(return_dtype=daft.DataType.string())
        def run(self, task: str) -> str:
            def do(task: str, moved: Moved) -> None:
                moved(0)  # is it wanted at all?
                self._do = self._do or make_worker(self._folder)
                self._do(task, moved)

            return json.dumps(attempt(do, task, take_notes(self._folder, task)))

    asked = _Asked(tasks, Worker(str(folder)).run)
    try:
        yield asked
    finally:
        Notes(folder).clear()
        asked.join()


def _daft() -> Any:
    """Load Daft, which then sends nothing to anyone and draws no bars."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("DAFT_PROGRESS_BAR", "0")
    # on Ctrl-C it drops its work by itself, and complains that this was not finished
    logging.getLogger("daft_local_execution").setLevel(logging.CRITICAL)
    import daft

    return daft


def _start_ray() -> int:
    """Join the cluster that RAY_ADDRESS names, or start one here; return how many cores it has.

    Raises:
        UserError: Ray is not installed.
    """
    try:
        import ray
    except ImportError:
        raise UserError(
            "DAFT_RUNNER=ray needs Ray; install it with: pip install 'groundup[scale]'"
        ) from None
    if not ray.is_initialized():
        ray.init(
            log_to_driver=False,
            logging_level=logging.ERROR,
            include_dashboard=False,
            runtime_env={"env_vars": dict.fromkeys(THREADS, "1")},
        )
    return int(ray.cluster_resources().get("CPU", 1))
