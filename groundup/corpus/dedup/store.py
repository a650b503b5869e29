"""Signatures on disk: of one file, and of every crawl so far.

A store is a folder: ``store.json`` says how the signatures were made, and each crawl has a folder
with ``ids.npy``, ``band_keys.npy`` and, where similarity is verified, ``signatures.npy``.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.dedup.config import NearDuplicatesConfig
from groundup.errors import UserError
from groundup.files import atomic_folder, write_json

FORMAT = 1
"""Raised whenever the same text and settings come to give other signatures or files."""


@dataclass(frozen=True, slots=True, eq=False)
class SignatureShard:
    """The ids and signatures of some documents, in memory or on disk."""

    ids: NDArray[np.uint64]
    """(D, 2): the documents' ids, 128 bits."""
    band_keys: NDArray[np.uint64]
    """(bands, D): a band in one piece, because bands are sorted one at a time."""
    signatures: NDArray[np.uint64] | None = None
    """(D, num_hashes), if similarity is to be verified."""

    def __post_init__(self) -> None:
        shapes = {len(self.ids), self.band_keys.shape[1]}
        if self.signatures is not None:
            shapes.add(len(self.signatures))
        if len(shapes) > 1:
            raise ValueError(f"ids, keys and signatures of {sorted(shapes)} documents do not match")

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(
        cls,
        ids: Sequence[str],
        band_keys: NDArray[np.uint64],
        signatures: NDArray[np.uint64] | None = None,
    ) -> "SignatureShard":
        """Make a shard of ids, 32 hex digits each, and of keys as ``MinHasher`` gives them."""
        return cls(parse_ids(ids), np.ascontiguousarray(band_keys.T), signatures)

    @classmethod
    def load(cls, folder: Path) -> "SignatureShard":
        """Open what ``save`` wrote; the arrays stay on disk and are read as they are needed.

        Raises:
            OSError: a file is not there or cannot be read.
            ValueError: a file is damaged.
        """
        signatures = folder / "signatures.npy"
        return cls(
            _open(folder / "ids.npy"),
            _open(folder / "band_keys.npy"),
            _open(signatures) if signatures.exists() else None,
        )

    def save(self, folder: Path) -> None:
        """Write to ``folder``, whole or not at all; what was there is replaced."""
        save_joined([self], folder)


def save_joined(shards: Sequence[SignatureShard], folder: Path) -> None:
    """Write one or more shards as one, piece by piece: they may be larger than memory."""
    ids = [shard.ids for shard in shards]
    keys = [shard.band_keys[band] for band in range(len(shards[0].band_keys)) for shard in shards]
    signatures = [shard.signatures for shard in shards if shard.signatures is not None]
    count = sum(map(len, ids))
    with atomic_folder(folder) as temporary:
        _write(temporary / "ids.npy", (count, 2), ids)
        _write(temporary / "band_keys.npy", (len(shards[0].band_keys), count), keys)
        if signatures:
            _write(temporary / "signatures.npy", (count, signatures[0].shape[1]), signatures)


def parse_ids(ids: Sequence[str]) -> NDArray[np.uint64]:
    """Return ids of 32 hex digits as numbers that sort the same way, (D, 2)."""
    return np.frombuffer(bytes.fromhex("".join(ids)), ">u8").astype(np.uint64).reshape(-1, 2)


class SignatureStore:
    """The signatures of all crawls so far, to compare a new one with.

    A crawl is added whole or not at all and never changes.

    Args:
        folder: made with the first crawl.
        config: how documents are compared; what made the signatures must be as in the store.

    Raises:
        UserError: the store was made with other settings, or is none.
    """

    def __init__(self, folder: Path, config: NearDuplicatesConfig) -> None:
        self._folder = folder
        self._settings = {
            "format": FORMAT,
            **config.minhash.model_dump(),
            "signatures": config.min_similarity is not None,
        }
        if folder.is_file():
            raise UserError(f"{folder} is a file; name the folder of a store")
        if folder.exists() and any(file.name[0] != "." for file in folder.iterdir()):
            self._check()

    @property
    def crawls(self) -> list[str]:
        """The names of the crawls, sorted."""
        if not self._folder.exists():
            return []
        return sorted(f.name for f in self._folder.iterdir() if f.is_dir() and f.name[0] != ".")

    def load(self, but: str | None = None) -> list[SignatureShard]:
        """Open the crawls; ``but`` leaves one out: the one that is made again after a stop."""
        return [self._load(name) for name in self.crawls if name != but]

    def add(self, name: str, *shards: SignatureShard) -> None:
        """Add a crawl, of one shard or more. To add the same again changes nothing.

        Raises:
            UserError: another crawl has this name, or the name cannot be a folder's.
        """
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise UserError(f"{name!r} cannot name a crawl; use letters, digits, -, _ and .")
        path = self._folder / name
        if path.exists():
            if not np.array_equal(
                self._load(name).ids, np.concatenate([shard.ids for shard in shards])
            ):
                raise UserError(f"{path} holds another crawl; give the new one another name")
            return
        if self._settings["signatures"] and any(shard.signatures is None for shard in shards):
            raise ValueError("this store keeps signatures, and a shard has none")
        self._folder.mkdir(parents=True, exist_ok=True)
        if not (self._folder / "store.json").exists():
            write_json(self._folder / "store.json", self._settings)
        save_joined(shards, path)

    def _load(self, name: str) -> SignatureShard:
        path = self._folder / name
        try:
            shard = SignatureShard.load(path)
            if len(shard.band_keys) != self._settings["bands"]:
                raise ValueError("other bands than the store's")
            if self._settings["signatures"] and shard.signatures is None:
                raise ValueError("no signatures")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise UserError(f"{path} is damaged ({why}); remove or restore it") from None
        return shard

    def _check(self) -> None:
        path = self._folder / "store.json"
        try:
            found: Any = json.loads(path.read_text())
            different = [key for key in self._settings if found.get(key) != self._settings[key]]
        except (OSError, ValueError, AttributeError):
            raise UserError(
                f"{self._folder} is no store of signatures; name another folder"
            ) from None
        if different:
            key = different[0]
            raise UserError(
                f"{self._folder} was made with {key} = {found.get(key)!r}, not"
                f" {self._settings[key]!r}; use the same settings or another folder"
            )


def _open(path: Path) -> NDArray[np.uint64]:
    """Map a file of uint64 (N, M) into memory, or read it where it holds nothing to map."""
    array: NDArray[np.uint64]
    try:
        array = np.lib.format.open_memmap(path, mode="r")
    except ValueError:
        with path.open("rb") as file:
            array = np.lib.format.read_array(file, allow_pickle=False)
    if array.dtype != np.uint64 or array.ndim != 2:
        raise ValueError(f"{path.name} does not hold what it should")
    return array


def _write(path: Path, shape: tuple[int, int], pieces: Iterable[NDArray[np.uint64]]) -> None:
    """Write what ``np.save`` would for all pieces, one after the other, in one array."""
    with path.open("wb") as file:
        header = {"descr": "<u8", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        for piece in pieces:
            file.write(piece.tobytes())
