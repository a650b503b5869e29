"""Steps whose gradient or loss is far out of line, or not finite, do not reach the weights."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from groundup.errors import UserError


class NonFiniteError(UserError):
    """The loss or its gradient is infinite or not a number."""


class SpikeError(UserError):
    """So many steps were skipped in a row that training has stood still."""


def non_finite(
    loss: float, grad_norm: float, step: int, documents: list[int], checkpoint: Path | None
) -> NonFiniteError:
    """Return an error that names the step, what was read in it and the way back, in one line."""
    shown = ", ".join(map(str, documents[:20]))
    if len(documents) > 20:
        shown += f" and {len(documents) - 20} more"
    return NonFiniteError(
        f"step {step}: loss {loss:g}, gradient norm {grad_norm:g}; nothing was "
        f"updated. The batch held documents {shown}. Lower the learning rate, or skip such steps "
        f"by spike_factor: {_onwards(checkpoint)}"
    )


def non_finite_validation(loss: float, step: int, checkpoint: Path | None) -> NonFiniteError:
    """Return an error for weights that an update has ruined, in one line."""
    return NonFiniteError(
        f"step {step}: the loss of held-out text is {loss:g}: an update has ruined the weights, "
        f"which were not saved. Lower the learning rate, or clip_norm: {_onwards(checkpoint)}"
    )


def _onwards(checkpoint: Path | None) -> str:
    return f"the run goes on from {checkpoint}" if checkpoint else "begin anew"


@dataclass
class SpikeGuard:
    """Compares each step with the median of the last accepted ones.

    PaLM (arXiv 2204.02311, section 5.1) rewound and skipped batches around spikes by hand. The
    median is not moved by a spike in the history, and skipped steps never enter it: a burst cannot
    make itself normal.

    Attributes:
        grad_norms: of the last accepted steps, oldest first.
        losses: of the same.
        skipped: steps left out in the run.
        in_a_row: of them, those since the last accepted one.
    """

    grad_norms: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    skipped: int = 0
    in_a_row: int = 0

    def accept(
        self,
        loss: float,
        grad_norm: float,
        *,
        factor: float,
        window: int,
        warn: Callable[[str], None],
    ) -> bool:
        """Return whether a step may update the weights, and note it.

        Args:
            loss: mean of the step.
            grad_norm: before clipping.
            factor: times the median that is too much; 0 accepts every step.
            window: accepted steps in the median; before there are as many, all are accepted
                that are finite.
            warn: told of a skipped step in one line.

        Raises:
            SpikeError: as many steps as the history holds were skipped one after the other.
        """
        if not factor:
            return True
        if not (math.isfinite(loss) and math.isfinite(grad_norm)):
            self._skip(f"loss {loss:.3g}, gradient norm {grad_norm:.3g}", window, warn)
            return False
        if len(self.losses) >= window:
            for name, value, history in (
                ("gradient norm", grad_norm, self.grad_norms),
                ("loss", loss, self.losses),
            ):
                usual = median(history[-window:])
                # A median of zero or less, as some objectives' losses have, measures nothing.
                if 0 < factor * usual < value:
                    self._skip(f"{name} {value:.3g}, usually {usual:.3g}", window, warn)
                    return False
        self.in_a_row = 0
        self.losses = [*self.losses, loss][-window:]
        self.grad_norms = [*self.grad_norms, grad_norm][-window:]
        return True

    def _skip(self, reason: str, window: int, warn: Callable[[str], None]) -> None:
        self.skipped += 1
        self.in_a_row += 1
        if self.in_a_row >= window:
            raise SpikeError(
                f"the last {window} steps were all skipped as spikes ({reason}): training stands "
                "still. Lower the learning rate, or raise spike_factor: the run goes on from its "
                "last checkpoint"
            )
        warn(f"a spike: {reason}; the step is skipped, {self.skipped} so far")
