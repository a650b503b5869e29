"""A stage is a folder: it is up to date when its ``stage.json`` names the inputs of today."""

import json
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import groundup
from groundup.errors import UserError
from groundup.files import atomic_folder, fingerprint, replace_folder, write_json
from groundup.progress import console
from groundup.recipe.schema import Recipe

RECORD = "stage.json"
"""Written last: a stage's folder that has one is whole."""

CLAIM = "inputs.json"
"""What an in-place stage works on, from its first session on."""

GIVEN_UP = "given up"
"""True in a claim where the work failed in a way that other inputs may mend."""

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
"""Fills a folder and returns the result. Its ``content``, if there is one, names what was made, for
the stages that read it; without one the stage's fingerprint does."""


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

    reads: tuple[str, ...] = ()
    """Stages whose contents decide the result too."""

    in_place: bool = False
    """The stage works in its own folder over many sessions and resumes what it finds there;
    the others fill a temporary folder that is renamed when it is whole."""

    resumable: bool = False
    """The temporary folder stays when something breaks the stage off, and is given again to be
    filled further as long as the inputs are the same."""

    prolongs: Callable[[dict[str, Any], dict[str, Any], bool], bool] = lambda *_: False
    """Of an in-place stage: whether work on the first inputs goes on towards the second; and
    whether it was given up (``GIVEN_UP``)."""

    elsewhere: Callable[[Recipe], str | None] | None = None
    """Of a stage that writes another folder too: the fingerprint that stands in it."""


@dataclass(frozen=True)
class Planned:
    """A stage and the name of everything that decides its result."""

    stage: Stage
    inputs: dict[str, Any]
    previous: dict[str, str] = field(default_factory=dict)
    """Contents of the stages that this one reads. Of their results, not of their inputs: a source
    file that was only touched makes the corpus anew, and nothing after it."""

    @classmethod
    def of(cls, stage: Stage, recipe: Recipe, records: Mapping[str, dict[str, Any]]) -> "Planned":
        """Plan a stage, given the records of those before it."""
        contents = {name: records[name]["content"] for name in stage.reads}
        return cls(stage, stage.inputs(recipe), contents)

    @property
    def fingerprint(self) -> str:
        """16 hex digits; a finished stage with the same is up to date."""
        return fingerprint([self.stage.name, self.stage.version, self.inputs, self.previous])


def read_record(folder: Path) -> dict[str, Any]:
    """Return a stage's ``stage.json``, or ``{}`` where there is no whole one."""
    return read_json(folder / RECORD)


def read_json(path: Path) -> dict[str, Any]:
    """Return a file's JSON object, or ``{}`` where there is no whole one."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def up_to_date(planned: Planned, recipe: Recipe) -> bool:
    """Return whether a stage's folder holds the result of just these inputs."""
    stage = planned.stage
    if stage.elsewhere and stage.elsewhere(recipe) != planned.fingerprint:
        return False
    return read_record(recipe.folder / stage.name).get("fingerprint") == planned.fingerprint


def run_stage(
    planned: Planned, recipe: Recipe, prepared: Callable[[], None] = lambda: None
) -> Outcome:
    """Bring one stage up to date; earlier stages' folders are found through the recipe.

    Args:
        planned: the stage and its inputs.
        recipe: the whole run.
        prepared: called once all is checked, before anything is changed.

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
        content = result.pop("content", name)
        record = {
            "stage": stage.name,
            "fingerprint": name,
            "content": content,
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
    prepared()
    resumed = stage.in_place and _claim(folder, planned)
    if stage.in_place:
        (folder / RECORD).unlink(missing_ok=True)  # until the work is done it vouches for nothing
        return write_record(folder, fill(folder))
    if stage.resumable:
        partial = _partial_folder(folder, name)
        resumed = any(partial.iterdir())
        outcome = write_record(partial, fill(partial))
        replace_folder(partial, folder)
        return outcome
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


def _claim(folder: Path, planned: Planned) -> bool:
    """Make ``folder`` the working place of a stage's inputs; return whether work on them is there.

    What other inputs left is renamed to ``FOLDER.XXXXXXXX``, after its fingerprint, and renamed
    back when these inputs return: hours of training are never lost to a changed key. Each step is
    one rename, so that a kill between them loses nothing either.
    """
    name, there = planned.fingerprint, read_json(folder / CLAIM)
    if there.get("fingerprint") == name:
        return True
    known = _aside(folder, name)
    found = read_json(known / CLAIM).get("fingerprint") == name
    if not found and _prolongs(planned, there):
        rest = {key: value for key, value in there.items() if key != GIVEN_UP}
        write_json(folder / CLAIM, rest | {"fingerprint": name, "inputs": planned.inputs})
        return True
    if folder.exists() and any(folder.iterdir()):
        old = there.get("fingerprint") or read_record(folder).get("fingerprint") or "unknown"
        aside = _aside(folder, old)
        if aside.exists():
            raise UserError(
                f"{folder} belongs to other settings and {aside} is in the way; move it"
            )
        folder.rename(aside)
        _say(f"{folder} belongs to other settings: moved to {aside}")
    if found:
        if folder.exists():
            folder.rmdir()
        known.rename(folder)
        _say(f"{known} belongs to these settings: moved back to {folder}")
        return True
    with atomic_folder(folder) as new:
        write_json(new / CLAIM, {"fingerprint": name, "inputs": planned.inputs})
    return False


def _partial_folder(folder: Path, fingerprint: str) -> Path:
    """Return the temporary folder for these inputs, and remove what is half-made of others."""
    partial = folder.with_name(f"{folder.name}.partial-{fingerprint}")
    for other in folder.parent.glob(f"{folder.name}.partial-*"):
        if other != partial:
            shutil.rmtree(other)
    partial.mkdir(parents=True, exist_ok=True)
    for litter in partial.glob(".*"):  # where a kill struck within ``files.write_atomic``
        litter.unlink()
    return partial


def _aside(folder: Path, fingerprint: str) -> Path:
    return folder.with_name(f"{folder.name}.{fingerprint[:8]}")


def _prolongs(planned: Planned, claim: dict[str, Any]) -> bool:
    """Return whether claimed work goes on towards other inputs, like training for more steps."""
    inputs = claim.get("inputs")
    if not isinstance(inputs, dict):
        return False
    same_otherwise = replace(planned, inputs=inputs).fingerprint == claim.get("fingerprint")
    given_up = bool(claim.get(GIVEN_UP))
    return same_otherwise and planned.stage.prolongs(inputs, planned.inputs, given_up)


def _say(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)


def versions() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    packages = ("torch", "numpy", "pyarrow")
    python = ".".join(map(str, sys.version_info[:3]))
    return {
        "groundup": groundup.__version__,
        "python": python,
        **{package: metadata.version(package) for package in packages},
    }
