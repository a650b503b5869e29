"""Documents to token shards: the stage between the tokenizer and the loader."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from groundup.corpus import Split, read_documents, stored_text_size
from groundup.data.write_shards import ShardWriter, write_token_bytes
from groundup.progress import progress_bar
from groundup.tokenizer import Tokenizer

CHUNK_CHARACTERS = 1 << 20
"""Text encoded at a time; with one document more, the most that is in memory."""


def tokenize_documents(corpus_folder: Path, tokenizer: Tokenizer, folder: Path) -> dict[str, Any]:
    """Encode every document of both splits into token shards.

    Each document is stored as ``[end_of_text, tokens…]``: the next document's end_of_text is the
    target that ends this one.

    Args:
        corpus_folder: as ``build_corpus`` wrote it.
        tokenizer: gives the ids; no special token is recognised in a document's text.
        folder: exists; receives the files that ``groundup.data.shards`` describes.

    Returns:
        ``vocab_size``, ``dtype``, ``tokenizer`` (fingerprint), and under each split's name
        ``documents``, ``tokens``, ``text_bytes`` and ``bytes_per_token``.

    Raises:
        UserError: a split has no documents, or the tokenizer has no END_OF_TEXT.
    """
    end_of_text = tokenizer.end_of_text_id
    summary: dict[str, Any] = {}
    with progress_bar() as progress:
        for split in get_args(Split):
            size = stored_text_size(corpus_folder, split)
            task = progress.add_task(f"tokenize {split}", total=size, unit="bytes")
            writer = ShardWriter(
                folder, split, vocab_size=tokenizer.vocab_size, tokenizer=tokenizer.fingerprint
            )
            with writer:
                for texts in _chunks(corpus_folder, split):
                    documents = [[end_of_text, *ids] for ids in tokenizer.encode_batch(texts)]
                    num_bytes = sum(len(text.encode()) for text in texts)
                    writer.add(documents, text_bytes=num_bytes)
                    progress.advance(task, num_bytes)
            summary[split] = {
                "documents": writer.num_documents,
                "tokens": writer.num_tokens,
                "text_bytes": writer.text_bytes,
                "bytes_per_token": round(writer.text_bytes / writer.num_tokens, 3),
            }
    write_token_bytes(folder, tokenizer)
    return {
        "vocab_size": tokenizer.vocab_size,
        "dtype": writer.dtype,
        "tokenizer": tokenizer.fingerprint,
        **summary,
    }


def _chunks(corpus_folder: Path, split: Split) -> Iterator[list[str]]:
    """Yield the texts of a split in order, about CHUNK_CHARACTERS at a time."""
    texts: list[str] = []
    size = 0
    for document in read_documents(corpus_folder, split, columns=["text"]):
        texts.append(document.text)
        size += len(document.text)
        if size >= CHUNK_CHARACTERS:
            yield texts
            texts, size = [], 0
    if texts:
        yield texts
