"""From what the user names to the files that are read, and from those to documents."""

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path, PurePath
from typing import Any, BinaryIO, Self

from groundup.corpus.blank import is_blank
from groundup.corpus.config import STANDARD_LIBRARY, CorpusConfig
from groundup.corpus.document import MAX_DOCUMENT_BYTES
from groundup.corpus.normalize import normalize
from groundup.corpus.readers import BadFileError, BadRow, Format, Row, format_of, read_rows
from groundup.corpus.readers.row import HTML
from groundup.corpus.readers.text import too_long
from groundup.corpus.record import Record
from groundup.corpus.remote import is_remote, list_remote, open_remote
from groundup.corpus.stdlib import (
    stdlib_modules,
    stdlib_topics,
    stdlib_version,
    topics_file,
)
from groundup.corpus.tally import Tally
from groundup.errors import UserError
from groundup.files import expand_user, fingerprint

SURROGATE = "a lone surrogate, so no Unicode text"


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read."""

    path: Path
    name: str
    """What its documents' ``source`` says: no folder above the one that the user named."""
    format: Format | None
    """None: found in a folder, with a suffix that is not known to hold text."""
    size: int
    """Bytes as stored."""
    named: bool = False
    """The user named this very file, so that not being able to read it is an error."""
    url: str | None = None
    """Where it was downloaded from."""
    remote: str | None = None
    """Its address in a store that is read by fsspec; ``path`` is then only its name."""
    topics: bool = False
    """The topics of Python's language reference, which their own reader takes apart."""

    @classmethod
    def of(cls, path: Path, name: str, format: Format | None, **more: Any) -> Self:  # noqa: A002
        """Describe a file on this machine.

        Raises:
            OSError: it cannot be looked at.
        """
        return cls(path, name, format, path.stat().st_size, **more)

    def to_json(self) -> list[Any]:
        """Return the description as a JSON-like value."""
        path, *rest = (getattr(self, field.name) for field in fields(self))
        return [str(path), *rest]

    @classmethod
    def of_json(cls, value: list[Any]) -> Self:
        """Return what ``to_json`` wrote."""
        return cls(Path(value[0]), *value[1:])

    def open(self) -> BinaryIO:
        """Open it for reading.

        Raises:
            OSError, UserError: it cannot be opened here; in its store.
        """
        return self.path.open("rb") if self.remote is None else open_remote(self.remote)


def is_address(source: str) -> bool:
    """Tell whether a source is downloaded."""
    return "://" in source and not is_remote(source)


def find_files(source: str) -> list[SourceFile]:
    """List the files of a source that is on this machine, in a fixed order.

    Folders are walked through (linked ones too, each once) in the order of their names; hidden
    files are passed over. A file, or what a glob matches, is read whatever its suffix; in a
    folder the suffix decides.

    Raises:
        UserError: there is no such file, nothing matches, or the folder is empty.
    """
    if source == STANDARD_LIBRARY:
        modules = [SourceFile.of(p, f"stdlib/{name}", "python") for name, p in stdlib_modules()]
        name, path = topics_file()
        return [*modules, SourceFile.of(path, f"stdlib/{name}", "python", topics=True)]
    if is_remote(source):
        return _remote_files(source)
    path = expand_user(source)
    if path.is_dir():
        files = list(_walk(path, path))
        if not files:
            raise UserError(f"{source} holds no files; name a folder with text in sources")
        return files
    if path.is_file():
        return [SourceFile.of(path, _portable(path.name), format_of(path) or "text", named=True)]
    if path.exists():
        raise UserError(f"{source} is neither a file nor a folder; save its text to a file first")
    if not glob.has_magic(source):
        raise UserError(f"{source} does not exist; check the path in sources")
    files = list(_match(path))
    if not files:
        raise UserError(f"no file matches {source}; check the pattern in sources")
    return files


