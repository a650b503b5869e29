"""Evaluation files → the items that must not be learnt from."""

import csv
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TextIO

from groundup.corpus.normalize import normalize
from groundup.errors import UserError
from groundup.files import expand_user

MAX_FIELD = 1 << 24
"""Characters in a field of a CSV file."""

DAMAGED = (EOFError, lzma.LZMAError, zlib.error, csv.Error)
"""What readers raise of files that are cut or altered, beside OSError and ValueError."""


def read_benchmarks(paths: Sequence[str], fields: Sequence[str]) -> dict[str, list[str]]:
    """Return the items of each benchmark, by its file's name without suffixes.

    They are normalized as documents are, so that one is found whichever way é is written.

    Raises:
        UserError: a file cannot be read or holds no item, or two have the same name.
    """
    benchmarks: dict[str, list[str]] = {}
    for name in paths:
        path = expand_user(name)
        stem = path.name.partition(".")[0]
        if stem in benchmarks:
            raise UserError(f"{path}: there are two benchmarks {stem}; rename one of the files")
        try:
            rows = list(_rows(path))
        except OSError as error:
            why = error.strerror or "damaged"
            raise UserError(
                f"{path}: cannot be read: {why}; check decontaminate.benchmarks"
            ) from None
        except (*DAMAGED, ValueError, RecursionError) as error:
            raise UserError(f"{path}: cannot be read: {error}") from None
        items = [normalize("\n".join(_strings(_chosen(row, fields)))) for row in rows]
        benchmarks[stem] = [item for item in items if item.strip()]
        if not benchmarks[stem]:
            wanted = f" with {', '.join(fields)}" if fields else ""
            raise UserError(f"{path} holds no item{wanted}; check decontaminate.fields")
    return benchmarks


def _rows(path: Path) -> Iterator[Any]:
    suffix = path.suffix.lower()
    inner = Path(path.stem).suffix.lower() if suffix in (".gz", ".xz") else suffix
    if inner == ".parquet":
        import pyarrow.parquet as pq

        yield from pq.read_table(path).to_pylist()
        return
    with _open(path, suffix) as file:
        if inner in (".csv", ".tsv"):
            csv.field_size_limit(MAX_FIELD)
            yield from csv.DictReader(file, delimiter="," if inner == ".csv" else "\t")
        elif inner in (".jsonl", ".ndjson"):
            yield from (json.loads(line) for line in file if line.strip())
        elif inner == ".json":
            yield from _listed(json.load(file))
        else:
            yield from (line for line in file if line.strip())


def _open(path: Path, suffix: str) -> TextIO:
    if suffix == ".gz":
        return io.TextIOWrapper(gzip.open(path), "utf-8-sig")
    if suffix == ".xz":
        return io.TextIOWrapper(lzma.open(path), "utf-8-sig")
    return path.open(encoding="utf-8-sig")


def _listed(value: Any) -> list[Any]:
    """Return the items of a JSON file: the list it is, or that its only table holds."""
    if not isinstance(value, dict):
        return value if isinstance(value, list) else [value]
    lists = [inner for inner in value.values() if isinstance(inner, list)]
    return lists[0] if len(lists) == 1 else [value]


def _chosen(row: Any, fields: Sequence[str]) -> Any:
    if not fields or not isinstance(row, Mapping):
        return row
    return [row[field] for field in fields if field in row]


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings in a JSON value, in their order."""
    match value:
        case str():
            yield value
        case Mapping():
            for inner in value.values():
                yield from _strings(inner)
        case list() | tuple():
            for inner in value:
                yield from _strings(inner)
