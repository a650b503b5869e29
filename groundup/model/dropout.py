"""Dropout that costs little on a CPU."""

import torch
from torch import Tensor
from torch.nn import functional as F


def drop(x: Tensor, share: float, training: bool) -> Tensor:
    """Zero a share of ``x`` at random and scale up the rest (Srivastava et al. 2014).

    On a CPU torch draws a random number per element, one after another, compiled or not, and a
    small model trains at half its speed. Here eight elements share a draw, a byte each, so the
    share is rounded to a multiple of 1/256, at least 1/256 and at most 255/256.

    Args:
        x: any shape.
        share: of the elements, above or equal to 0 and below 1.
        training: otherwise ``x`` is returned as it is.
    """
    if not training or share == 0.0:
        return x
    if x.device.type != "cpu":
        return F.dropout(x, share)
    dropped = min(max(round(256 * share), 1), 255)
    words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device)
    words = words.random_(-(2**63), None)  # all 64 bits
    kept = words.view(torch.uint8)[: x.numel()].view(x.shape) >= dropped
    return x * kept * (256 / (256 - dropped))
