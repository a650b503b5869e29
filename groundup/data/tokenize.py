"""Documents to token shards: the stage between the tokenizer and the loader.

Threads read and encode row groups of the corpus, some of them at a time; the calling thread writes
what they give, in the order of the documents. So the files do not depend on the threads.
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray
from rich.progress import Progress

from groundup.cores import available_cores
from groundup.corpus import RowGroup, Split, row_groups
from groundup.data.write_shards import ShardWriter, write_token_bytes
from groundup.progress import console, progress_bar
from groundup.tokenizer import Tokenizer

SAVE_SECONDS = 3.0
"""How often the work is saved: about what a kill can cost."""

BYTES_AHEAD = 24 << 20
"""Text in work, or encoded and not yet written; or one row group, where that is larger."""

Encoded: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int64], int]
"""Ids of some documents, (N,); the length of each document, (D,); bytes of their text."""


def tokenize_documents(
    corpus_folder: Path,
    tokenizer: Tokenizer,
    folder: Path,
    *,
    threads: int | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Encode every document of both splits into token shards.

    Each document is stored as ``[end_of_text, tokens…]``: the next document's end_of_text is the
    target that ends this one. In memory are about ``BYTES_AHEAD`` of text with its ids, or a
    larger document, several times.

    Args:
        corpus_folder: as ``build_corpus`` wrote it.
        tokenizer: gives the ids; no special token is recognised in a document's text.
        folder: exists; receives the files that ``groundup.data.shards`` describes.
        threads: cores to encode on; None takes all. The files do not depend on it.
        resume: go on with what an earlier call for this corpus and tokenizer had saved in
            ``folder`` before something broke it off. The files are as if nothing had.

    Returns:
        ``vocab_size``, ``dtype``, ``tokenizer`` (fingerprint), ``megabytes_per_second`` (of text,
        in this call), and under each split's name ``documents``, ``tokens``, ``text_bytes`` and
        ``bytes_per_token``.

    Raises:
        UserError: a split has no documents, or the tokenizer has no END_OF_TEXT.
        OSError: the folder cannot be written or the disk is full.
    """
    groups = {split: row_groups(corpus_folder, split) for split in get_args(Split)}
    threads = threads or available_cores()
    encode = partial(_encode, tokenizer, tokenizer.end_of_text_id, threads)
    tokenizer.encode("")  # what is compiled at its first use should not count as slowness
    writers = {
        split: ShardWriter(
            folder,
            split,
            vocab_size=tokenizer.vocab_size,
            tokenizer=tokenizer.fingerprint,
            resume=resume,
        )
        for split in groups
    }
    clock, num_bytes = time.perf_counter(), 0
    with progress_bar() as progress:
        for split, writer in writers.items():
            num_bytes += _tokenize(groups[split], writer, encode, min(threads, 2), progress)
    seconds = time.perf_counter() - clock
    write_token_bytes(folder, tokenizer)
    return {
        "vocab_size": tokenizer.vocab_size,
        "dtype": writers["train"].dtype,
        "tokenizer": tokenizer.fingerprint,
        "megabytes_per_second": round(num_bytes / seconds / 1e6, 1),
        **{split: _counts(writer) for split, writer in writers.items()},
    }


def _tokenize(
    groups: list[RowGroup],
    writer: ShardWriter,
    encode: Callable[[RowGroup, int], Encoded],
    workers: int,
    progress: Progress,
) -> int:
    """Write what ``writer`` has not yet of a split; return how many bytes of text that was."""
    total = sum(group.stored_bytes for group in groups)
    task = progress.add_task(f"tokenize {writer.split}", total=total, unit="bytes")
    with writer:
        bytes_before = writer.text_bytes
        progress.update(task, completed=bytes_before)
        left = list(_after(groups, writer.num_documents))
        if left and writer.num_documents:
            line = f"resuming after document {writer.num_documents:,} of {writer.split}"
            console.print(line, highlight=False)
        saved = time.monotonic()
        with closing(_in_order(encode, left, workers)) as encoded:
            for ids, lengths, text_bytes in encoded:
                writer.add(ids, lengths, text_bytes=text_bytes)
                progress.advance(task, text_bytes)
                if time.monotonic() - saved >= SAVE_SECONDS:
                    writer.save()
                    saved = time.monotonic()
        assert writer.num_documents == sum(group.documents for group in groups)
    return writer.text_bytes - bytes_before


def _counts(writer: ShardWriter) -> dict[str, Any]:
    return {
        "documents": writer.num_documents,
        "tokens": writer.num_tokens,
        "text_bytes": writer.text_bytes,
        "bytes_per_token": round(writer.text_bytes / writer.num_tokens, 3),
    }


def _after(groups: Iterable[RowGroup], documents: int) -> Iterator[tuple[RowGroup, int]]:
    """Yield the row groups after so many documents, and how many of its own to leave out."""
    for group in groups:
        if documents < group.documents:
            yield group, documents
        documents = max(documents - group.documents, 0)


def _encode(
    tokenizer: Tokenizer, end_of_text: int, threads: int, group: RowGroup, first: int
) -> Encoded:
    """Read a row group from its document ``first`` on, and encode it."""
    texts, text_bytes = group.texts(first)
    ids, ends = tokenizer.encode_batch_to_numpy(texts, threads=threads)
    del texts  # of one huge document, as large as its ids
    lengths = np.diff(ends, prepend=0)
    return np.insert(ids, ends - lengths, end_of_text), lengths + 1, text_bytes


def _in_order(
    encode: Callable[[RowGroup, int], Encoded],
    groups: Iterable[tuple[RowGroup, int]],
    workers: int,
) -> Generator[Encoded, None, None]:
    """Yield the row groups encoded, in their order.

    Two are in work at a time, although each is encoded by many threads: while one is read, or its
    last texts leave threads without work, the other keeps the cores busy.
    """
    pool = ThreadPoolExecutor(workers)
    pending: deque[tuple[Future[Encoded], int]] = deque()
    bytes_ahead = 0
    try:
        for group, first in groups:
            while pending and bytes_ahead + group.stored_bytes > BYTES_AHEAD:
                bytes_ahead -= pending[0][1]
                yield pending.popleft()[0].result()
            pending.append((pool.submit(encode, group, first), group.stored_bytes))
            bytes_ahead += group.stored_bytes
        while pending:
            yield pending.popleft()[0].result()
    finally:
        pool.shutdown(cancel_futures=True)
