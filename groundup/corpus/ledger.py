"""The ledger: one line for every record that was met, kept or not, so that each can be asked for.

``groundup corpus why`` reads it. It is Parquet, about 60 bytes a record on disk.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from groundup.errors import UserError

ROWS = 10_000
"""Entries in a row group: what is held in memory."""

SCHEMA = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("id", pa.string()),
        pa.field("url", pa.string()),
        pa.field("origin", pa.int32(), nullable=False),
        pa.field("bytes_read", pa.int64(), nullable=False),
        pa.field("trail", pa.string(), nullable=False),
        pa.field("step", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("twin", pa.string()),
        pa.field("copies", pa.int32(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("offset", pa.int64()),
    ]
)


@dataclass(slots=True)
class Entry:
    """What became of one record."""

    source: str
    """Where it was read: as ``Document.source``."""
    id: str | None
    """Of its text when it was dropped or written; None where there is no text."""
    url: str | None
    origin: int
    """Number of its source among ``CorpusConfig.sources``."""
    bytes_read: int
    """UTF-8 bytes of its text as it was read."""
    trail: str
    """What steps did to it or measured, joined by "; ": ``filters: 2,311 → 2,300 bytes``."""
    step: str = ""
    """The step that dropped it; "" if it is in the corpus."""
    reason: str = ""
    twin: str | None = None
    """The id of the document that stays in its place, or of a near-duplicate beside it."""
    copies: int = 0
    """Times it is written."""
    split: str = ""
    """"train", "validation", or "train and validation" of a document that is cut in two."""
    offset: int | None = None
    """Where its record begins: bytes into the file, of an archive; None: not known."""


class LedgerWriter:
    """Writes entries as they come; the file is whole when the ``with`` block has ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pending: list[Entry] = []

    def __enter__(self) -> Self:
        self._file = pq.ParquetWriter(self._path, SCHEMA, compression="zstd")
        return self

    def write(self, entry: Entry) -> None:
        """Add an entry."""
        self._pending.append(entry)
        if len(self._pending) >= ROWS:
            self._flush()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None:
            self._flush()
        self._file.close()

    def _flush(self) -> None:
        if self._pending:
            columns = [
                pa.array([getattr(entry, field.name) for entry in self._pending], field.type)
                for field in SCHEMA
            ]
            self._file.write_table(pa.table(columns, schema=SCHEMA), row_group_size=ROWS)
            self._pending = []


def read_ledger(path: Path) -> Iterator[Entry]:
    """Stream the entries in the order in which they were written."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            for row in file.read_row_group(group).to_pylist():
                yield Entry(**row)


Matches = Callable[[pa.Table], pa.ChunkedArray]
"""Tells of each of some entries, given as their ``KEYS``, whether it is wanted."""

KEYS = ["source", "id", "url", "step", "twin"]
"""What entries are looked for by."""


def find_entries(path: Path, matches: Matches, limit: int) -> tuple[list[Entry], int]:
    """Return the first entries that are wanted, and how many there are.

    Raises:
        UserError: the file is damaged.
    """
    found: list[Entry] = []
    count = 0
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                is_it = matches(file.read_row_group(group, columns=KEYS))
                here = pc.sum(is_it).as_py() or 0
                count += here
                if here and len(found) < limit:
                    rows = file.read_row_group(group).filter(is_it)
                    found += [Entry(**row) for row in rows.slice(0, limit - len(found)).to_pylist()]
    except pa.ArrowException as error:
        raise UserError(
            f"{path} is damaged ({type(error).__name__}); remove {path.parent} and build it again"
        ) from None
    return found, count
