"""Writing token shards: ids are appended and hashed as they come, so memory stays bounded."""

import hashlib
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

import numpy as np

from groundup.corpus import Split
from groundup.data.shards import ShardHeader
from groundup.files import write_json
from groundup.tokenizer import Tokenizer


class ShardWriter:
    """Appends documents to a split's files; leaving the ``with`` block makes them whole.

    An exception inside the block leaves the split without its header, which ``TokenShards.open``
    refuses.

    Args:
        folder: exists; the files of the split are written into it.
        split: which part of the corpus this is.
        vocab_size: number of ids; decides uint16 (up to 65,536) or uint32.
        tokenizer: fingerprint of the tokenizer.
    """

    def __init__(self, folder: Path, split: Split, *, vocab_size: int, tokenizer: str) -> None:
        self.folder, self.split = folder, split
        self.vocab_size, self.tokenizer = vocab_size, tokenizer
        self.dtype: Literal["uint16", "uint32"] = "uint16" if vocab_size <= 2**16 else "uint32"
        self.num_tokens = self.num_documents = self.text_bytes = 0
        self._tokens_hash, self._index_hash = hashlib.sha256(), hashlib.sha256()

    def __enter__(self) -> Self:
        self._tokens_file: BinaryIO = (self.folder / f"{self.split}.bin").open("wb")
        self._index_file: BinaryIO = (self.folder / f"{self.split}.index.npy").open("wb")
        self._index_begins = self._write_index_header()
        return self

    def add(self, documents: Sequence[Sequence[int]], *, text_bytes: int) -> None:
        """Append one document or more, each at least one id; ``text_bytes`` is their sum."""
        lengths = np.fromiter(map(len, documents), np.int64, len(documents))
        assert lengths.min() > 0, "a document has at least its end_of_text"
        ids = np.fromiter(chain.from_iterable(documents), np.int64, int(lengths.sum()))
        # An id outside the vocabulary would wrap around in the smaller type and train as another.
        assert ids.min() >= 0, f"token id {ids.min()} is negative"
        assert ids.max() < self.vocab_size, f"token id {ids.max()} with {self.vocab_size} ids"
        starts = self.num_tokens + np.cumsum(lengths) - lengths
        for array, dtype, file, digest in (
            (ids, np.dtype(self.dtype), self._tokens_file, self._tokens_hash),
            (starts, np.dtype(np.int64), self._index_file, self._index_hash),
        ):
            data = array.astype(dtype.newbyteorder("<")).tobytes()
            file.write(data)
            digest.update(data)
        self.num_tokens += len(ids)
        self.num_documents += len(documents)
        self.text_bytes += text_bytes

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._tokens_file, self._index_file:
            if kind is None:
                self._index_file.seek(0)
                begins = self._write_index_header()
                assert begins == self._index_begins, "the .npy header grew over the index"
        if kind is None:
            write_json(self.folder / f"{self.split}.json", self.header().model_dump())

    def header(self) -> ShardHeader:
        """Return the header of what has been written so far."""
        return ShardHeader(
            tokens=self.num_tokens,
            documents=self.num_documents,
            text_bytes=self.text_bytes,
            dtype=self.dtype,
            vocab_size=self.vocab_size,
            tokenizer=self.tokenizer,
            sha256=self._tokens_hash.hexdigest(),
            index_sha256=self._index_hash.hexdigest(),
        )

    def _write_index_header(self) -> int:
        """Write the .npy header for the documents so far; return where the index begins.

        numpy pads the header so that a count of up to 21 digits fits in the same place: the index
        can be appended to and its length filled in at the end.
        """
        np.lib.format.write_array_header_1_0(
            self._index_file,
            {"descr": "<i8", "fortran_order": False, "shape": (self.num_documents,)},
        )
        return self._index_file.tell()


def write_token_bytes(folder: Path, tokenizer: Tokenizer) -> None:
    """Write ``token_bytes.npy``: (V,) uint16, bytes of text per id, 0 for special tokens."""
    lengths = [len(tokenizer.token_bytes(number)) for number in range(tokenizer.vocab_size)]
    assert max(lengths) < 2**16, "a token of 64 KiB"
    np.save(folder / "token_bytes.npy", np.array(lengths, np.uint16))
