"""Matrix products of the blocks in float8, on GPUs that have it.

Both factors of a product are scaled by one number each, so that their largest element is the
largest of the format, and rounded: weights and activations to e4m3, gradients, which spread
wider, to e5m2 (arXiv 2209.05433, sections 3 and 4; scaled by the tensor at hand, not by its
history). Sums are kept in float32. What the backward pass needs is remembered in float8, half of
bfloat16's bytes. The head, embeddings, norms and attention's own products stay what they were.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.functional import ScalingType

from groundup.errors import UsageError
from groundup.model import ModelConfig

MULTIPLE = 16
"""Of which the sides of a product must be, for the kernels."""

WEIGHTS, GRADIENTS = torch.float8_e4m3fn, torch.float8_e5m2


def check_float8(shape: ModelConfig, device: torch.device, dtype: torch.dtype) -> None:
    """Refuse what float8 would not make faster.

    Raises:
        UsageError: the model is no transformer, or its sides are no multiples of 16; the device is
            not CUDA of compute capability 8.9 or above (Ada, Hopper); all else is not computed in
            bfloat16.
    """
    if shape.architecture == "rnn":
        raise UsageError("pretrain.float8 is for transformers' blocks; leave it out for an rnn")
    sides = {
        "width": shape.width,
        "feed_forward_width": shape.feed_forward_width,
        "num_heads x head_width": shape.num_heads * shape.head_width,
        "num_kv_heads x head_width": shape.num_kv_heads * shape.head_width,
    }
    for name, size in sides.items():
        if size % MULTIPLE:
            raise UsageError(
                f"pretrain.float8: model.{name} is {size}, no multiple of {MULTIPLE}, which its "
                "kernels need; change it, or leave float8 out"
            )
    if dtype != torch.bfloat16:
        raise UsageError("pretrain.float8 needs pretrain.precision = 'bfloat16'; leave one out")
    if device.type != "cuda" or torch.cuda.get_device_capability(device) < (8, 9):
        raise UsageError(
            "pretrain.float8 needs a GPU of compute capability 8.9 or above (Ada, Hopper, "
            "Blackwell); leave it out"
        )


class Float8Linear(nn.Linear):
    """A linear layer that multiplies in float8 while it is trained."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - nn.Linear's name for it
        """Return ``input @ weight.T + bias``, (…, out_features)."""
        rows = input.shape[:-1].numel()
        if not self.training or rows % MULTIPLE:
            return super().forward(input)
        output = _Product.apply(input.reshape(rows, -1), self.weight)
        output = output.view(*input.shape[:-1], -1)
        return output if self.bias is None else output + self.bias


@contextmanager
def float8_products(model: nn.Module, *, on: bool = True) -> Iterator[None]:
    """Let the linear layers of a model's blocks multiply in float8, inside.

    Names, parameters and what is saved stay as they are.

    Args:
        model: its ``blocks`` are changed; layers whose sides are no multiples of 16 are left.
        on: otherwise nothing happens.
    """
    layers = []
    if on:
        layers = [
            module
            for module in model.get_submodule("blocks").modules()
            if type(module) is nn.Linear
            and module.in_features % MULTIPLE == module.out_features % MULTIPLE == 0
        ]
    for layer in layers:
        layer.__class__ = Float8Linear
    try:
        yield
    finally:
        for layer in layers:
            layer.__class__ = nn.Linear


class _Product(torch.autograd.Function):
    """x W^T, all three products of forward and backward in float8."""

    @staticmethod
    def forward(ctx: Any, x_NC: Tensor, weight_FC: Tensor) -> Tensor:
        x, w = quantize(x_NC, WEIGHTS), quantize(weight_FC, WEIGHTS)
        ctx.save_for_backward(*x, *w)
        ctx.dtype = x_NC.dtype
        return _scaled(x, (w[0].t(), w[1]), ctx.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:
        x8_NC, x_scale, w8_FC, w_scale = ctx.saved_tensors
        g8_NF, g_scale = quantize(gradients[0], GRADIENTS)
        to_x = _scaled((g8_NF, g_scale), (_by_columns(w8_FC), w_scale), ctx.dtype)
        turned = g8_NF.t().contiguous()
        to_weight = _scaled((turned, g_scale), (_by_columns(x8_NC), x_scale), ctx.dtype)
        return to_x, to_weight


def quantize(x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Return x / scale in ``dtype`` and the scale, a float32 scalar: |x| at most the format's."""
    scale = x.detach().abs().amax().float().clamp(min=1e-12) / torch.finfo(dtype).max
    return (x.float() / scale).to(dtype), scale


def _by_columns(matrix: Tensor) -> Tensor:
    """Return the matrix with its columns contiguous, as the kernel wants the right factor."""
    return matrix.t().contiguous().t()


def _scaled(a: tuple[Tensor, Tensor], b: tuple[Tensor, Tensor], dtype: torch.dtype) -> Tensor:
    tensor = ScalingType.TensorWise
    return F.scaled_mm(a[0], b[0], a[1], tensor, b[1], tensor, output_dtype=dtype)
