"""Writing so that a crash, a kill or a full disk never leaves half a file behind."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from groundup.errors import UserError


def fingerprint(value: Any) -> str:
    """Return 16 hex digits that name a JSON-like value; equal values, equal digits."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def expand_user(path: str | Path) -> Path:
    """Return the path with ``~`` or ``~name`` replaced by that user's home folder.

    Raises:
        UserError: there is no such user.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise UserError(f"{path}: there is no such user; write the folder out") from None


def write_atomic(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all: a temporary neighbour, synced, then renamed.

    Raises:
        OSError: the folder cannot be written or the disk is full; ``path`` is as it was.
    """
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o666 & ~_umask())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically."""
    write_atomic(path, json.dumps(value, indent=2, default=str) + "\n")


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Give a temporary folder to fill; on success it becomes ``path``, replacing what was there.

    On any exception, Ctrl-C included, the temporary folder is removed and ``path`` is as it was;
    see ``replace_folder`` for what a kill can leave.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}."))
    temporary.chmod(0o777 & ~_umask())
    try:
        yield temporary
        replace_folder(temporary, path)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def replace_folder(new: Path, path: Path) -> None:
    """Rename folder ``new`` to ``path``; an older ``path`` is removed once the new one stands.

    That takes two renames, for no system call exchanges two folders everywhere. An exception
    between them, Ctrl-C included, puts the old folder back; a kill between them leaves both whole,
    the old one as ``.NAME.old.*/NAME``.
    """
    _sync_tree(new)
    if not path.exists():
        new.rename(path)
        return
    aside = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.old."))
    old = aside / path.name
    try:
        path.rename(old)
        new.rename(path)
    except BaseException:
        if not path.exists():
            old.rename(path)
        shutil.rmtree(aside, ignore_errors=True)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def clear_half_made(folder: Path, name: str) -> None:
    """Remove what a kill has left of ``folder / name``; put it back if caught between two renames.

    What ``atomic_folder`` and ``replace_folder`` make is called ``.NAME.*`` until it is whole.
    """
    for old in folder.glob(f".{name}.old.*/{name}"):
        if not (folder / name).exists():
            old.rename(folder / name)
    for leftover in folder.glob(f".{name}.*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _sync_tree(folder: Path) -> None:
    """Flush every file to disk, so that the rename never outlives the content."""
    for file in folder.rglob("*"):
        if file.is_file():
            handle = os.open(file, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)


def _umask() -> int:
    """Return the process's umask (readable only by setting it)."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
