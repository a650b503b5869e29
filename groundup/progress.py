"""Progress bars with a rate and the time left, alike in every stage.

In a terminal these are live bars; in a pipe or a log they print nothing at all, so that logs
stay readable. Everything goes to stderr: stdout is for results.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Talk(Console):
    """A console whose reader may leave, as tee does on Ctrl-C: the work goes on, unheard."""

    def on_broken_pipe(self) -> None:
        """Say no more; rich would end the program."""
        self.quiet = True


console = _Talk(stderr=True)
"""Where groundup talks to people; results for programs go to stdout."""


class RateColumn(ProgressColumn):
    """Done, total and rate in the task's own unit (``fields["unit"]``, by default items)."""

    def render(self, task: Task) -> Text:
        """Draw ``3.1/12.0 MB 4.2 MB/s`` or ``120/800 documents 64/s``."""
        unit = task.fields.get("unit", "items")
        speed = task.speed or 0.0
        if unit == "bytes":
            total = f"/{task.total / 1e6:.1f}" if task.total else ""
            return Text(f"{task.completed / 1e6:.1f}{total} MB {speed / 1e6:.1f} MB/s")
        total = f"/{task.total:,.0f}" if task.total else ""
        return Text(f"{task.completed:,.0f}{total} {unit} {speed:,.0f}/s")


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """Give a ``rich`` progress; add tasks with ``add_task(description, total=…, unit="bytes")``."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        RateColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    ) as progress:
        yield progress
