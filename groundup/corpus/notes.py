"""How far the tasks in work are: each worker notes it in a small file, and the bar adds them up.

Files, because workers may be on other machines that share nothing with this one but the folder.
That the folder of the notes is there also tells them that they are still wanted: who cannot note
any more gives up.
"""

import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

NOTES = "notes"
"""Name of the folder in that of the corpus."""

SECONDS = 0.25
"""Between two notes of a worker, and between two looks at them."""


def take_notes(folder: Path, task: str) -> Callable[[int], None]:
    """Return what a worker tells how many bytes of a task are done.

    That raises ``FileNotFoundError`` where nobody waits for the task any more.
    """
    path = _note(folder, task)
    due = time.monotonic()

    def moved(at: int) -> None:
        nonlocal due
        if time.monotonic() >= due:
            path.write_text(str(at))
            due = time.monotonic() + SECONDS

    return moved


class Notes:
    """The notes of the workers on a corpus; a context manager, for they go with the work.

    Args:
        folder: of the corpus.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __enter__(self) -> Self:
        shutil.rmtree(self._folder / NOTES, ignore_errors=True)  # of work that was killed
        (self._folder / NOTES).mkdir()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Tell the workers that they are wanted no more."""
        shutil.rmtree(self._folder / NOTES, ignore_errors=True)

    def finish(self, task: str) -> None:
        """Forget the note of a task that is done."""
        _note(self._folder, task).unlink(missing_ok=True)

    def total(self) -> int:
        """Return how many bytes of the tasks in work are done."""
        total = 0
        for path in (self._folder / NOTES).iterdir():
            with suppress(OSError, ValueError):  # just being written
                total += int(path.read_text())
        return total


def _note(folder: Path, task: str) -> Path:
    return folder / NOTES / task.replace(" ", "-")
