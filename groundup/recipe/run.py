"""Walking the road: what is up to date is skipped, what was interrupted goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from groundup.errors import UserError
from groundup.files import write_atomic
from groundup.progress import console
from groundup.recipe.lock import locked
from groundup.recipe.pretrain import BASE, base_fingerprint
from groundup.recipe.read import read_recipe, write_toml
from groundup.recipe.schema import Recipe
from groundup.recipe.stage import Outcome, Planned, Stage, read_record, run_stage, up_to_date
from groundup.recipe.stages import STAGES

FOLDERS = (*(stage.name for stage in STAGES), BASE)
"""The folders of a run that are filled aside and renamed."""


def run_recipe(recipe: Recipe, *, only: str | None = None) -> list[Outcome]:
    """Bring a run up to date, or one stage of it.

    Args:
        recipe: the whole run.
        only: run this stage alone; the stages before it must be up to date.

    Returns:
        One outcome per stage that was asked for.

    Raises:
        UserError: a stage cannot do its work, or (with ``only``) one before it is stale.
        InterruptedRun: the user stopped it and its state is saved.
    """
    outcomes = []
    records: dict[str, dict[str, Any]] = {}

    def keep_recipe() -> None:
        write_atomic(recipe.folder / "recipe.toml", write_toml(recipe))

    with locked(recipe.folder, FOLDERS):
        for stage in STAGES:
            planned = Planned.of(stage, recipe, records)
            if only in (None, stage.name):
                outcomes.append(_run(planned, recipe, keep_recipe))
            elif not up_to_date(planned, recipe):
                raise UserError(
                    f"the {stage.name} stage of {recipe.folder} is missing or older than the "
                    f"recipe: run groundup {stage.command} first, with the same recipe and options"
                )
            if stage.name == only:
                break
            records[stage.name] = read_record(recipe.folder / stage.name)
        keep_recipe()
    return outcomes


def current_records(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """Return the records of a run's stages from the first on, as far as they are up to date."""
    records: dict[str, dict[str, Any]] = {}
    for stage in STAGES:
        try:
            planned = Planned.of(stage, recipe, records)
        except UserError:  # the sources are not there
            break
        if not up_to_date(planned, recipe):
            break
        records[stage.name] = read_record(recipe.folder / stage.name)
    return records


def evaluate_run(folder: Path, changes: dict[str, Any]) -> Outcome:
    """Evaluate the finished model of a run.

    The corpus' sources need not be there any more: the tokens are.

    Args:
        folder: ``runs/NAME``.
        changes: keys of the recipe's ``evaluate`` section that differ this time.

    Raises:
        UserError: no such run, no finished model, or its tokens are no longer those it learned.
    """
    if not (folder / "recipe.toml").is_file():
        raise UserError(f"{folder}: no run is here; make one with groundup run RECIPE")
    recipe = read_recipe(folder / "recipe.toml", {"evaluate": changes})
    here = folder.resolve()
    pretrained = read_record(folder / "pretrain")
    # The model's own seed: the recipe may since have been changed for a training not yet finished.
    mine = {"runs": here.parent, "name": here.name, "seed": pretrained.get("seed")}
    recipe = recipe.model_copy(update=mine)
    if not pretrained or base_fingerprint(recipe) != pretrained["fingerprint"]:
        raise UserError(f"{folder}: its model is not finished; groundup run {folder}/recipe.toml")
    if read_record(folder / "tokens").get("content") != pretrained["previous"].get("tokens"):
        raise UserError(
            f"{folder}: its tokens changed after the model was trained; "
            f"bring it up to date with groundup run {folder}/recipe.toml"
        )
    stage = next(stage for stage in STAGES if stage.name == "evaluate")
    with locked(recipe.folder, FOLDERS):
        return _run(Planned.of(stage, recipe, {"pretrain": pretrained}), recipe)


def _run(planned: Planned, recipe: Recipe, prepared: Callable[[], None] = lambda: None) -> Outcome:
    stage: Stage = planned.stage
    outcome = run_stage(planned, recipe, prepared)
    if outcome.status != "up to date":
        line = f"{stage.name}: {stage.summary(outcome.result)}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return outcome
