"""How well a model predicts text it has not been trained on."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from groundup.data import Batch, TokenShards
from groundup.train import rng
from groundup.train.loss import Objective


@dataclass(frozen=True)
class Validation:
    """Losses on held-out text.

    Attributes:
        nats_per_token: mean loss over the targets.
        bits_per_byte: the loss of all targets over the bytes of text they stand for, comparable
            between tokenizers; None where the bytes of any target are not known.
        tokens: targets.
        bytes: of text that they stand for, as far as known.
        unknown: targets that stand for text which the tokenizer does not know.
    """

    nats_per_token: float
    bits_per_byte: float | None
    tokens: int = 0
    bytes: int = 0
    unknown: int = 0

    def __str__(self) -> str:
        text = f"{self.nats_per_token:.4f} nats/token"
        if self.unknown:
            return f"{text}, bits/byte not comparable: {self.unknown:,} unknown characters"
        return text if self.bits_per_byte is None else f"{text}, {self.bits_per_byte:.4f} bits/byte"


def known_text_bytes(shards: TokenShards) -> Tensor:
    """Return the bytes of text that each id stands for, (V,) int64; -1 where they are not known.

    An end of text stands for none. Any other id without bytes, like a character tokenizer's for
    characters it has not met, stands for text of unknown length: with its nats and without its
    bytes, bits per byte would compare with nothing.
    """
    bytes_V = torch.from_numpy(shards.token_bytes.astype("int64"))
    bytes_V[bytes_V == 0] = -1
    bytes_V[int(shards.tokens[0])] = 0  # every document begins with an end of text
    return bytes_V


@contextmanager
def evaluating(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Look at a model in training: no dropout, no gradients, and no trace left of it.

    Random numbers drawn inside are put back, so that training goes on as if nobody had looked.
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad(), rng.isolated(device):
            yield
    finally:
        for module, training in modes:
            module.training = training


def validate(
    model: nn.Module,
    objective: Objective,
    batches: Iterable[Batch],
    *,
    device: torch.device,
    token_bytes: Tensor | None = None,
    advance: Callable[[int], None] | None = None,
) -> Validation:
    """Measure the objective's loss on held-out batches.

    An end of text costs nats and stands for no byte: knowing where documents end is counted as part
    of knowing the text.

    Args:
        model: on ``device``; left in the mode it came in.
        objective: gives the loss.
        batches: held-out, at least one target.
        device: where to compute.
        token_bytes: bytes of text each id stands for (``known_text_bytes``), (V,), on the CPU.
        advance: called after each batch with its number of targets, for progress bars.
    """
    total, count, num_bytes, unknown = 0.0, 0, 0, 0
    with evaluating(model, device):
        for batch in batches:
            loss = objective(model, batch.to(device))
            total += float(loss.sum)
            count += int(loss.count)
            if token_bytes is not None:
                bytes_N = token_bytes[batch.targets[batch.loss_mask]]
                num_bytes += int(bytes_N.clamp(min=0).sum())
                unknown += int((bytes_N < 0).sum())
            if advance is not None:
                advance(int(loss.count))
    comparable = num_bytes > 0 and not unknown
    bits_per_byte = total / math.log(2) / num_bytes if comparable else None
    return Validation(total / count, bits_per_byte, count, num_bytes, unknown)


def forecast(
    model: nn.Module, objective: Objective, batches: Iterable[Batch], *, device: torch.device
) -> float:
    """Return about how many seconds ``validate`` will take: two batches are computed, all counted.

    The second is timed, for the first sets things up.
    """
    seconds, count = 0.0, 0
    with evaluating(model, device):
        for batch in batches:
            count += 1
            if count <= 2:
                start = time.perf_counter()
                float(objective(model, batch.to(device)).sum)
                seconds = time.perf_counter() - start
    return seconds * count
