"""From what the user names to the files that are read, and from those to documents."""

import glob
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from groundup.corpus.config import STANDARD_LIBRARY, CorpusConfig
from groundup.corpus.document import Document
from groundup.corpus.filters import is_blank
from groundup.corpus.readers import BadFileError, BadRow, Format, Row, format_of, read_rows
from groundup.corpus.readers.text import too_long
from groundup.corpus.stdlib import stdlib_modules, stdlib_topics, stdlib_version
from groundup.corpus.tally import Tally
from groundup.errors import UserError
from groundup.files import expand_user, fingerprint


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read."""

    path: Path
    name: str
    """What its documents' ``source`` says: no folder above the one that the user named."""
    format: Format | None
    """None: found in a folder, with a suffix that is not known to hold text."""
    named: bool = False
    """The user named this very file, so that not being able to read it is an error."""
    url: str | None = None


def is_address(source: str) -> bool:
    """Tell whether a source is downloaded."""
    return "://" in source


def find_files(source: str) -> list[SourceFile]:
    """List the files of a source that is on this machine, in a fixed order.

    Folders are walked through (linked ones too, each once) in the order of their names; hidden
    files are passed over. A file, or what a glob matches, is read whatever its suffix; in a
    folder the suffix decides.

    Raises:
        UserError: there is no such file, nothing matches, or the folder is empty.
    """
    if source == STANDARD_LIBRARY:
        return [SourceFile(path, f"stdlib/{name}", "python") for name, path in stdlib_modules()]
    path = expand_user(source)
    if path.is_dir():
        files = list(_walk(path, path))
        if not files:
            raise UserError(f"{source} holds no files; name a folder with text in sources")
        return files
    if path.is_file():
        return [SourceFile(path, _portable(path.name), format_of(path) or "text", named=True)]
    if path.exists():
        raise UserError(f"{source} is neither a file nor a folder; save its text to a file first")
    if not glob.has_magic(source):
        raise UserError(f"{source} does not exist; check the path in sources")
    files = list(_match(path))
    if not files:
        raise UserError(f"no file matches {source}; check the pattern in sources")
    return files


def read_source(
    source: str, files: Iterable[SourceFile], config: CorpusConfig, tally: Tally
) -> Iterator[Document]:
    """Read a source's files; the standard library also gives its topics.

    Raises:
        UserError: a file that the user named holds no text that can be read.
        OSError: the system cannot read a file.
    """
    for file in files:
        yield from read_file(file, config, tally)
    if source == STANDARD_LIBRARY:
        yield from stdlib_topics()


def read_file(file: SourceFile, config: CorpusConfig, tally: Tally) -> Iterator[Document]:
    """Read one file's documents; what cannot be read of it is counted.

    Raises:
        UserError: the user named this file, and it is damaged or holds no text.
        OSError: the system cannot read it.
    """
    found = False
    bad: BadRow | None = None
    before, size = tally.bytes_read, file.path.stat().st_size
    try:
        for row in _rows(file, config, tally):
            match row:
                case BadRow():
                    bad = bad or row
                    tally.skip_row(_place(file, row.number), row.reason)
                case Document():
                    found = found or not is_blank(row.text)
                    yield row
        if file.named and not found:
            raise _no_text(bad)
    except BadFileError as error:
        if file.named:
            raise _named_file_error(file, error) from None
        tally.skip_file(file.name, error.reason)
    tally.bytes_read = before + size


def source_fingerprint(config: CorpusConfig) -> str:
    """Name what the sources hold now, without reading them: 16 hex digits.

    A file counts with its path, size and time of change; the standard library with its version and
    modules; an address with itself and its checksum, for nothing is fetched.

    Raises:
        UserError: as ``find_files``.
    """
    parts: list[object] = []
    for source in config.sources:
        if is_address(source):
            parts.append(source)
        elif source == STANDARD_LIBRARY:
            parts.append([stdlib_version(), [file.name for file in find_files(source)]])
        else:
            for file in find_files(source):
                state = file.path.stat()
                path = _portable(str(file.path.absolute()))
                parts.append([path, state.st_size, state.st_mtime_ns])
    return fingerprint(parts)


def _rows(file: SourceFile, config: CorpusConfig, tally: Tally) -> Iterator[Document | BadRow]:
    """Make documents of a file's rows, and keep the count of bytes read up to date."""
    if file.format is None:
        suffix = file.path.suffix.lower()
        raise BadFileError(f"{suffix} files are not read as text")
    before = tally.bytes_read
    with file.path.open("rb") as raw:
        for row in read_rows(raw, file.path, file.format, config):
            tally.bytes_read = before + raw.tell()
            if isinstance(row, BadRow):
                yield row
                continue
            if file.format == "text" and row.number is not None and row.number > 1:
                tally.separators += 1
            yield _document(file, row)


def _document(file: SourceFile, row: Row) -> Document | BadRow:
    # JSON and Parquet strings may hold "\r\n": one rule for all, so that equal texts are equal
    text = row.text
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    try:
        return Document.of(
            text, _place(file, row.number), url=row.url or file.url, language=row.language
        )
    except UnicodeEncodeError:
        return BadRow(row.number or 1, "a lone surrogate, so no Unicode text")
    except OverflowError:
        raise too_long() from None


def _place(file: SourceFile, number: int | None) -> str:
    return file.name if number is None else f"{file.name}:{number}"


def _no_text(bad: BadRow | None) -> BadFileError:
    """Say why a file that was read to its end gave nothing."""
    if bad is None:
        return BadFileError("empty", "name a file with text in it")
    detail = f" ({bad.detail})" if bad.detail else ""
    advice = (
        "set text_field" if "field" in bad.reason else "check that it is one JSON object a line"
    )
    return BadFileError(f"no row could be read; row {bad.number}: {bad.reason}{detail}", advice)


def _named_file_error(file: SourceFile, error: BadFileError) -> UserError:
    advice = f"; {error.advice}" if error.advice else ""
    if file.url is not None:
        return UserError(
            f"{file.url}: {error.reason}{advice} (it was downloaded to {file.path};"
            " delete that to download it again)"
        )
    return UserError(f"{file.path}: {error.reason}{advice}")


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
                yield SourceFile(path, _name_below(named, path), format_of(path))


def _match(pattern: Path) -> Iterator[SourceFile]:
    fixed = 0
    while not glob.has_magic(pattern.parts[fixed]):
        fixed += 1
    base, rest = Path(*pattern.parts[:fixed]), str(Path(*pattern.parts[fixed:]))
    # Path.glob would also match hidden files, and "**" differently from one Python to the next
    matches = glob.glob(rest, root_dir=base, recursive=True)  # noqa: PTH207
    for path in sorted({base / match for match in matches}):
        if path.is_file():
            yield SourceFile(path, _name_below(base, path), format_of(path) or "text")


def _name_below(folder: Path, path: Path) -> str:
    """Name a file from the folder that the user named: ``books/a.txt``."""
    inside = path.relative_to(folder)
    return _portable((Path(folder.name) / inside if folder.name != ".." else inside).as_posix())


def _portable(name: str) -> str:
    """Return a file name as Unicode; the few that are not get U+FFFD for their odd bytes."""
    return os.fsencode(name).decode(errors="replace")


def _raise(error: OSError) -> None:
    raise error
