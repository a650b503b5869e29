"""All that a run reports while it goes: to the screen, to its files, to TensorBoard."""

import math
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from groundup.train.config import TrainConfig
from groundup.train.display import Display
from groundup.train.metrics import JsonLines, TensorBoard
from groundup.train.validate import Validation


class Journal:
    """One call per event; each goes everywhere it belongs.

    ``metrics.jsonl`` has a line per step: ``step`` (steps done), ``loss`` (mean, nats/token for
    next tokens), the objective's metrics, ``grad_norm`` (before clipping), ``learning_rate`` (of
    each group), ``progress`` (share of the run that was done as the step began), ``tokens`` and
    ``seconds`` (of the steps since the run began), ``data_seconds`` (spent on reading this step's
    batch, before the step or on a GPU during the one before), ``elapsed`` (seconds on the wall
    since the run began), ``tokens_per_second`` (of this step), ``compiled`` (whether this step
    was), ``mfu`` (share of the measured peak), ``skipped`` (spikes since the run began, where they
    are looked for) and, every ``update_ratio_every`` steps, ``update_ratio`` (how far the step
    moved each group, as a part of its norm); and a line ``{"step": …, "validation":
    {"nats_per_token": …, "bits_per_byte": …, "tokens": …, "bytes": …}}`` per validation. A number
    of a skipped step that is not finite is null. ``samples.jsonl`` has ``{"step": …,
    "text": …}``.

    Args:
        folder: of the run.
        config: whether to write TensorBoard's files.
        display: the screen.
        first_step: the first that will be reported.
        file_bytes: lengths to wind the files back to, as ``sync`` returned them.
    """

    def __init__(
        self,
        folder: Path,
        config: TrainConfig,
        display: Display,
        *,
        first_step: int,
        file_bytes: Mapping[str, int],
    ) -> None:
        self.display = display
        with ExitStack() as stack:
            self._files = {
                name: stack.enter_context(
                    JsonLines(folder / f"{name}.jsonl", keep_bytes=file_bytes.get(name, 0))
                )
                for name in ("metrics", "samples")
            }
            self._tensorboard = stack.enter_context(
                TensorBoard(folder, config.tensorboard, first_step=first_step)
            )
            stack.enter_context(display)
            self._open = stack.pop_all()

    def step(self, line: dict[str, Any]) -> None:
        """Report a training step."""
        line = {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in line.items()
        }
        self._files["metrics"].write(line)
        self._tensorboard.write(line)
        self.display.step(line)

    def validation(self, step: int, measured: Validation) -> None:
        """Report a validation."""
        line = {"step": step, "validation": asdict(measured)}
        self._files["metrics"].write(line)
        self._tensorboard.write(line)
        self.display.say(f"validation at step {step}: {measured}")

    def sample(self, step: int, text: str) -> None:
        """Report a text by the model."""
        self._files["samples"].write({"step": step, "text": text})
        self.display.sample(step, text)

    def sync(self) -> dict[str, int]:
        """Bring the files to the disk; return their lengths in bytes."""
        return {name: file.sync() for name, file in self._files.items()}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()
