"""Normalization: keep the scale of activations, layer after layer."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig


class RMSNorm(nn.Module):
    """Divide by the root mean square, then scale by a learned vector (arXiv 1910.07467, eq. 4)."""

    def __init__(self, width: int, eps: float, weight: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width)) if weight else None
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalize the last dimension; any shape (..., width), any dtype, computed in float32."""
        return rms_norm(x, self.weight, self.eps)


def rms_norm(x: Tensor, weight: Tensor | None, eps: float) -> Tensor:
    """Return x (..., width) over its root mean square, times ``weight`` (width,) if any."""
    y: Tensor = _RMSNorm.apply(x, weight, eps)
    return y


class _RMSNorm(torch.autograd.Function):
    """RMSNorm that keeps its input and one number per row for the backward pass.

    What autograd would keep instead are several float32 copies of the input. Written by hand,
    forward and backward in bfloat16 took 0.8 of the time (benchmarks/LOG.md).
    """

    @staticmethod
    def forward(ctx, x, weight, eps):  # type: ignore[no-untyped-def]
        x32 = x.float()
        scale = torch.rsqrt(x32.square().mean(-1, keepdim=True) + eps)
        ctx.save_for_backward(x, weight, scale)
        y = x32 * scale
        return (y if weight is None else y.mul_(weight.float())).to(x.dtype)

    @staticmethod
    def backward(ctx, y_grad):  # type: ignore[no-untyped-def]
        x, weight, scale = ctx.saved_tensors
        y_grad = y_grad.float()
        normed = x.float() * scale
        if weight is None:
            along = (y_grad * normed).mean(-1, keepdim=True)
            return y_grad.sub(normed.mul_(along)).mul_(scale).to(x.dtype), None, None
        weight32 = weight.float()
        product = y_grad * normed
        # By the rule of the product: the part through the scale takes out of the gradient what
        # points along the row, for a longer row has the same output.
        along = (product @ weight32).div_(weight.numel())[..., None]
        weight_grad = product.flatten(0, -2).sum(0)
        x_grad = (y_grad * weight32).sub_(normed.mul_(along)).mul_(scale)
        return x_grad.to(x.dtype), weight_grad.to(weight.dtype), None


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
        return RMSNorm(config.width, config.norm_eps, config.norm_weight)
    return LayerNorm(config.width, config.norm_eps, config.bias)
