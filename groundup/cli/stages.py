"""``groundup run RECIPE`` and the commands of single stages."""

from collections.abc import Sequence
from typing import Annotated, Any

import tyro
from rich.console import Console

from groundup.cli.recipe import recipe_options
from groundup.corpus import funnel_table, sources_table
from groundup.recipe import Recipe, read_recipe, run_recipe
from groundup.recipe.plan import plan
from groundup.recipe.stages import STAGES
from groundup.recipe.table import outcome_table, what_next

DryRun = Annotated[
    bool,
    tyro.conf.FlagCreatePairsOff,
    tyro.conf.arg(help="Print what the run will cost, and stop."),
]


def main(command: str, arguments: Sequence[str]) -> int:
    """Run all stages, or the one that ``command`` names."""
    recipe, options = read_command(command, arguments)
    out = Console()
    if options.dry_run:
        out.print(plan(recipe))
        return 0
    only = next((stage.name for stage in STAGES if stage.command == command), None)
    outcomes = run_recipe(recipe, only=only)
    if only == "corpus":
        result = outcomes[-1].result
        out.print(funnel_table(result))
        if len(recipe.corpus.sources) > 1:
            out.print(sources_table(result))
    out.print(outcome_table(outcomes))
    for line in what_next(recipe, outcomes):
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    return 0


def read_command(command: str, arguments: Sequence[str]) -> tuple[Recipe, Any]:
    """Return the recipe with the command line's overrides, and the other options.

    Raises:
        UsageError: no recipe, or something wrong in it or in the options.
        SystemExit: ``--help`` was asked for and printed.
    """
    path, options, changes = recipe_options(command, arguments, [("dry_run", DryRun, False)])
    return read_recipe(path, changes), options
