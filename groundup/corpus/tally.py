"""What reading met: files, rows, and what of both could not be used."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MAX_EXAMPLES = 20
"""Skipped files and rows that are named in the summary; all of them are counted."""


@dataclass
class Tally:
    """Counts that readers add to; those of parts are merged by addition."""

    files: int = 0
    """Files that were opened, those that could not be read included."""
    bytes_read: int = 0
    """Their bytes, as stored (compressed where they are)."""
    separators: int = 0
    """Times the document separator was found."""
    replaced_characters: int = 0
    """Characters U+FFFD that stand for bytes which are nothing in their text's encoding."""
    replaced_texts: int = 0
    """Texts with such characters."""
    skipped_files: Counter[str] = field(default_factory=Counter)
    """Files that could not be read whole, by reason."""
    skipped_rows: Counter[str] = field(default_factory=Counter)
    """Rows and records that hold no usable text, by reason."""
    examples: list[str] = field(default_factory=list)
    """The first few of them, ``name: reason (detail)``."""

    def skip_file(self, name: str, reason: str) -> None:
        """Count a file that was left out."""
        self.skipped_files[reason] += 1
        self._example(name, reason)

    def skip_row(self, name: str, reason: str, detail: str = "") -> None:
        """Count a row that was left out; ``name`` is ``file:row``."""
        self.skipped_rows[reason] += 1
        self._example(name, f"{reason} ({detail})" if detail else reason)

    def count_replaced(self, characters: int) -> None:
        """Count the characters of a text that could not be decoded."""
        self.replaced_characters += characters
        self.replaced_texts += characters > 0

    def _example(self, name: str, reason: str) -> None:
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{name}: {reason}")

    def merge(self, other: "Tally") -> None:
        """Add the counts of the part that follows."""
        self.files += other.files
        self.bytes_read += other.bytes_read
        self.separators += other.separators
        self.replaced_characters += other.replaced_characters
        self.replaced_texts += other.replaced_texts
        self.skipped_files += other.skipped_files
        self.skipped_rows += other.skipped_rows
        self.examples = (self.examples + other.examples)[:MAX_EXAMPLES]

    def to_json(self) -> dict[str, Any]:
        """Return the counts as JSON-like values."""
        rows, files = dict(self.skipped_rows), dict(self.skipped_files)
        return vars(self) | {"skipped_rows": rows, "skipped_files": files}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Tally":
        """Return what ``to_json`` wrote."""
        rows, files = Counter(value["skipped_rows"]), Counter(value["skipped_files"])
        return cls(**value | {"skipped_rows": rows, "skipped_files": files})

    def summary(self) -> dict[str, Any]:
        """Return the counts as they stand in a stage's result."""
        return {
            "files": self.files,
            "bytes_read": self.bytes_read,
            "replaced_characters": self.replaced_characters,
            "replaced_texts": self.replaced_texts,
            "skipped_files": self.skipped_files.total(),
            "skipped_rows": self.skipped_rows.total(),
            "skip_reasons": dict((self.skipped_files + self.skipped_rows).most_common()),
            "skipped_examples": list(self.examples),
        }
