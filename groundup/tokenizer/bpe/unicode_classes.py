"""What kind of character each code point is, as the split patterns see it.

The general categories are those of Unicode 18.0.0, listed in ``unicode_categories.txt``, so that
text is cut alike whatever the Python or the ``regex`` package is. To make the list anew, with the
``unicodedata2`` package of the Unicode version that is wanted::

    python -m groundup.tokenizer.bpe.unicode_classes
"""

from functools import cache
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CATEGORIES = Path(__file__).with_name("unicode_categories.txt")

# Numbers of numpy: numba would compile a function anew for every Python number that it is given.
LETTER = np.int64(1)
r"""``\p{L}``"""
NUMBER = np.int64(2)
r"""``\p{N}``"""
SPACE = np.int64(4)
r"""``\s``: the property White_Space."""
NEWLINE = np.int64(8)
r"""``[\r\n]``; a SPACE too."""
OTHER = np.int64(16)
r"""``[^\s\p{L}\p{N}]``"""
UPPER = np.int64(32)
r"""``[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]``"""
LOWER = np.int64(64)
r"""``[\p{Ll}\p{Lm}\p{Lo}\p{M}]``"""
PREFIX = np.int64(128)
r"""``[^\r\n\p{L}\p{N}]``"""

WHITE_SPACE = (
    *(*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680),
    *(*range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000),
)
"""The property White_Space, which no general category gives (Unicode 4.1 onwards)."""


@cache
def character_classes() -> NDArray[np.uint8]:
    """Return the classes of all code points, as a sum of the constants: (0x110000,) uint8."""
    names: list[str] = []
    starts: list[int] = []
    for line in CATEGORIES.read_text(encoding="ascii").splitlines():
        if not line.startswith("#"):
            start, name = line.split()
            starts.append(int(start, 16))
            names.append(name)
    values = [_class_of(name) for name in names]
    classes = np.repeat(np.array(values, np.uint8), np.diff([*starts, 0x110000]))
    classes[list(WHITE_SPACE)] = SPACE | PREFIX
    classes[[ord("\r"), ord("\n")]] = SPACE | NEWLINE
    return classes


def _class_of(category: str) -> int:
    upper = UPPER if category in {"Lu", "Lt", "Lm", "Lo", "Mn", "Mc", "Me"} else 0
    lower = LOWER if category in {"Ll", "Lm", "Lo", "Mn", "Mc", "Me"} else 0
    match category[0]:
        case "L":
            return LETTER | upper | lower
        case "N":
            return NUMBER
        case _:
            return OTHER | PREFIX | upper | lower


def _write_categories() -> None:
    import unicodedata2

    lines = [
        f"# General categories of Unicode {unicodedata2.unidata_version}: the first code point",
        "# of each run. Made by python -m groundup.tokenizer.bpe.unicode_classes",
    ]
    runs = groupby(range(0x110000), key=lambda code: unicodedata2.category(chr(code)))
    lines += [f"{next(run):04X} {category}" for category, run in runs]
    CATEGORIES.write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    _write_categories()
