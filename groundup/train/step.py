"""One optimizer step: forward, backward, clip, update."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from groundup.data import Batch
from groundup.train.loss import Loss, Objective
from groundup.train.optimizers import Optimizers
from groundup.train.precision import Masters
from groundup.train.workers import Workers


@dataclass(frozen=True)
class StepResult:
    """What a step measured.

    Attributes:
        loss: mean over everything trained on in the step.
        grad_norm: global L2 norm of the mean loss's gradient, before clipping.
        metrics: the objective's, divided by the count.
        finite: whether loss and gradient are; if not, nothing was updated.
        updated: whether the weights were; a step may have been refused.
    """

    loss: float
    grad_norm: float
    metrics: dict[str, float]
    finite: bool
    updated: bool


def micro_batches(batch: Batch, size: int) -> Iterator[Batch]:
    """Yield the batch in parts of ``size`` sequences; 0 yields it whole."""
    B = batch.inputs.shape[0]
    for start in range(0, B, size or B):
        yield batch.rows(slice(start, start + (size or B)))


def train_step(
    model: nn.Module,
    objective: Objective,
    masters: Masters,
    optimizers: Optimizers,
    batch: Batch,
    *,
    micro_batch_size: int,
    clip_norm: float,
    multiplier: float,
    workers: Workers | None = None,
    meanwhile: Callable[[], None] = lambda: None,
    accept: Callable[[float, float], bool] = lambda _loss, _grad_norm: True,
) -> StepResult:
    """Train on one batch.

    The gradient of the summed loss is accumulated and divided by the global count at the end, so
    micro-batches with unequal counts still give the gradient of one big batch. (A sum over tokens
    is no danger in bfloat16, which reaches as far as float32.)

    Args:
        model: in training mode, on the batch's device.
        objective: gives loss sums.
        masters: the model's float32 weights.
        optimizers: hold ``masters.parameters()``.
        batch: the whole step's.
        micro_batch_size: sequences per forward pass, 0 for all.
        clip_norm: longest gradient, 0 for any.
        multiplier: of the peak learning rate.
        workers: take parts of each micro-batch side by side; by default nothing is split.
        meanwhile: called while a GPU computes, before the program waits for it.
        accept: asked with loss and gradient norm whether to update; if these are not finite the
            weights are left alone whatever it says.
    """
    workers = workers or Workers()
    losses = []
    for micro_batch in micro_batches(batch, micro_batch_size):
        losses += workers.backward(objective, model, masters, micro_batch)

    gradients = masters.gradients()
    norm = torch.nn.utils.get_total_norm(gradients)
    names = list(losses[0].metrics)
    columns = [_row(loss, names) for loss in losses]
    meanwhile()
    # One wait for the device per step: everything that is read comes over at once.
    total, count, *sums, norm_of_sum = torch.cat(
        (sum(columns[1:], columns[0]), norm[None])
    ).tolist()
    assert count > 0, "a step must train on something"
    loss_mean, grad_norm = total / count, norm_of_sum / count
    finite = abs(loss_mean) < float("inf") and grad_norm < float("inf")  # NaN is not less
    updated = accept(loss_mean, grad_norm) and finite
    if updated:
        clip = min(1.0, clip_norm / (grad_norm + 1e-6)) if clip_norm else 1.0
        torch._foreach_mul_(gradients, clip / count)  # dividing and clipping in one pass
        optimizers.step(multiplier)
        masters.publish()
    masters.clear_gradients()
    metrics = {name: value / count for name, value in zip(names, sums, strict=True)}
    return StepResult(loss_mean, grad_norm, metrics, finite, updated)


def _row(loss: Loss, names: list[str]) -> Tensor:
    """Return sum, count and metrics in float32, exact for counts below 2^24."""
    values = (loss.sum, loss.count, *(loss.metrics[name] for name in names))
    device = loss.sum.device
    return torch.stack([torch.as_tensor(v, device=device).float() for v in values])
