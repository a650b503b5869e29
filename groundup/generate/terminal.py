"""Generated text on a terminal, shown as it comes."""

import re
import sys
from collections.abc import Iterable
from typing import TextIO

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""The control characters of Unicode but tab and line end."""


def show(pieces: Iterable[str], out: TextIO | None = None) -> str:
    """Write pieces of text as they come and return the whole.

    On a terminal control characters show as U+FFFD: a model may write anything, and an escape
    sequence could move the cursor or retitle the window. Files and pipes get the text unchanged.

    Args:
        pieces: from ``stream``.
        out: where to write; by default stdout.
    """
    out = sys.stdout if out is None else out
    is_terminal = out.isatty()
    written = []
    for piece in pieces:
        out.write(CONTROL.sub("\N{REPLACEMENT CHARACTER}", piece) if is_terminal else piece)
        out.flush()
        written.append(piece)
    return "".join(written)
