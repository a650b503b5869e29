"""Generated text on a terminal, shown as it comes."""

import sys
from collections.abc import Iterable
from typing import TextIO

from groundup.errors import printable


def show(pieces: Iterable[str], out: TextIO | None = None) -> str:
    """Write pieces of text as they come and return the whole.

    On a terminal control characters show as U+FFFD (``printable``), for a model may write anything.
    Files and pipes get the text unchanged.

    Args:
        pieces: from ``stream``.
        out: where to write; by default stdout.
    """
    out = sys.stdout if out is None else out
    is_terminal = out.isatty()
    written = []
    for piece in pieces:
        out.write(printable(piece) if is_terminal else piece)
        out.flush()
        written.append(piece)
    return "".join(written)
