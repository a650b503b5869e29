"""What comes with compiling on first use: the user is told, and nothing old is ever run.

numba keeps what it compiled next to the source, so this happens once on a machine.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from hashlib import sha256
from pathlib import Path
from threading import Timer
from typing import Any

from numba import njit
from numba.core import event

from groundup.progress import console

PATIENCE = 1.0
"""Seconds of compiling after which a word is due."""


@contextmanager
def compiling_note(what: str, patience: float = PATIENCE) -> Iterator[None]:
    """Print one line if, while this is open, numba compiles for longer than ``patience`` seconds.

    What is only read from numba's cache prints nothing. ``what`` is named in the line.
    """
    listener = _Note(what, patience)
    with event.install_listener("numba:compile", listener):
        yield


class _Note(event.Listener):  # type: ignore[misc]  # numba has no types
    """Counts how deep in compilations we are: a function compiles those that it calls."""

    def __init__(self, what: str, patience: float) -> None:
        self._what = what
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
            f"Compiling the {self._what} for this machine, once: this takes some seconds.",
            highlight=False,
            soft_wrap=True,
        )


def kernel(
    function: Callable[..., Any] | None = None, *, fastmath: Collection[str] = frozenset()
) -> Any:
    """Compile ``function`` at its first call, to run without the interpreter's lock; keep the code.

    For one kind of arguments, if kernels call each other with numpy's numbers: numba compiles anew
    for each literal, int32 and uint64, which would make minutes of seconds.

    Kept is it next to the source or where numba puts it otherwise; if that is nowhere (a package
    and a home that are read-only), it is compiled anew in every process.

    Args:
        function: what is compiled; without it the decorator is returned, ``@kernel(fastmath=…)``.
        fastmath: liberties with floats that the compiler may take, by LLVM's names.
    """
    if function is None:
        return partial(kernel, fastmath=fastmath)
    liberties = set(fastmath)
    try:
        compiled = njit(nogil=True, cache=True, fastmath=liberties)(function)
    except RuntimeError:
        return njit(nogil=True, fastmath=liberties)(function)
    _discard_stale_code(compiled.stats.cache_path, Path(function.__code__.co_filename).parent)
    return compiled


@cache
def _discard_stale_code(cache_folder: str, source_folder: Path) -> None:
    """Remove compiled functions that were made of other sources than today's.

    numba compiles a function anew when its own file has changed, and not when that of a function
    which it calls has: after an edit or an update it would go on giving the results of yesterday.
    Kernels call those of their own folder, and of this one.
    """
    sources = sorted(source_folder.glob("*.py"))
    called = sorted(Path(__file__).parent.glob("*.py"))
    digest = sha256(b"".join(source.read_bytes() for source in sources + called)).hexdigest()
    stamp = Path(cache_folder, "groundup-sources.sha256")
    with suppress(OSError):  # another process was quicker, or the folder is read-only
        if stamp.exists() and stamp.read_text() == digest:
            return
        stems = {source.stem for source in sources}
        for index in Path(cache_folder).glob("*.nbi"):
            if index.name.partition(".")[0] in stems:
                index.unlink(missing_ok=True)
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(digest)
