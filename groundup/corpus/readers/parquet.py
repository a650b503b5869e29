"""Parquet files with a column of text."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from groundup.corpus.readers.row import BadFileError, BadRow, Row

BATCH_ROWS = 16
"""Rows unpacked at a time: books of 10 MB make 160 MB. More are hardly faster."""

DAMAGED = "a damaged row group"


def read_parquet(stream: BinaryIO, text_field: str) -> Iterator[Row | BadRow]:
    """Read the text column, and ``url`` and ``language`` where they are strings.

    What cannot be read of a row group is one bad row, and the groups after it are read.

    Raises:
        BadFileError: the file's own description is damaged, or has no such column of strings.
    """
    with _damage_named():
        file = pq.ParquetFile(stream)
        strings = {field.name for field in file.schema_arrow if _is_string(field.type)}
    if text_field not in strings:
        others = ", ".join(sorted(strings)) or "none"
        raise BadFileError(
            f'no column of strings "{text_field}"', f"set text_field; its string columns: {others}"
        )
    columns = [name for name in (text_field, "url", "language") if name in strings]
    number = 0
    for group in range(file.num_row_groups):  # one at a time, or pyarrow keeps them all
        end = number + file.metadata.row_group(group).num_rows
        try:
            with _damage_named():
                for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=columns):
                    # value by value: a single string that is not UTF-8 must not cost the batch
                    for values in zip(*batch.columns, strict=True):
                        number += 1
                        row = dict(zip(batch.schema.names, values, strict=True))
                        yield _row(row, number, text_field)
        except BadFileError:
            yield BadRow(number + 1, DAMAGED, f"{end - number:,} of {end:,} rows so far")
            number = end


@contextmanager
def _damage_named() -> Iterator[None]:
    """Turn what pyarrow raises on a bad file into ``BadFileError``; the system's trouble stays."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno):
            raise
        raise BadFileError("a damaged Parquet file", "fetch or write it again") from None


def _is_string(kind: pa.DataType) -> bool:
    """Tell a column of strings; pandas' categories are a dictionary of them."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        test(kind)
        for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    )


def _row(values: dict[str, Any], number: int, text_field: str) -> Row | BadRow:
    try:
        text = values[text_field].as_py()
    except UnicodeDecodeError:
        return BadRow(number, "not UTF-8 text")
    if text is None:
        return BadRow(number, f'field "{text_field}" is not a string')
    return Row(text, number, _string(values.get("url")), _string(values.get("language")))


def _string(value: Any) -> str | None:
    """Return what a cell holds; None where it is not UTF-8: no reason to lose the text."""
    try:
        return None if value is None else value.as_py()
    except UnicodeDecodeError:
        return None
