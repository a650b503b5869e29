"""Muon for one matrix, as Keller Jordan's code has it (https://github.com/KellerJordan/Muon)."""

from collections.abc import Sequence

import torch
from torch import Tensor

Quintic = tuple[float, float, float]


def newton_schulz(x: Tensor, coefficients: Sequence[Quintic], slack: float = 1.0) -> Tensor:
    """Take every singular value σ to aσ + bσ³ + cσ⁵, once for each (a, b, c).

    Args:
        x: (rows, columns).
        coefficients: of each step.
        slack: what the Frobenius norm is multiplied by before ``x`` is divided by it.
    """
    x = x / (x.norm() * slack + 1e-7)
    for a, b, c in coefficients:
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x


def muon(
    weight: Tensor,
    gradients: list[Tensor],
    rates: list[float],
    momenta: list[float],
    *,
    coefficients: Sequence[Quintic] = ((3.4445, -4.7750, 2.0315),) * 5,
    slack: float = 1.0,
    weight_decay: float = 0.0,
    cautious: bool = False,
    match_rms: bool = False,
) -> Tensor:
    """Return the weight, (rows, columns), after one step per gradient.

    ``rates`` and ``momenta`` are of each step. ``cautious`` decays only where the update shrinks
    the weight too (arXiv 2510.12402); ``match_rms`` scales as arXiv 2502.16982, section 2.2.
    """
    rows, columns = weight.shape
    average = torch.zeros_like(weight)
    for gradient, rate, momentum in zip(gradients, rates, momenta, strict=True):
        average = momentum * average + (1 - momentum) * gradient
        ahead = momentum * average + (1 - momentum) * gradient  # Nesterov
        update = newton_schulz(ahead, coefficients, slack)
        scale = 0.2 * max(rows, columns) ** 0.5 if match_rms else max(1, rows / columns) ** 0.5
        decay = weight_decay * weight
        if cautious:
            decay = torch.where(update * weight >= 0, decay, 0.0)
        weight = weight - rate * scale * update - rate * decay
    return weight
