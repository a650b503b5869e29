"""Predict the next token."""

from dataclasses import dataclass

from torch import nn
from torch.nn import functional as F

from groundup.data import Batch
from groundup.model import RNN, Transformer
from groundup.objectives.linear_cross_entropy import linear_cross_entropy
from groundup.train import Loss

IGNORED = -100
"""Target that cross-entropy passes over."""

FUSED_FROM = 2**19
"""Logits of a batch (tokens × vocabulary) from which head and loss are one operation.

Plain cross-entropy holds them several times over, 14 bytes for each. On a CPU in bfloat16 a
compiled step was 1.10 times as fast with the one operation at this number and at 2**21, an eager
one 0.98 and 1.03; with 65 ids and 2**16 logits the compiled one 0.97 (benchmarks/LOG.md).
"""


@dataclass(frozen=True)
class NextToken:
    """Cross-entropy of every target that the loss mask marks, in nats."""

    def __call__(self, model: nn.Module, batch: Batch) -> Loss:
        """Return the summed loss and the number of targets.

        Args:
            model: ``Transformer`` or ``RNN``.
            batch: on the model's device.
        """
        assert isinstance(model, Transformer | RNN), "next tokens need a language model"
        x_BTC = model.hidden(batch.inputs, batch.positions, batch.document_ids)
        targets_N = batch.targets.masked_fill(~batch.loss_mask, IGNORED).flatten()
        if targets_N.numel() * model.config.vocab_size >= FUSED_FROM:
            loss = linear_cross_entropy(
                x_BTC.flatten(0, 1), model.head_weight, targets_N, model.config.logit_soft_cap
            )
        else:
            # float32: in bfloat16 a loss of 3 nats would be known to one part in 128.
            logits_NV = model.head(x_BTC).flatten(0, 1).float()
            loss = F.cross_entropy(logits_NV, targets_N, ignore_index=IGNORED, reduction="sum")
        return Loss(sum=loss, count=batch.loss_mask.sum())
