"""Predict the next token."""

from dataclasses import dataclass

from torch import nn
from torch.nn import functional as F

from groundup.data import Batch
from groundup.train import Loss

IGNORED = -100
"""Target that cross-entropy passes over."""


@dataclass(frozen=True)
class NextToken:
    """Cross-entropy of every target that the loss mask marks, in nats."""

    def __call__(self, model: nn.Module, batch: Batch) -> Loss:
        """Return the summed loss and the number of targets.

        Args:
            model: ``Transformer`` or ``RNN``.
            batch: on the model's device.
        """
        logits_BTV = model(batch.inputs, batch.positions, batch.document_ids)
        targets_BT = batch.targets.masked_fill(~batch.loss_mask, IGNORED)
        # float32: in bfloat16 a loss of 3 nats would be known to one part in 128.
        loss = F.cross_entropy(
            logits_BTV.flatten(0, 1).float(),
            targets_BT.flatten(),
            ignore_index=IGNORED,
            reduction="sum",
        )
        return Loss(sum=loss, count=batch.loss_mask.sum())
