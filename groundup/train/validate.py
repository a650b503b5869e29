"""How well a model predicts text it has not been trained on."""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from groundup.data import Batch
from groundup.train import rng
from groundup.train.loss import Objective


@dataclass(frozen=True)
class Validation:
    """Losses on held-out text.

    Attributes:
        nats_per_token: mean loss over the targets.
        bits_per_byte: the loss of all targets over the bytes of text they stand for, comparable
            between tokenizers; None where the bytes of a token are not known.
    """

    nats_per_token: float
    bits_per_byte: float | None

    def __str__(self) -> str:
        text = f"{self.nats_per_token:.4f} nats/token"
        return text if self.bits_per_byte is None else f"{text}, {self.bits_per_byte:.4f} bits/byte"


@contextmanager
def evaluating(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Look at a model in training: no dropout, no gradients, and no trace left of it.

    Random numbers drawn inside are put back, so that training goes on as if nobody had looked.
    """
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad(), rng.isolated(device):
            yield
    finally:
        model.train(was_training)


def validate(
    model: nn.Module,
    objective: Objective,
    batches: Iterable[Batch],
    *,
    device: torch.device,
    token_bytes: Tensor | None = None,
) -> Validation:
    """Measure the objective's loss on held-out batches.

    An end of text costs nats and stands for no byte: knowing where documents end is counted as part
    of knowing the text.

    Args:
        model: on ``device``; left in the mode it came in.
        objective: gives the loss.
        batches: held-out, at least one target.
        device: where to compute.
        token_bytes: bytes of text each id stands for, (V,), on the CPU.
    """
    total, count, num_bytes = 0.0, 0, 0
    with evaluating(model, device):
        for batch in batches:
            loss = objective(model, batch.to(device))
            total += float(loss.sum)
            count += int(loss.count)
            if token_bytes is not None:
                num_bytes += int(token_bytes[batch.targets[batch.loss_mask]].sum())
    bits_per_byte = total / math.log(2) / num_bytes if num_bytes else None
    return Validation(total / count, bits_per_byte)
