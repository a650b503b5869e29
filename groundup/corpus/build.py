"""The corpus stage: sources → documents → Parquet, as one stream."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.progress import Progress

from groundup.corpus.config import CorpusConfig
from groundup.corpus.document import Document, Split
from groundup.corpus.download import download, download_folder
from groundup.corpus.duplicates import drop_exact_duplicates
from groundup.corpus.filters import drop_blank
from groundup.corpus.readers import format_of
from groundup.corpus.sources import SourceFile, find_files, is_address, read_source
from groundup.corpus.split import split_documents
from groundup.corpus.storage import DocumentWriter
from groundup.corpus.tally import Tally
from groundup.errors import UsageError, UserError
from groundup.progress import progress_bar


def build_corpus(config: CorpusConfig, folder: Path) -> dict[str, Any]:
    """Read the sources, keep what is worth keeping, split it, and write it to ``folder``.

    Documents stream from file to file: in memory are one document, one row group of each split,
    what ``split = "auto"`` looks at before it decides, and for every document about 100 bytes to
    know its duplicates by. The same sources give the same files, byte for byte.

    Args:
        config: the sources and the split.
        folder: exists and is empty; gets ``train-00000.parquet``, ``validation-00000.parquet``, …

    Returns:
        A summary: documents, bytes of text, the split that was taken and each side's counts, and
        what was dropped or skipped, with reasons.

    Raises:
        UserError: a source cannot be read, there is no text in any, or a split is empty.
        OSError: the system cannot read a source or write to the folder.
    """
    tally = Tally()
    with progress_bar() as progress:
        sources = _gather(config, progress)
        documents = _read(sources, config, tally)
        # Each step takes a stream of documents and gives a stream of documents. Rules that look at
        # one document come before those that compare documents: they are cheaper.
        documents = drop_blank(documents, tally)
        documents = drop_exact_duplicates(documents, tally)
        documents = _show(documents, sources, tally, progress)
        how, pieces = split_documents(documents, config.validation_fraction, config.split)
        with (
            DocumentWriter(folder, "train") as train,
            DocumentWriter(folder, "validation") as validation,
        ):
            writers: dict[Split, DocumentWriter] = {"train": train, "validation": validation}
            for side, document in pieces:
                writers[side].write(document)
    _check(config, tally, how, train, validation)
    return {
        "documents": tally.documents,
        "bytes": train.num_bytes + validation.num_bytes,
        "split": how,
        "train": train.summary(),
        "validation": validation.summary(),
        **tally.summary(),
    }


def _gather(config: CorpusConfig, progress: Progress) -> list[tuple[str, list[SourceFile]]]:
    """Find every source's files, each file once; what is on this machine before any download."""
    found = {s: find_files(s) for s in config.sources if not is_address(s)}
    seen: set[Path] = set()
    sources = []
    for source in dict.fromkeys(config.sources):
        files = []
        for file in [_downloaded(source, progress)] if is_address(source) else found[source]:
            if (real := file.path.resolve()) not in seen:
                seen.add(real)
                files.append(file)
        sources.append((source, files))
    return sources


def _downloaded(source: str, progress: Progress) -> SourceFile:
    """Fetch an address into the cache and describe the file as if the user had named it."""
    path = download(source, download_folder(), progress)
    url = source.partition("#")[0]
    name = path.name.partition("-")[2]  # without the cache's prefix
    return SourceFile(path, name, format_of(path) or "text", named=True, url=url)


def _read(
    sources: list[tuple[str, list[SourceFile]]], config: CorpusConfig, tally: Tally
) -> Iterator[Document]:
    for source, files in sources:
        yield from read_source(source, files, config, tally)


def _show(
    documents: Iterator[Document],
    sources: list[tuple[str, list[SourceFile]]],
    tally: Tally,
    progress: Progress,
) -> Iterator[Document]:
    """Count the documents that are kept, and move the bar as they pass."""
    total = sum(file.path.stat().st_size for _, files in sources for file in files)
    task = progress.add_task("corpus", total=total, unit="bytes")
    for document in documents:
        tally.documents += 1
        progress.update(
            task,
            completed=tally.bytes_read,
            description=f"corpus {tally.documents:,} documents",
        )
        yield document


def _check(
    config: CorpusConfig,
    tally: Tally,
    how: str,
    train: DocumentWriter,
    validation: DocumentWriter,
) -> None:
    """Refuse a corpus that cannot be trained on, saying why it is so."""
    names = ", ".join(config.sources)
    if not tally.documents:
        reasons = (tally.skipped_files + tally.skipped_rows).most_common(3)
        why = "; ".join(f"{count:,} × {reason}" for reason, count in reasons)
        raise UserError(
            f"no text in {names} ({why or 'all blank'}); name files with text in sources"
        )
    if config.document_separator is not None and not tally.separators:
        raise UsageError(
            f"document_separator {config.document_separator!r} is in no text file of {names};"
            " correct it or leave it out"
        )
    for side, writer in (("train", train), ("validation", validation)):
        if not writer.num_documents:
            advice = 'a larger validation_fraction or split = "tail"'
            if how == "tail":
                advice = "more text"
            elif side == "train":
                advice = 'a smaller validation_fraction or split = "tail"'
            raise UserError(
                f"of {tally.documents:,} documents none falls to {side}"
                f" (validation_fraction {config.validation_fraction:g}); use {advice}"
            )
