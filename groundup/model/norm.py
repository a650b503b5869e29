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
        """Normalize the last dimension; any shape (..., width), any dtype; sums in float32."""
        return rms_norm(x, self.weight, self.eps)


def rms_norm(x: Tensor, weight: Tensor | None, eps: float) -> Tensor:
    """Return x (..., width) over its root mean square, times ``weight`` (width,) if any."""
    y: Tensor = _RMSNorm.apply(x, weight, eps)
    return y


class _RMSNorm(torch.autograd.Function):
    """RMSNorm that keeps its input and one number per row for the backward pass.

    Sums along a row are float32; what has the input's size stays in the input's dtype. In bfloat16
    that is a third of the bytes of float32 copies, and took half their time. The output is as near
    to the exact one, its input's gradient by less than 1/1000 further off; the weight's, a sum of
    rounded products, is off by 3/1000 (benchmarks/LOG.md).
    """

    @staticmethod
    def forward(ctx, x, weight, eps):  # type: ignore[no-untyped-def]
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        scale = torch.rsqrt(length.square() / x.shape[-1] + eps)
        ctx.save_for_backward(x, weight, scale)
        y = x * scale.to(x.dtype)
        return y if weight is None else y.mul_(weight.to(x.dtype))

    @staticmethod
    def backward(ctx, y_grad):  # type: ignore[no-untyped-def]
        x, weight, scale = ctx.saved_tensors
        product = y_grad * x
        # By the rule of the product: the part through the scale takes out of the gradient what
        # points along the row, for a longer row has the same output.
        if weight is None:
            along = product.sum(-1, keepdim=True, dtype=torch.float32)
            weight_grad, x_grad = None, y_grad * scale.to(x.dtype)
        else:
            cast = weight.to(x.dtype)
            along = (product @ cast)[..., None].float()
            weight_grad = (scale.flatten().to(x.dtype) @ product.flatten(0, -2)).to(weight.dtype)
            x_grad = (y_grad * cast).mul_(scale.to(x.dtype))
        along = along * scale.pow(3) / x.shape[-1]
        return x_grad.addcmul_(x, along.to(x.dtype), value=-1), weight_grad, None


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
