"""Normalization: keep the scale of activations, layer after layer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig


class RMSNorm(nn.Module):
    """Divide by the root mean square, then scale by a learned vector (arXiv 1910.07467, eq. 4)."""

    def __init__(self, width: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalize the last dimension; any shape (..., width), any dtype, computed in float32."""
        x32 = x.float()
        scale = torch.rsqrt(x32.square().mean(-1, keepdim=True) + self.eps)
        return (x32 * scale * self.weight.float()).to(x.dtype)


class LayerNorm(nn.Module):
    """Subtract the mean and divide by the deviation (arXiv 1607.06450, eq. 4)."""

    def __init__(self, width: int, eps: float, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalize the last dimension; any shape (..., width), any dtype."""
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return F.layer_norm(x, (x.shape[-1],), self.weight.to(x.dtype), bias, self.eps)


def build_norm(config: ModelConfig) -> nn.Module:
    """Return the norm that ``config`` names, over the residual width C."""
    if config.norm == "rmsnorm":
        return RMSNorm(config.width, config.norm_eps)
    return LayerNorm(config.width, config.norm_eps, config.bias)