def read_file(
    file: SourceFile,
    config: CorpusConfig,
    tally: Tally,
    moved: Callable[[int], None] = lambda _: None,
) -> Iterator[Record | BadRow]:
    """Read one file's texts; what cannot be read of it is counted, and given as a ``BadRow``.

    Args:
        file: what to read.
        config: how.
        tally: counts files and bytes.
        moved: told after each row how far into the file, in bytes, the reader is.

    Raises:
        UserError: the user named this file, and it is damaged or holds no text.
        OSError: the system cannot read it.
    """
    found = False
    bad: dict[str, BadRow] = {}
    times: Counter[str] = Counter()
    try:
        for row in _rows(file, config, tally, moved):
            if isinstance(row, BadRow):
                bad.setdefault(row.reason, row)
                times[row.reason] += 1
                tally.skip_row(place(file, row.number), row.reason, row.detail)
            else:
                found = found or not is_blank(row.text)
                tally.count_replaced(row.replaced)
            yield row
        if file.named and not found:
            commonest = max(bad.values(), key=lambda row: times[row.reason], default=None)
            raise _no_text(file.format, commonest)
    except BadFileError as error:
        if file.named:
            raise _named_file_error(file, error) from None
        tally.skip_file(file.name, error.reason)
        yield BadRow(0, error.reason)
    tally.files += 1
    tally.bytes_read += file.size


def place(file: SourceFile, number: int | None) -> str:
    """Name a row of a file: ``stories.jsonl:7``; the file itself, where it has no number."""
    return f"{file.name}:{number}" if number else file.name


def source_fingerprint(config: CorpusConfig) -> str:
    """Name what the sources hold now, without reading them: 16 hex digits.

    A file counts with its path, size and time of change; the standard library with its version and
    modules; an address with itself and its checksum, for nothing is fetched; a file in a store with
    what the store's listing says of it.

    Raises:
        UserError: as ``find_files``.
    """
    parts: list[object] = []
    for source in config.sources:
        if is_address(source):
            parts.append(source)
        elif source == STANDARD_LIBRARY:
            parts.append([stdlib_version(), [file.name for file in find_files(source)]])
        elif is_remote(source):
            parts += [[address, size, version] for address, _, size, version in list_remote(source)]
        else:
            for file in find_files(source):
                state = file.path.stat()
                path = _portable(str(file.path.absolute()))
                parts.append([path, state.st_size, state.st_mtime_ns])
    for name in config.files_beside():
        beside = expand_user(name)
        for inside in sorted(beside.iterdir()) if beside.is_dir() else [beside]:
            if inside.is_file():
                state = inside.stat()
                parts.append([name, inside.name, state.st_size, state.st_mtime_ns])
    return fingerprint(parts)


def _rows(
    file: SourceFile, config: CorpusConfig, tally: Tally, moved: Callable[[int], None]
) -> Iterator[Record | BadRow]:
    """Make records of a file's rows."""
    if file.topics:
        for topic in stdlib_topics():
            yield Record(topic.text, topic.source, len(topic.text.encode()))
        return
    if file.format is None:
        suffix = file.path.suffix.lower()
        raise BadFileError(f"{suffix} files are not read as text")
    try:
        opened = file.open()
    except FileNotFoundError:
        raise BadFileError("gone since the files were listed", "run this again") from None
    except PermissionError:
        raise BadFileError("no permission to read it", "allow it, for example: chmod u+r") from None
    with opened as raw:
        for row in read_rows(raw, PurePath(file.path), file.format, config):
            moved(raw.tell())
            if isinstance(row, BadRow):
                yield row
                continue
            if file.format == "text" and row.number is not None and row.number > 1:
                tally.separators += 1
            yield _record(file, row, config)


