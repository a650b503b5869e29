"""Readers: one file in, its rows out. They are tolerant, and know nothing of the corpus around."""

from collections.abc import Iterator
from pathlib import PurePath
from typing import BinaryIO, Literal

from groundup.corpus.config import CorpusConfig
from groundup.corpus.readers.json_rows import read_json, read_json_lines
from groundup.corpus.readers.opening import file_troubles_named, unpack
from groundup.corpus.readers.parquet import read_parquet
from groundup.corpus.readers.row import BadFileError, BadRow, Row
from groundup.corpus.readers.text import read_python, read_text

__all__ = ["BadFileError", "BadRow", "Format", "Row", "format_of", "read_rows"]

Format = Literal["text", "python", "json", "json lines", "parquet"]

_PROSE = ".txt .text .md .markdown .mdx .rst .adoc .org .tex"
_CODE = (
    ".asm .bash .c .cc .clj .cmake .cpp .cs .css .cu .cuh .cxx .dart .el .erl .ex .exs .f90 .fs "
    ".go .gradle .h .hh .hpp .hs .html .htm .ini .java .jl .js .jsx .kt .lisp .lua .m .mjs .ml "
    ".mli .nim .pas .php .pl .pm .proto .ps1 .r .rb .rs .s .scala .scm .sh .sql .swift .toml .ts "
    ".tsx .vim .vue .xml .yaml .yml .zig .zsh"
)
_FORMATS: dict[str, Format] = {
    **dict.fromkeys(_PROSE.split(), "text"),
    **dict.fromkeys(_CODE.split(), "text"),
    "": "text",  # README, LICENSE, Makefile
    **dict.fromkeys((".py", ".pyi", ".pyw"), "python"),
    **dict.fromkeys((".jsonl", ".ndjson"), "json lines"),
    ".json": "json",
    ".parquet": "parquet",
}
_ARCHIVES = (".gz", ".xz")


def format_of(path: PurePath) -> Format | None:
    """Tell a file's format by its suffix (the one inside ``.gz`` or ``.xz``); None: unknown."""
    suffix = path.suffix.lower()
    if suffix in _ARCHIVES:
        suffix = PurePath(path.stem).suffix.lower()
    return _FORMATS.get(suffix)


def read_rows(
    file: BinaryIO, path: PurePath, file_format: Format, config: CorpusConfig
) -> Iterator[Row | BadRow]:
    """Read the rows of an open file.

    Raises:
        BadFileError: it is not what it should be; the rows before the damage have been given.
    """
    with file_troubles_named():
        stream = unpack(file, path.suffix.lower())
        match file_format:
            case "text":
                yield from read_text(stream, config.document_separator)
            case "python":
                yield from read_python(stream)
            case "json":
                yield from read_json(stream, config.text_field)
            case "json lines":
                yield from read_json_lines(stream, config.text_field)
            case "parquet":
                yield from read_parquet(stream, config.text_field)
