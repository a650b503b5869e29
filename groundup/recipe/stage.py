"""A stage is a folder: it is up to date when its ``stage.json`` names the inputs of today."""

import json
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import groundup
from groundup.errors import UserError
from groundup.files import atomic_folder, fingerprint, write_json
from groundup.progress import console
from groundup.recipe.schema import Recipe

RECORD = "stage.json"
"""Written last: a stage's folder that has one is whole."""

CLAIM = "inputs.json"
"""Whose inputs an unfinished in-place stage is working on."""

Status = Literal["done", "resumed", "up to date"]


class InterruptedRun(Exception):  # noqa: N818 - not an error: the work is saved
    """The user stopped the run after its state was saved; the message says how to go on."""


@dataclass(frozen=True)
class Outcome:
    """One row of the table at the end of a run."""

    stage: str
    status: Status
    seconds: float
    result: dict[str, Any]


Fill = Callable[[Path], dict[str, Any]]
"""Fills a folder and returns the result."""


@dataclass(frozen=True)
class Stage:
    """What a stage reads, how it is made, and how its result reads in a few words."""

    name: str
    """The folder's name in the run."""

    command: str
    """The command that runs this stage alone."""

    version: int
    """Raised when the stage's output changes its meaning, so that older folders are redone."""

    inputs: Callable[[Recipe], dict[str, Any]]
    """What decides the result, besides the stages before: JSON-like values."""

    prepare: Callable[[Recipe], Fill]
    """Load and check what the stage needs; return what fills a folder and returns the result,
    JSON-like. An earlier result is touched only after this: a mistake costs nothing."""

    summary: Callable[[dict[str, Any]], str]
    """The result in a few words, for the table."""

    in_place: bool = False
    """The stage works in its own folder over many sessions and resumes what it finds there;
    the others fill a temporary folder that is renamed when it is whole."""

    writes_also: str | None = None
    """Another folder of the run that the stage writes."""


@dataclass(frozen=True)
class Planned:
    """A stage and the name of everything that decides its result."""

    stage: Stage
    inputs: dict[str, Any]
    previous: str
    """Fingerprint of the stage before."""

    @property
    def fingerprint(self) -> str:
        """16 hex digits; a finished stage with the same is up to date."""
        return fingerprint([self.stage.name, self.stage.version, self.inputs, self.previous])


def read_record(folder: Path) -> dict[str, Any]:
    """Return a stage's ``stage.json``, or ``{}`` where there is no whole one."""
    return _read(folder / RECORD)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def up_to_date(planned: Planned, recipe: Recipe) -> bool:
    """Return whether a stage's folder holds the result of just these inputs."""
    stage = planned.stage
    if stage.writes_also and not (recipe.folder / stage.writes_also).is_dir():
        return False
    return read_record(recipe.folder / stage.name).get("fingerprint") == planned.fingerprint


def run_stage(planned: Planned, recipe: Recipe) -> Outcome:
    """Bring one stage up to date; earlier stages' folders are found through the recipe.

    Raises:
        InterruptedRun: the user stopped it and its state is saved.
    """
    stage, name = planned.stage, planned.fingerprint
    folder = recipe.folder / stage.name
    if up_to_date(planned, recipe):
        record = read_record(folder)
        return Outcome(stage.name, "up to date", record["seconds"], record["result"])
    started, clock = datetime.now(UTC), time.perf_counter()

    def write_record(where: Path, result: dict[str, Any]) -> Outcome:
        # A resumed stage knows the work of its earlier sessions better than the clock does.
        seconds = round(max(time.perf_counter() - clock, result.get("training_seconds", 0)), 2)
        record = {
            "stage": stage.name,
            "fingerprint": name,
            "previous": planned.previous,
            "inputs": planned.inputs,
            "seed": recipe.seed,
            "versions": versions(),
            "started": started.isoformat(timespec="seconds"),
            "seconds": seconds,
            "result": result,
        }
        write_json(where / RECORD, record)
        return Outcome(stage.name, "resumed" if resumed else "done", seconds, result)

    _refuse_foreign(folder)
    fill = stage.prepare(recipe)
    resumed = stage.in_place and _claim(folder, name)
    if stage.in_place:
        return write_record(folder, fill(folder))
    with atomic_folder(folder) as temporary:
        return write_record(temporary, fill(temporary))


def _refuse_foreign(folder: Path) -> None:
    """Refuse to replace a folder that no stage wrote: it may be all that someone has.

    Raises:
        UserError: the folder is not empty and not a stage's.
    """
    if not folder.exists() or any((folder / name).is_file() for name in (RECORD, CLAIM)):
        return
    if not folder.is_dir() or any(folder.iterdir()):
        raise UserError(
            f"{folder} is in the way: groundup did not write it; move it, or give the run another "
            "--name"
        )


def _claim(folder: Path, name: str) -> bool:
    """Make ``folder`` the working place of inputs ``name``; return whether work on them is there.

    What other inputs left is moved to ``FOLDER.previous``, of which one is kept: hours of training
    should not be lost to a changed key. If the key is changed back, the two change places.
    """
    if _read(folder / CLAIM).get("fingerprint") == name:
        return True
    aside = folder.with_name(f"{folder.name}.previous")
    known = _read(aside / CLAIM).get("fingerprint") == name
    stale = folder.exists() and any(folder.iterdir())
    # Named so that after a kill between two renames ``lock`` puts the folder back.
    with TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.old.") as temporary:
        moved = Path(temporary) / folder.name
        if stale:
            folder.rename(moved)
        if known:
            aside.rename(folder)
        if stale:
            if aside.exists():
                shutil.rmtree(aside)
            moved.rename(aside)
            console.print(f"{folder} belongs to other settings: moved to {aside}", soft_wrap=True)
    if not known:
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / CLAIM, {"fingerprint": name})
    return known


def versions() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    packages = ("torch", "numpy", "pyarrow")
    python = ".".join(map(str, sys.version_info[:3]))
    return {
        "groundup": groundup.__version__,
        "python": python,
        **{package: metadata.version(package) for package in packages},
    }
