"""What a person sees of a training run: a live line in a terminal, plain lines in a log."""

from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from groundup.errors import printable
from groundup.train.optimizers import ParameterGroup

SMOOTHING = 0.95
"""Share of the past in the shown loss: it averages about twenty steps."""

SAMPLE_CHARACTERS = 400


class Display:
    """Shows the groups, the progress and the samples of a run.

    Args:
        console: where to print.
        max_steps: steps in all, if the run is counted in steps.
        log_every: steps between lines where the console is no terminal.
        budget: seconds in all, if the clock decides: then ``max_steps`` means nothing.
    """

    def __init__(
        self, console: Console, *, max_steps: int, log_every: int, budget: float | None = None
    ) -> None:
        self.console, self.max_steps, self.log_every = console, max_steps, log_every
        self.budget = budget
        self._loss, self._weight = 0.0, 0.0
        self._progress = Progress(
            TextColumn("step"),
            TextColumn("{task.fields[place]}"),
            BarColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(elapsed_when_finished=False),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        total = budget or max_steps
        self._task = self._progress.add_task("", total=total, visible=False, place="")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def start(self, step: int, groups: list[ParameterGroup]) -> None:
        """Show which parameters are trained how, and begin the live line after ``step`` steps."""
        table = Table("parameters", "tensors", "numbers", "optimizer", "learning rate", "decay")
        for group in groups:
            table.add_row(
                group.name,
                str(len(group.parameters)),
                f"{group.num_parameters:,}",
                group.optimizer,
                f"{group.learning_rate:g}",
                f"{group.weight_decay:g}",
            )
        self.console.print(table)
        done = 0 if self.budget else step
        self._progress.update(self._task, completed=done, visible=True, place=self._place(step))
        self._progress.start()

    def say(self, line: str) -> None:
        """Print a line as it is, never wrapped."""
        self.console.print(escape(line), highlight=False, soft_wrap=True)

    def warn(self, line: str) -> None:
        """Print a line that says what went wrong and what is done about it."""
        self.console.print(f"[yellow]warning:[/] {escape(line)}", highlight=False, soft_wrap=True)

    def step(self, record: dict[str, Any]) -> None:
        """Show a step, given its line in ``metrics.jsonl``, in which a loss may be None."""
        if record["loss"] is not None:
            self._loss = SMOOTHING * self._loss + (1 - SMOOTHING) * record["loss"]
            self._weight = SMOOTHING * self._weight + (1 - SMOOTHING)
        loss = f"{self._loss / self._weight:.3f}" if self._weight else "not finite"
        parts = [f"loss {loss}", f"{record['tokens_per_second']:,.0f} tokens/s"]
        if "mfu" in record:
            parts.append(f"MFU {record['mfu']:.0%}")
        text = "  ".join(parts)
        step, place = record["step"], self._place(record["step"])
        if self.budget is None:
            done, last = step, step == self.max_steps
            left = record["seconds"] / step * (self.max_steps - step)
        else:
            done, last = record["elapsed"], False
            left = max(0.0, self.budget - record["elapsed"])
        self._progress.update(self._task, completed=done, description=text, place=place)
        if not self.console.is_terminal and (step % self.log_every == 0 or last):
            self.say(f"step {place}  {text}  left {duration(left)}")

    def sample(self, step: int, text: str) -> None:
        """Show a sample text, shortened, and without what a terminal would obey."""
        shown = text[:SAMPLE_CHARACTERS] + ("…" if len(text) > SAMPLE_CHARACTERS else "")
        self.say(f"sample at step {step}: {printable(shown)}")

    def _place(self, step: int) -> str:
        return str(step) if self.budget else f"{step}/{self.max_steps}"


def duration(seconds: float) -> str:
    """Return ``8.3 s``, ``42 s``, ``4 min 10 s`` or ``2 h 05 min``."""
    if seconds < 59.5:
        return f"{seconds:.2g} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"
