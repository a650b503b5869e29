"""``groundup evaluate RUN``: numbers of a finished model."""

from collections.abc import Sequence
from typing import Annotated

import tyro
from rich.console import Console
from rich.table import Table

from groundup.cli.flags import parse_options
from groundup.errors import UsageError
from groundup.files import expand_user
from groundup.recipe import EvaluateConfig, evaluate_run

Run = Annotated[
    str,
    tyro.conf.Positional,
    tyro.conf.arg(metavar="RUN", help="A run's folder, runs/NAME."),
]


def main(command: str, arguments: Sequence[str]) -> int:
    """Print the numbers as a table; RUN/evaluate/results.json has them too."""
    program = f"groundup {command}"
    known = EvaluateConfig()
    words = ["--tasks" if word == "--task" else word for word in arguments]
    parsed, given = parse_options(words, known, [("run", Run, tyro.MISSING)], program)
    folder = expand_user(parsed.run)
    if folder.is_file():
        raise UsageError(f"{folder} is a file; name the run's folder, runs/NAME")
    outcome = evaluate_run(folder, given)
    table = Table(title=f"{folder} ({outcome.status})", title_justify="left")
    for column in ("task", "number"):
        table.add_column(column)
    table.add_column("value", justify="right")
    for task, numbers in outcome.result.items():
        for name, value in numbers.items():
            table.add_row(task, name, _shown(value))
    out = Console()
    out.print(table)
    out.print(f"{folder / 'evaluate' / 'results.json'}", soft_wrap=True, highlight=False)
    return 0


def _shown(value: float | None) -> str:
    if value is None:
        return "not comparable"
    return f"{value:,}" if isinstance(value, int) else f"{value:.4f}"