def _record(file: SourceFile, row: Row, config: CorpusConfig) -> Record | BadRow:
    # JSON and Parquet strings may hold "\r\n": one rule for all, so that equal texts are equal
    text = row.text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        if not config.normalize:
            return BadRow(row.number or 1, SURROGATE, offset=row.offset)
        text = normalize(text)
        size = len(text.encode())
    if size > MAX_DOCUMENT_BYTES:
        raise too_long()
    return Record(
        text,
        place(file, row.number),
        size,
        url=row.url or file.url,
        language=row.language,
        html=row.content_type == HTML,
        date=row.date,
        offset=row.offset,
        replaced=row.replaced,
    )


def _no_text(file_format: Format | None, bad: BadRow | None) -> BadFileError:
    """Say why a file that was read to its end gave nothing: ``bad`` is what it is full of."""
    if bad is None:
        return BadFileError("empty", "name a file with text in it")
    match file_format:
        case _ if bad.reason == SURROGATE:
            advice = "set normalize = true, which repairs it"
        case "json" | "json lines" | "parquet" if "field" in bad.reason:
            advice = "set text_field"
        case "json lines":
            advice = "check that it is one JSON object a line"
        case "json":
            advice = "check that it is a list of JSON objects"
        case "csv" | "tsv":
            advice = "check that its first line names the columns and commas or tabs separate them"
        case "warc" | "arc" if bad.skipped:
            advice = "name an archive with pages or texts (responses of status 200, WET)"
        case "xml" if bad.skipped:
            advice = "name the dump of pages-articles"
        case "warc" | "arc" | "xml":
            advice = "fetch it again"
        case _:
            advice = "write it again, as UTF-8"
    row = {"warc": "record", "arc": "record", "xml": "page"}.get(file_format or "", "row")
    detail = f" ({bad.detail})" if bad.detail else ""
    return BadFileError(f"no {row} could be read; {row} {bad.number}: {bad.reason}{detail}", advice)


def _named_file_error(file: SourceFile, error: BadFileError) -> UserError:
    advice = f"; {error.advice}" if error.advice else ""
    if file.url is not None:
        return UserError(
            f"{file.url}: {error.reason}{advice} (it was downloaded to {file.path};"
            " delete that to download it again)"
        )
    return UserError(f"{file.path}: {error.reason}{advice}")


def _remote_files(source: str) -> list[SourceFile]:
    found = list_remote(source)
    alone = len(found) == 1 and "/" not in found[0][1]
    files = []
    for address, name, size, _ in found:
        path = Path(name)
        format_ = format_of(path) or ("text" if alone or glob.has_magic(source) else None)
        files.append(SourceFile(path, name, format_, size, named=alone, remote=address))
    return files


def _walk(folder: Path, named: Path) -> Iterator[SourceFile]:
    visited: set[str] = set()  # real paths, against links that lead back up
    for root, folders, names in os.walk(folder, followlinks=True, onerror=_raise):
        real = os.path.realpath(root)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(root, name)
            if not name.startswith(".") and path.is_file():
                yield SourceFile.of(path, _name_below(named, path), format_of(path))


def _match(pattern: Path) -> Iterator[SourceFile]:
    fixed = 0
    while not glob.has_magic(pattern.parts[fixed]):
        fixed += 1
    base, rest = Path(*pattern.parts[:fixed]), str(Path(*pattern.parts[fixed:]))
    # Path.glob would also match hidden files, and "**" differently from one Python to the next
    matches = glob.glob(rest, root_dir=base, recursive=True)  # noqa: PTH207
    for path in sorted({base / match for match in matches}):
        if path.is_file():
            yield SourceFile.of(path, _name_below(base, path), format_of(path) or "text")


def _name_below(folder: Path, path: Path) -> str:
    """Name a file from the folder that the user named: ``books/a.txt``."""
    inside = path.relative_to(folder)
    return _portable((Path(folder.name) / inside if folder.name != ".." else inside).as_posix())


def _portable(name: str) -> str:
    """Return a file name as Unicode; the few that are not get U+FFFD for their odd bytes."""
    return os.fsencode(name).decode(errors="replace")


def _raise(error: OSError) -> None:
    raise error
