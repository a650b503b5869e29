"""What a task came to, as JSON: exceptions of many kinds do not survive the way between processes.

``Moved`` and ``Do`` are what the two sides agree on.
"""

import traceback
from collections.abc import Callable
from typing import Any

from groundup.errors import UsageError, UserError, missing_package

Moved = Callable[[int], None]
"""Told how many bytes of a task are done."""

Do = Callable[[str, Moved], None]
"""Does a task."""

Answer = dict[str, Any]
"""``task``, and ``failure``: None, or what ``raise_failure`` makes an exception of."""

FEWER = "what is finished is kept; run the same command again, with fewer corpus.workers"
"""What to do where memory is short."""


def attempt(do: Do, task: str, moved: Moved) -> Answer:
    """Do a task and say what came of it."""
    failure: dict[str, Any] | None = None
    try:
        do(task, moved)
    except UserError as error:
        failure = {"kind": type(error).__name__, "text": str(error)}
    except OSError as error:
        name = None if error.filename is None else str(error.filename)
        failure = {"kind": "OSError", "arguments": [error.errno, error.strerror, name]}
        if error.errno is None:
            failure = {"kind": "bug", "text": traceback.format_exc()}
    except MemoryError:
        failure = {"kind": "UserError", "text": f"a worker ran out of memory; {FEWER}"}
    except Exception as error:  # noqa: BLE001 - it is raised again, there
        failure = {"kind": "bug", "text": traceback.format_exc()}
        if missing := missing_package(error):
            failure = {"kind": "UserError", "text": str(missing)}
    return {"task": task, "failure": failure}


def raise_failure(answer: Answer) -> None:
    """Raise what a task raised, if it did.

    Raises:
        UserError, OSError: as the task raised it.
        RuntimeError: anything else, with its traceback.
    """
    failure = answer["failure"]
    if failure is None:
        return
    match failure["kind"]:
        case "UsageError":
            raise UsageError(failure["text"])
        case "OSError":
            raise OSError(*failure["arguments"])
        case "bug":
            raise RuntimeError(f"a worker failed:\n{failure['text']}")
        case _:
            raise UserError(failure["text"])
