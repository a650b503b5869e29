"""One process at a time in a run's folder, and no litter from those that were killed."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from groundup.errors import UserError
from groundup.files import clear_half_made


class BusyError(UserError):
    """Another process holds the folder: nothing is wrong with what was to be done there."""


@contextmanager
def locked(folder: Path, stages: Sequence[str]) -> Iterator[None]:
    """Hold ``folder`` for this process; the system lets go of it however the process ends.

    On entry, what killed processes left half-made of ``stages`` is cleared away.

    Raises:
        BusyError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        yield
        return
    import fcntl

    with (folder / ".lock").open("a+", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise BusyError(
                f"{folder}: another groundup works here (process {holder}); "
                "wait for it, or give this run another --name"
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        for stage in stages:
            clear_half_made(folder, stage)
        yield
