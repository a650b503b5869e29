"""What one forward pass reads: token ids, what should follow each, and which of that counts."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Batch:
    """B sequences of T tokens and the token that should follow each one.

    Attributes:
        inputs: token ids, (B, T) int64.
        targets: the id that follows each input, (B, T) int64.
        loss_mask: True where a target is trained on, (B, T) bool.
        document_ids: equal for tokens that may see one another, (B, T) int64; documents are
            numbered from 0 within their row. None where documents are not told apart.
        positions: tokens since the document's first token in this row, (B, T) int64. None where
            positions count through the row.
    """

    inputs: Tensor
    targets: Tensor
    loss_mask: Tensor
    document_ids: Tensor | None = None
    positions: Tensor | None = None

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Batch":
        """Return the batch on ``device``; ``non_blocking`` returns before a GPU has its copy."""
        return self._map(lambda tensor: tensor.to(device, non_blocking=non_blocking))

    def pinned(self) -> "Batch":
        """Return the batch in memory that a GPU copies from by itself."""
        return self._map(lambda tensor: tensor.pin_memory())

    def rows(self, rows: slice) -> "Batch":
        """Return some of the sequences, as views: a micro-batch, or one thread's share."""
        return self._map(lambda tensor: tensor[rows])

    def _map(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        return Batch(
            inputs=change(self.inputs),
            targets=change(self.targets),
            loss_mask=change(self.loss_mask),
            document_ids=None if self.document_ids is None else change(self.document_ids),
            positions=None if self.positions is None else change(self.positions),
        )
