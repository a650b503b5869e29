"""Writing token shards: ids are appended and hashed as they come, so memory stays bounded.

Until a split is whole, ``SPLIT.partial.json`` is the ``ShardHeader`` of what of it is safe on disk.
After a kill or a full disk, a writer goes on from there: it cuts off what was written later, and
hashes what was written before, which finds any damage on the way.
"""

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

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
        resume: go on after the ``num_documents`` that an earlier writer had saved. Where its files
            are damaged, or of another tokenizer, that is none.
    """

    def __init__(
        self,
        folder: Path,
        split: Split,
        *,
        vocab_size: int,
        tokenizer: str,
        resume: bool = False,
    ) -> None:
        self.folder, self.split = folder, split
        self.vocab_size, self.tokenizer = vocab_size, tokenizer
        self.dtype: Literal["uint16", "uint32"] = "uint16" if vocab_size <= 2**16 else "uint32"
        self.num_tokens = self.num_documents = self.text_bytes = 0
        self._id_type = np.dtype(self.dtype).newbyteorder("<")
        self._resume = resume
        self._whole, self._partial = (
            folder / f"{split}{ending}" for ending in (".json", ".partial.json")
        )

    def __enter__(self) -> Self:
        self._tokens_file = _open(self.folder / f"{self.split}.bin")
        self._index_file = _open(self.folder / f"{self.split}.index.npy")
        self._index_begins = self._write_index_header()
        if not (self._resume and (self._keep(self._whole) or self._keep(self._partial))):
            self._whole.unlink(missing_ok=True)
            self._partial.unlink(missing_ok=True)
            self._wind_to(0, 0, 0)
        self._tokens_file.truncate()
        self._index_file.truncate()
        return self

    def add(self, ids: NDArray[np.integer], lengths: NDArray[np.int64], *, text_bytes: int) -> None:
        """Append some documents.

        Args:
            ids: of all the documents, one after the other, (N,).
            lengths: how many ids each document has, at least one, (D,); their sum is N.
            text_bytes: bytes of text in all.
        """
        assert lengths.min() > 0, "a document has at least its end_of_text"
        assert lengths.sum() == len(ids), f"{lengths.sum()} ids announced, {len(ids)} given"
        # An id outside the vocabulary would wrap around in the smaller type and train as another.
        assert ids.min() >= 0, f"token id {ids.min()} is negative"
        assert ids.max() < self.vocab_size, f"token id {ids.max()} with {self.vocab_size} ids"
        starts = self.num_tokens + np.cumsum(lengths) - lengths
        for array, file, digest in (
            (ids.astype(self._id_type), self._tokens_file, self._tokens_hash),
            (starts.astype("<i8"), self._index_file, self._index_hash),
        ):
            file.write(array.data)
            digest.update(array.data)
        self.num_tokens += len(ids)
        self.num_documents += len(lengths)
        self.text_bytes += text_bytes

    def save(self) -> None:
        """Bring all that was added to the disk: from here a writer that resumes goes on."""
        self._sync()
        write_json(self._partial, self.header().model_dump())

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
                self._sync()
        if kind is None:
            write_json(self._whole, self.header().model_dump())
            self._partial.unlink(missing_ok=True)

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

    def _keep(self, path: Path) -> bool:
        """Wind to what an earlier writer's header promises; return whether that is there."""
        try:
            header = ShardHeader.model_validate_json(path.read_bytes())
        except (FileNotFoundError, ValidationError):
            return False
        self._wind_to(header.tokens, header.documents, header.text_bytes)
        return self.header() == header

    def _wind_to(self, tokens: int, documents: int, text_bytes: int) -> None:
        """Make the state that after the files' first tokens and documents, hashing these."""
        self.num_tokens, self.num_documents, self.text_bytes = tokens, documents, text_bytes
        self._tokens_hash = _hash(self._tokens_file, 0, tokens * self._id_type.itemsize)
        self._index_hash = _hash(self._index_file, self._index_begins, documents * 8)

    def _sync(self) -> None:
        for file in (self._tokens_file, self._index_file):
            file.flush()
            os.fsync(file.fileno())

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


def _open(path: Path) -> BinaryIO:
    """Open a file to read and write; what is in it stays."""
    path.touch()
    return path.open("r+b")


def _hash(file: BinaryIO, start: int, size: int) -> Any:
    """Return the SHA-256 of a part of a file, as far as there is one, and stop at its end."""
    digest = hashlib.sha256()
    file.seek(start)
    while size and (block := file.read(min(size, 1 << 20))):
        digest.update(block)
        size -= len(block)
    return digest


def write_token_bytes(folder: Path, tokenizer: Tokenizer) -> None:
    """Write ``token_bytes.npy``: (V,) uint16, bytes of text per id, 0 for special tokens."""
    lengths = [len(tokenizer.token_bytes(number)) for number in range(tokenizer.vocab_size)]
    assert max(lengths) < 2**16, "a token of 64 KiB"
    np.save(folder / "token_bytes.npy", np.array(lengths, np.uint16))
