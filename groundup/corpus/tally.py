"""What was read, dropped and skipped on the way to a corpus."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

MAX_EXAMPLES = 20
"""Skipped files and rows that are named in the summary; all of them are counted."""


@dataclass
class Tally:
    """Counts that the steps of a build add to as documents pass."""

    bytes_read: int = 0
    """Bytes of the source files read so far, as stored (compressed where they are)."""
    separators: int = 0
    """Times the document separator was found."""
    documents: int = 0
    """Documents that are kept."""
    blank_documents: int = 0
    duplicates: int = 0
    skipped_files: Counter[str] = field(default_factory=Counter)
    """Files that could not be read whole, by reason."""
    skipped_rows: Counter[str] = field(default_factory=Counter)
    """Rows of JSON or Parquet files that hold no usable text, by reason."""
    examples: list[str] = field(default_factory=list)
    """The first few of them, ``name: reason``."""

    def skip_file(self, name: str, reason: str) -> None:
        """Count a file that was left out."""
        self.skipped_files[reason] += 1
        self._example(name, reason)

    def skip_row(self, name: str, reason: str) -> None:
        """Count a row that was left out; ``name`` is ``file:row``."""
        self.skipped_rows[reason] += 1
        self._example(name, reason)

    def _example(self, name: str, reason: str) -> None:
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{name}: {reason}")

    def summary(self) -> dict[str, Any]:
        """Return the counts as JSON-like values."""
        return {
            "blank_documents": self.blank_documents,
            "duplicates": self.duplicates,
            "skipped_files": self.skipped_files.total(),
            "skipped_rows": self.skipped_rows.total(),
            "skip_reasons": dict((self.skipped_files + self.skipped_rows).most_common()),
            "skipped_examples": list(self.examples),
        }
