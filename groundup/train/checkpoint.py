"""Checkpoints: everything a run needs to go on as if it had never stopped.

``checkpoints/step-00000500`` holds the state after 500 steps: float32 weights and optimizer state,
written by ``torch.distributed.checkpoint`` (so that a later run may be spread over other devices),
and ``state.json`` with the rest. The newest few are kept, and the one that ``best.json`` names.

A checkpoint is your own training state, not a model to pass on: its ``.metadata`` is a pickle,
which can run any code when it is read. Never resume from a stranger's; share a model folder.
"""

import json
import re
import shutil
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.filesystem import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.state_dict_loader import load
from torch.distributed.checkpoint.state_dict_saver import save

from groundup.errors import UserError
from groundup.files import atomic_folder, clear_half_made, write_json

FORMAT = 1
STATE = "state.json"
BEST = "best.json"
Tensors = Mapping[str, Mapping[str, Tensor]]


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: holds them; made at the first save.
        keep: how many of the newest stay.
        warn: told in one line of a checkpoint that could not be read.
    """

    def __init__(self, folder: Path, *, keep: int, warn: Callable[[str], None]) -> None:
        self.folder, self.keep, self.warn = folder, keep, warn

    def path(self, step: int) -> Path:
        """Return where the checkpoint of a step is or would be."""
        return self.folder / f"step-{step:08d}"

    def steps(self) -> list[int]:
        """Return the steps of all checkpoints, rising."""
        found = (re.fullmatch(r"step-(\d{8,})", path.name) for path in self._entries())
        return sorted(int(match[1]) for match in found if match)

    def save(self, step: int, tensors: Tensors, state: dict[str, Any]) -> Path:
        """Write a checkpoint whole or not at all, then remove those that are no longer kept.

        Args:
            step: steps done.
            tensors: live state by part and name.
            state: the rest, JSON; ``state["best_step"]``, if any, is kept however old.

        Returns:
            Its folder.

        Raises:
            OSError: the disk is full or not writable; the older checkpoints are as they were.
        """
        path = self.path(step)
        with atomic_folder(path) as temporary:
            _write_tensors(temporary, tensors)
            files = {file.name: file.stat().st_size for file in temporary.iterdir()}
            content = {"format": FORMAT, "step": step, **state}
            write_json(temporary / STATE, {**content, "files": files, "shapes": _shapes(tensors)})
        self._mark_best(state.get("best_step"))
        self._prune(state.get("best_step"))
        return path

    def resume(
        self, tensors: Tensors, check: Callable[[dict[str, Any]], None]
    ) -> dict[str, Any] | None:
        """Read the newest whole checkpoint into ``tensors``, in place.

        Where that one is damaged, the one before it is read, with a warning, and the damaged one is
        set aside under another name.

        Args:
            tensors: as given to ``save``.
            check: may refuse a state by raising ``UserError``, before any tensor is read.

        Returns:
            Its state, or None where there is no checkpoint yet.

        Raises:
            UserError: none is whole, or it belongs to another model, optimizer or data.
        """
        leftovers = {path.name for path in self._entries() if path.name.startswith(".step-")}
        for name in {name.split(".")[1] for name in leftovers}:
            clear_half_made(self.folder, name)
        damaged: list[Path] = []
        steps = self.steps()
        for step in reversed(steps):
            path = self.path(step)
            try:
                state = _read_state(path)
                _check_shapes(path, state["shapes"], _shapes(tensors))
                check(state)
                _read_tensors(path, tensors)
            except DamagedError as damage:
                self.warn(f"{path} is damaged ({damage}); going back to the checkpoint before it")
                damaged.append(path)
                continue
            for path in damaged:
                _rename(path, f"{path.name}.damaged")
            self._mark_best(state.get("best_step"))
            return state
        if steps:
            raise UserError(
                f"no checkpoint in {self.folder} is whole; remove that folder to start anew"
            )
        return None

    def set_aside(self, step: int) -> None:
        """Rename the checkpoint of a step, if there is one, so that no run goes on from it."""
        if (path := self.path(step)).is_dir():
            self.warn(f"{path} is set aside: its weights are ruined")
            _rename(path, f"{path.name}.ruined")

    def newest(self) -> Path | None:
        """Return the newest checkpoint's folder."""
        steps = self.steps()
        return self.path(steps[-1]) if steps else None

    def best(self) -> Path | None:
        """Return the folder of the checkpoint with the best validation."""
        try:
            step = json.loads((self.folder / BEST).read_bytes())["step"]
        except FileNotFoundError:
            return None
        return self.path(step) if self.path(step).is_dir() else None

    def _entries(self) -> list[Path]:
        return sorted(self.folder.iterdir()) if self.folder.is_dir() else []

    def _mark_best(self, step: int | None) -> None:
        if step is None:
            (self.folder / BEST).unlink(missing_ok=True)
        else:
            write_json(self.folder / BEST, {"step": step})

    def _prune(self, best_step: int | None) -> None:
        for step in self.steps()[: -self.keep]:
            if step != best_step:
                path = self.path(step)
                # Renamed first: a kill halfway leaves a leftover, not half a checkpoint.
                shutil.rmtree(path.rename(path.with_name(f".{path.name}.old")), ignore_errors=True)


class DamagedError(Exception):
    """A checkpoint whose files are not as they were written."""


def _write_tensors(folder: Path, tensors: Tensors) -> None:
    with warnings.catch_warnings():
        # It warns that a single process saves alone, as is meant.
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        try:
            save(
                {part: dict(members) for part, members in tensors.items()},
                storage_writer=FileSystemWriter(folder, sync_files=False),  # synced as a tree
            )
        except CheckpointException as error:  # a BaseException, with the cause inside
            for cause, _ in error.failures.values():
                raise cause from None
            raise


def _read_tensors(folder: Path, tensors: Tensors) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="torch.distributed is disabled")
        try:
            load(
                {part: dict(members) for part, members in tensors.items()},
                storage_reader=FileSystemReader(folder),
            )
        except CheckpointException as error:
            cause = next((cause for cause, _ in error.failures.values()), error)
            raise DamagedError(f"{type(cause).__name__}: {cause}".splitlines()[0]) from None


def _read_state(folder: Path) -> dict[str, Any]:
    """Return ``state.json`` after checking that every file it names is there in its full length."""
    try:
        state = json.loads((folder / STATE).read_bytes())
        for name, size in state["files"].items():
            if (folder / name).stat().st_size != size:
                raise DamagedError(f"{name} has been cut short")
    except FileNotFoundError as error:
        raise DamagedError(f"{Path(error.filename).name} is missing") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise DamagedError(f"{STATE} is not what was written") from None
    if state.get("format") != FORMAT:
        raise UserError(f"{folder} was saved by another version of groundup; use that version")
    return state


def _shapes(tensors: Tensors) -> dict[str, list[int]]:
    return {
        f"{part}.{name}": list(tensor.shape)
        for part, members in tensors.items()
        for name, tensor in members.items()
    }


def _rename(path: Path, name: str) -> None:
    """Give a folder another name beside it; what has that name goes."""
    aside = path.with_name(name)
    shutil.rmtree(aside, ignore_errors=True)
    path.rename(aside)


def _check_shapes(folder: Path, there: dict[str, list[int]], here: dict[str, list[int]]) -> None:
    for name in sorted(there.keys() | here.keys()):
        if there.get(name) != here.get(name):
            raise UserError(
                f"{folder} was saved by another model or optimizer ({name} is "
                f"{there.get(name, 'absent')} there, {here.get(name, 'absent')} now); put the old "
                f"settings back, or remove {folder.parent} to start anew"
            )
