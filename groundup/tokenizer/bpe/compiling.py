"""What comes with compiling on first use: the user is told, and nothing old is ever run.

numba keeps what it compiled next to the source, so this happens once on a machine.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from threading import Timer
from typing import Any

from numba.core import event

from groundup.progress import console

PATIENCE = 1.0
"""Seconds of compiling after which a word is due."""


@contextmanager
def compiling_note(patience: float = PATIENCE) -> Iterator[None]:
    """Print one line if, while this is open, numba compiles for longer than ``patience`` seconds.

    What is only read from numba's cache prints nothing.
    """
    listener = _Note(patience)
    with event.install_listener("numba:compile", listener):
        yield


class _Note(event.Listener):  # type: ignore[misc]  # numba has no types
    """Counts how deep in compilations we are: a function compiles those that it calls."""

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._depth = 0
        self._said = False
        self._timer: Timer | None = None

    def on_start(self, _event: Any) -> None:
        self._depth += 1
        if self._depth == 1 and not self._said:
            self._timer = Timer(self._patience, self._say)
            self._timer.daemon = True
            self._timer.start()

    def on_end(self, _event: Any) -> None:
        self._depth -= 1
        if self._depth == 0 and self._timer is not None:
            self._timer.cancel()

    def _say(self) -> None:
        self._said = True
        console.print(
            "Compiling the tokenizer for this machine, once: this takes some seconds.",
            highlight=False,
            soft_wrap=True,
        )


@cache
def discard_stale_code(folder: str) -> None:
    """Remove compiled functions that are older than any source in this package.

    numba compiles a function anew when its own file has changed, and not when that of a function
    which it calls has: after an edit or an update it would go on giving the ids of yesterday.

    Args:
        folder: where numba keeps them: ``function.stats.cache_path``.
    """
    sources = list(Path(__file__).parent.glob("*.py"))
    newest = max(source.stat().st_mtime for source in sources)
    if newest > time.time():  # a clock that was wrong: everything would look old for ever
        return
    stems = {source.stem for source in sources}
    for index in Path(folder).glob("*.nbi"):
        with suppress(OSError):  # another process was quicker, or the folder is read-only
            if index.name.partition(".")[0] in stems and index.stat().st_mtime < newest:
                index.unlink()
