"""AdamW, algorithm 2 of Loshchilov and Hutter (arXiv 1711.05101), the decay times the rate."""

import torch
from torch import Tensor


def adamw(
    weight: Tensor,
    gradients: list[Tensor],
    rates: list[float],
    *,
    beta1: float = 0.9,
    beta2: float = 0.95,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    cautious: bool = False,
) -> Tensor:
    """Return the weight after one step per gradient.

    Args:
        weight: any shape; not changed.
        gradients: of that shape, one per step.
        rates: learning rate of each step.
        beta1: decay of the average gradient m.
        beta2: decay of the average squared gradient v.
        eps: added to √v.
        weight_decay: share of the weight taken away per step and unit of rate.
        cautious: decay only where the update shrinks the weight too (arXiv 2510.12402).
    """
    m, v = torch.zeros_like(weight), torch.zeros_like(weight)
    for t, (gradient, rate) in enumerate(zip(gradients, rates, strict=True), start=1):
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)  # both began at zero
        update = m_hat / (v_hat.sqrt() + eps)
        decay = weight_decay * weight
        if cautious:
            decay = torch.where(update * weight >= 0, decay, 0.0)
        weight = weight - rate * update - rate * decay
    return weight
