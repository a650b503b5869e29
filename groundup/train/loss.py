"""What the training loop and the objectives say to each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from groundup.data import Batch


@dataclass(frozen=True)
class Loss:
    """A loss not yet divided: sums over micro-batches and threads add up, means do not.

    Attributes:
        sum: loss summed over what is trained on, scalar float32; for next tokens in nats.
        count: how many were summed (targets, pairs, rollouts).
        metrics: further sums over the same ``count``, divided by it for the log.
    """

    sum: Tensor
    count: Tensor | int
    metrics: Mapping[str, Tensor | float] = field(default_factory=dict)

    def detached(self) -> "Loss":
        """Let go of the graph, so that only one micro-batch's activations are held."""
        metrics = {
            name: value.detach() if isinstance(value, Tensor) else value
            for name, value in self.metrics.items()
        }
        return Loss(self.sum.detach(), self.count, metrics)


class Objective(Protocol):
    """What a batch should teach."""

    def __call__(self, model: nn.Module, batch: Batch, /) -> Loss:
        """Run the model on a (micro-)batch and return its loss, ready for ``backward``.

        On a CPU several threads call it at once, each with a part of the batch (``Workers``).
        """
        ...


class BatchSource(Protocol):
    """Where the loop takes its batches from; ``groundup.data.Loader`` is one."""

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, counted from 0: always the same one."""
        ...

    def documents_of(self, step: int) -> list[int]:
        """Return the numbers of the documents in a step's batch, for messages."""
        ...

    def state(self, step: int) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        ...

    def check_state(self, state: Mapping[str, Any]) -> None:
        """Raise ``UserError`` if this source would not continue as the checkpoint began."""
        ...


@runtime_checkable
class ResizableSource(BatchSource, Protocol):
    """A source whose batches can change their size on the way, as ramps want."""

    context_length: int
    """Tokens per sequence, T."""

    def size(self, step: int) -> tuple[int, int]:
        """Return the sequences of a step's batch, and the tokens per row that they are cut into."""
        ...

    def resize(self, step: int, sequences: int, length: int) -> None:
        """Give batches another size from ``step`` on."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over the sizes that a checkpoint's ``state`` names."""
        ...
