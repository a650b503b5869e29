"""What a run did, as a table."""

from collections.abc import Sequence

from rich.table import Table

from groundup.recipe.schema import Recipe
from groundup.recipe.stage import Outcome
from groundup.recipe.stages import STAGES
from groundup.train.display import duration


def outcome_table(outcomes: Sequence[Outcome]) -> Table:
    """Return a row per stage: time, status, result."""
    table = Table(title_justify="left")
    table.add_column("stage")
    table.add_column("time", justify="right")
    table.add_column("status")
    table.add_column("result", overflow="fold")
    summaries = {stage.name: stage.summary for stage in STAGES}
    for outcome in outcomes:
        summary = summaries[outcome.stage](outcome.result)
        table.add_row(outcome.stage, duration(outcome.seconds), outcome.status, summary)
    return table


def what_next(recipe: Recipe, outcomes: Sequence[Outcome]) -> list[str]:
    """Return where the result is and what to type next."""
    last = outcomes[-1].stage
    folder = recipe.folder
    if last not in ("pretrain", "evaluate"):
        return [f"{last}: {folder / last}"]
    return [
        f"model: {folder / 'base'}",
        f"try:   groundup generate {folder} --prompt {_example_prompt(recipe)}",
    ]


def _example_prompt(recipe: Recipe) -> str:
    """Return a prompt for the shell, in the language of the corpus.

    Without a space at its end: in most vocabularies that belongs to the token that follows.
    """
    prompt = recipe.pretrain.sample_prompt.rstrip(" ")
    if not prompt:
        prompt = "def" if recipe.corpus.sources == ("stdlib",) else "The"
    return "'" + prompt.replace("'", "'\\''") + "'"
