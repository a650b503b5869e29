"""Dropout that costs less on a CPU."""

import torch
from torch import Tensor
from torch.nn import functional as F


def drop(x: Tensor, p: float, training: bool) -> Tensor:
    """Zero a share p of ``x`` at random and scale up the rest (Srivastava et al. 2014).

    On a CPU torch draws a random number per element, and a small model trains at half its speed,
    compiled or not (measured on AMD). Here eight elements share a draw, a byte each, so p is
    rounded to a multiple of 1/256, at least 1/256 and at most 255/256.

    Args:
        x: any shape.
        p: share of the elements, 0 ≤ p < 1.
        training: otherwise ``x`` is returned as it is.
    """
    if not training or p == 0.0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, p)
    dropped = min(max(round(256 * p), 1), 255)
    words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device)
    words = words.random_(-(2**63), None)  # all 64 bits
    kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= dropped
    return x * kept * (256 / (256 - dropped))
