"""What every reader gives: rows, bad rows, and the news that a file cannot be read."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One text as a file holds it."""

    text: str
    number: int | None = None
    """The row's place in its file, from 1 (the line in JSON lines); None: the file is one text."""
    url: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row without usable text; it is counted, and the rows after it are read."""

    number: int
    reason: str
    detail: str = ""


class BadFileError(Exception):
    """The file cannot be read, or not to its end: a short reason, and what to do about it."""

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.advice = advice
