"""Token shards: the ids of a split in one memory-mapped file, and where each document starts.

Three files per split, next to each other:

- ``SPLIT.bin``: token ids and nothing else, little-endian uint16 (uint32 from 65,537 ids on);
- ``SPLIT.index.npy``: int64 number of each document's first token;
- ``SPLIT.json``: the ``ShardHeader``, written last, so that what was cut short has none;

and for all splits ``token_bytes.npy``: bytes of text that each id stands for.
"""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from groundup.config import Config
from groundup.corpus import Split
from groundup.errors import UserError
from groundup.files import fingerprint


class ShardHeader(Config):
    """What a split's files must hold."""

    format: Literal[1] = 1
    """Number of this layout."""

    tokens: int = Field(ge=1)
    """Number of token ids."""

    documents: int = Field(ge=1)
    """Number of documents."""

    text_bytes: int = Field(ge=0)
    """Bytes of UTF-8 in the documents' texts, of which bytes per token is reckoned. Bits per byte
    counts the bytes of the targets measured, by ``token_bytes``."""

    dtype: Literal["uint16", "uint32"]
    """Type of a token id on disk, little-endian."""

    vocab_size: int = Field(ge=1)
    """Every id is below this."""

    tokenizer: str
    """Fingerprint of the tokenizer."""

    sha256: str
    """SHA-256 of the token ids' bytes, hexadecimal."""

    index_sha256: str
    """SHA-256 of the document starts' bytes, hexadecimal."""


@dataclass(frozen=True, eq=False)
class TokenShards:
    """One split, memory-mapped: opening it reads no tokens, only the document index.

    Attributes:
        folder: where the files are.
        split: which part of the corpus this is.
        header: counts, types and hashes.
        tokens: every token id in order, (N,) uint16 or uint32, read-only.
        document_starts: number of each document's first token, (documents,) int64, read-only.
        token_bytes: bytes of text per id, (V,) uint16; 0 for special tokens.
    """

    folder: Path
    split: Split
    header: ShardHeader
    tokens: NDArray[Any]
    document_starts: NDArray[np.int64]
    token_bytes: NDArray[np.uint16]

    @classmethod
    def open(cls, folder: Path, split: Split) -> "TokenShards":
        """Map a split's files and check that they are whole and fit one another.

        Raises:
            UserError: a file is missing, cut short, or not of the same tokenization.
        """
        header = _read_header(folder, split)
        return cls(
            folder=folder,
            split=split,
            header=header,
            tokens=_map_tokens(folder / f"{split}.bin", header),
            document_starts=_map_index(folder / f"{split}.index.npy", header),
            token_bytes=_load(folder / "token_bytes.npy", np.uint16, header.vocab_size),
        )

    def __len__(self) -> int:
        """Number of tokens."""
        return self.header.tokens

    @property
    def vocab_size(self) -> int:
        """Number of ids that the tokenizer has."""
        return self.header.vocab_size

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits: equal for equal tokens, documents and tokenizer, wherever they lie."""
        return fingerprint(self.header.model_dump())


def _read_header(folder: Path, split: str) -> ShardHeader:
    path = folder / f"{split}.json"
    try:
        return ShardHeader.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"{folder}: no token shards of the {split} split; make them with `groundup tokenize`"
        ) from None
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"])) or "its JSON"
        raise _damaged(path, f"{where} is not what groundup writes") from None


def _map_tokens(path: Path, header: ShardHeader) -> NDArray[Any]:
    dtype = np.dtype(header.dtype).newbyteorder("<")
    expected = header.tokens * dtype.itemsize
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise _damaged(path, "is missing") from None
    if size != expected:
        raise _damaged(path, f"has {size:,} bytes where {expected:,} belong")
    # A plain array over the map: numpy's memmap class makes every slice several times as slow.
    return np.asarray(np.memmap(path, dtype=dtype, mode="r"))


def _map_index(path: Path, header: ShardHeader) -> NDArray[np.int64]:
    starts = _load(path, np.int64, header.documents)
    rises = bool((starts[1:] > starts[:-1]).all())
    if not rises or starts[0] != 0 or starts[-1] >= header.tokens:
        raise _damaged(path, "does not rise from 0 to below the number of tokens")
    return starts


def _load(path: Path, dtype: type[np.generic], length: int) -> NDArray[Any]:
    """Map a one-dimensional .npy file and check its type and length."""
    try:
        array = np.asarray(np.load(path, mmap_mode="r"))
    except FileNotFoundError:
        raise _damaged(path, "is missing") from None
    except (ValueError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise _damaged(path, f"cannot be read ({reason})") from None
    if array.dtype != dtype or array.shape != (length,):
        found = f"{array.dtype} {array.shape}"
        raise _damaged(path, f"holds {found} where {np.dtype(dtype)} ({length},) belongs")
    return array


def _damaged(path: Path, fault: str) -> UserError:
    return UserError(f"{path}: {fault}; remove the folder {path.parent} and tokenize again")
