"""``groundup sweep RECIPE --over KEY=VALUES``: which values of its keys train best."""

from collections.abc import Sequence
from typing import Annotated, Any

import tyro
from rich.console import Console

from groundup.cli.recipe import recipe_options
from groundup.errors import UsageError
from groundup.recipe import Recipe, read_recipe
from groundup.recipe.read import read_keys
from groundup.sweep import Metric, plan_sweep
from groundup.sweep.forecast import peak_flops, sweep_seconds
from groundup.sweep.results import UNITS, best_toml
from groundup.sweep.run import run_plan
from groundup.sweep.space import parse_over
from groundup.sweep.table import failures, plan_table, plan_words, result_table


def _option(kind: Any, text: str) -> Any:
    return Annotated[kind, tyro.conf.arg(help=text)]


OPTIONS: list[tuple[str, Any, Any]] = [
    (
        "over",
        Annotated[
            tuple[str, ...],
            tyro.conf.UseAppendAction,
            tyro.conf.arg(
                metavar="KEY=VALUES",
                help="A key and its values: pretrain.learning_rate=0.01,0.03, or with --samples a "
                "range: 'pretrain.learning_rate=1e-3..1e-1 log'. Once for each key.",
            ),
        ],
        (),
    ),
    (
        "budget",
        _option(str, 'How long a training is in full: pretrain.budget, like "2 min".'),
        "",
    ),
    ("seeds", _option(int, "Trainings of each setting: with seed, seed + 1, …"), 1),
    (
        "samples",
        _option(int, "Random settings instead of all combinations, drawn by seed; 0: none."),
        0,
    ),
    (
        "rungs",
        _option(
            int,
            "Successive halving: rungs of trainings, each longer than the one before and of fewer "
            "settings; the last trains in full. Each training is annealed, so what is kept is "
            "trained anew.",
        ),
        1,
    ),
    (
        "halving",
        _option(
            int, "Of the settings of a rung one in so many is kept, and trained so much longer."
        ),
        3,
    ),
    ("metric", _option(Metric, "Of the held-out text; the lowest is best."), "bits_per_byte"),
    (
        "dry_run",
        Annotated[
            bool,
            tyro.conf.FlagCreatePairsOff,
            tyro.conf.arg(help="Print the trainings and how long they take, and stop."),
        ],
        False,
    ),
]


def main(command: str, arguments: Sequence[str]) -> int:
    """Run a sweep; print its results and the best setting."""
    recipe, options, keys, changes = _read(command, arguments)
    plan = plan_sweep(
        recipe,
        parse_over(options.over),
        seeds=options.seeds,
        samples=options.samples,
        halving=options.halving,
        rungs=options.rungs,
        metric=options.metric,
        keys=keys,
        options=changes,
    )
    out = Console()
    if options.dry_run:
        seconds = sweep_seconds(plan, peak_flops(recipe))
        out.print(plan_words(plan, seconds), highlight=False, markup=False, soft_wrap=True)
        out.print(plan_table(plan))
        return 0
    found = run_plan(plan)
    out.print(result_table(found))
    lines = [
        *failures(found),
        f"results: {found.folder / 'sweep.jsonl'}",
        f"plot:    {found.folder / 'sweep.html'}",
    ]
    if found.best is not None:
        trial = found.folder / "trials" / found.best.results[0].trial
        lines += [f"best:    {trial}", "", best_toml(found.best, UNITS[plan.metric])]
    for line in lines:
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    return 0 if found.best is not None else 1


def _read(
    command: str, arguments: Sequence[str]
) -> tuple[Recipe, Any, dict[str, Any], dict[str, Any]]:
    """Return the recipe, the sweep's options, and the recipe's keys: its file's, the command's.

    Raises:
        UsageError: no recipe, or something wrong in it or in the options.
        SystemExit: ``--help`` was asked for and printed.
    """
    path, options, changes = recipe_options(command, arguments, OPTIONS, "--over …")
    if options.budget:
        if clash := {"max_steps", "budget"} & changes.get("pretrain", {}).keys():
            raise UsageError(f"--budget and --pretrain.{clash.pop()} both say how long to train")
        swept = [key for key in parse_over(options.over) if key.startswith("pretrain.")]
        if clash := {"pretrain.max_steps", "pretrain.budget"} & set(swept):
            raise UsageError(f"--budget has no effect where {clash.pop()} is swept; leave it out")
        changes.setdefault("pretrain", {})["budget"] = options.budget
    return read_recipe(path, changes), options, read_keys(path), changes
