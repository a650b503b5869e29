"""A process that does tasks of a corpus, as ``processes.py`` hands them to it, until its pipe ends.

It ends with the process that started it, however that ends, for then the pipe ends too.
"""

import importlib
import json
import os
import sys
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import TextIO

from groundup.corpus.answers import Do, Moved, attempt
from groundup.corpus.notes import take_notes


def main(make_worker: str, folder: Path) -> None:
    """Do the tasks that come, a line each, and answer with a line each.

    Args:
        make_worker: ``module:function``; called with ``folder`` before the first task.
        folder: the corpus'.
    """
    answers = _take_stdout()
    tasks: SimpleQueue[str] = SimpleQueue()
    Thread(target=_listen, args=(tasks,), daemon=True).start()
    made: list[Do] = []

    def do(task: str, moved: Moved) -> None:
        if not made:
            module, name = make_worker.split(":")
            made.append(getattr(importlib.import_module(module), name)(folder))
        made[0](task, moved)

    while True:
        task = tasks.get()
        answers.write(json.dumps(attempt(do, task, take_notes(folder, task))) + "\n")
        answers.flush()


def _listen(tasks: "SimpleQueue[str]") -> None:
    """Pass on what comes through stdin, and end the process, whatever it does, when that ends."""
    for line in sys.stdin:
        tasks.put(line.rstrip("\n"))
    os._exit(0)


def _take_stdout() -> TextIO:
    """Return a stream to stdout, and let what libraries print there go to stderr."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
