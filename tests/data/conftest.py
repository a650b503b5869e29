"""Token shards of made-up documents."""

import numpy as np
import pytest

from groundup.data import ShardWriter, TokenShards


def add(writer, documents):
    """Add documents, lists of ids, to a split; each id but the first of a document is a byte."""
    lengths = np.array([len(ids) for ids in documents])
    ids = np.concatenate([np.array(ids) for ids in documents])
    writer.add(ids, lengths, text_bytes=len(ids) - len(documents))


def write(folder, documents, vocab_size=512, split="train"):
    """Write documents (lists of ids) as one split, and token_bytes: one byte an id, none for 0."""
    with ShardWriter(folder, split, vocab_size=vocab_size, tokenizer="t") as writer:
        add(writer, documents)
    np.save(folder / "token_bytes.npy", np.minimum(np.arange(vocab_size), 1).astype(np.uint16))
    return TokenShards.open(folder, split)


@pytest.fixture(scope="session")
def add_documents():
    """Add documents to a writer: ``add_documents(writer, [[0, 5, 6], [0, 7]])``."""
    return add


@pytest.fixture(scope="session")
def make_shards(tmp_path_factory):
    """Write and open shards in a folder of their own: ``make_shards([[0, 5, 6], [0, 7]])``."""

    def make(documents, **options):
        return write(tmp_path_factory.mktemp("tokens"), documents, **options)

    return make


@pytest.fixture(scope="session")
def make_counting(make_shards):
    """Shards whose token i is i, in documents of these lengths: a batch then shows its places."""

    def make(*lengths):
        ends = np.cumsum(lengths)
        documents = [
            list(range(end - length, end)) for end, length in zip(ends, lengths, strict=True)
        ]
        return make_shards(documents, vocab_size=int(ends[-1]))

    return make
