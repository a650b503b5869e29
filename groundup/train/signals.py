"""Ctrl-C, SIGTERM and a terminal that is closed: finish the step, save, leave."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

from groundup.progress import console

STOPPING = (
    b"\nstopping after this step (and its validation, if one is due); Ctrl-C again stops at once, "
    b"without saving\n"
)


@dataclass
class Interruption:
    """Whether someone has asked to stop.

    Attributes:
        requested: a signal has come; look at it between steps.
    """

    requested: bool = False


@contextlib.contextmanager
def graceful_interruption() -> Iterator[Interruption]:
    """Turn SIGINT, SIGTERM and SIGHUP into a flag; a second SIGINT raises ``KeyboardInterrupt``.

    SIGHUP comes when the terminal is closed: from then on nothing is shown. Under ``nohup``, which
    ignores it, it stays ignored. The handlers before are put back on leaving. Outside the main
    thread Python allows no signal handlers: there the flag is never set.
    """
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if interruption.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        interruption.requested = True
        if number not in (signal.SIGINT, signal.SIGTERM):
            console.quiet = True  # writing to a terminal that is gone fails
            return
        # Not through rich: the main thread may hold its lock right now.
        with contextlib.suppress(OSError):  # Ctrl-C also ends the tee that would have read it
            os.write(2, STOPPING)

    numbers = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)  # Windows has none
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:
        numbers.append(hangup)
    before = {number: signal.signal(number, on_signal) for number in numbers}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)
