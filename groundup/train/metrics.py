"""The record of a run: one JSON line per step, and TensorBoard's files beside it."""

import importlib.util
import json
import os
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from groundup.errors import UserError


class JsonLines:
    """A file of JSON lines that can be wound back to where a checkpoint was taken.

    Every line reaches the system when it is written, so a killed process loses none; lines after
    the checkpoint that a run resumes from are cut off, so that each step stands there once.

    Args:
        path: made if it is not there.
        keep_bytes: length to wind an existing file back to.
    """

    def __init__(self, path: Path, *, keep_bytes: int) -> None:
        self._file = path.open("ab")
        if self._file.tell() > keep_bytes:
            self._file.truncate(keep_bytes)

    def write(self, record: dict[str, Any]) -> None:
        """Append a line.

        Raises:
            OSError: the disk is full.
        """
        self._file.write(json.dumps(record, ensure_ascii=False).encode() + b"\n")
        self._file.flush()

    def sync(self) -> int:
        """Wait until all lines are on the disk; return the file's length in bytes."""
        os.fsync(self._file.fileno())
        return self._file.seek(0, os.SEEK_END)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()


def writes_events(mode: Literal["auto", "on", "off"]) -> bool:
    """Whether there will be files for TensorBoard: not with ``off``, nor without the package.

    Raises:
        UserError: ``on``, but the package is not installed.
    """
    installed = importlib.util.find_spec("tensorboard") is not None
    if mode == "on" and not installed:
        raise UserError("tensorboard = 'on' needs the package: pip install tensorboard")
    return mode != "off" and installed


class TensorBoard:
    """Writes the same numbers for TensorBoard, or nothing.

    Args:
        folder: its event files go to ``folder/tensorboard``.
        mode: ``auto`` writes where the package is installed.
        first_step: events from here on, left by a run that was killed, are hidden.

    Raises:
        UserError: ``on``, but the package is not installed.
    """

    def __init__(
        self, folder: Path, mode: Literal["auto", "on", "off"], *, first_step: int
    ) -> None:
        self._writer: Any = None
        if not writes_events(mode):
            return
        from torch.utils.tensorboard import SummaryWriter  # optional, and slow to import

        self._writer = SummaryWriter(str(folder / "tensorboard"), purge_step=first_step)

    def write(self, record: dict[str, Any], prefix: str = "train") -> None:
        """Add every number of a record at its step."""
        if self._writer is None:
            return
        for key, value in record.items():
            if isinstance(value, dict):
                self.write({"step": record["step"], **value}, key)
            elif key != "step" and isinstance(value, int | float):
                self._writer.add_scalar(f"{prefix}/{key}", value, record["step"])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()
