"""Dropout that costs less on a CPU."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch.nn import functional as F

_own = threading.local()


@contextmanager
def drawing_from(generator: torch.Generator) -> Iterator[None]:
    """Let dropout on a CPU draw from a generator in this thread, not from torch's global one.

    Threads that share a generator would draw in any order.
    """
    _own.generator = generator
    try:
        yield
    finally:
        _own.generator = None


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
    if torch.compiler.is_compiling():
        # Of two equal operations the compiler does one; no "empty" counts as equal to another.
        anew = torch.empty(0)
        return x * _ones_and_zeros(x.detach(), dropped, anew) * (256 / (256 - dropped))
    return x * _kept(x, dropped) * (256 / (256 - dropped))


def _kept(x: Tensor, dropped: int) -> Tensor:
    """Return what is kept of ``x``, a boolean of its shape, False for ``dropped`` of 256."""
    words = torch.empty(-(-x.numel() // 8), dtype=torch.int64, device=x.device)
    generator = getattr(_own, "generator", None)
    words = words.random_(-(2**63), None, generator=generator)  # all 64 bits
    return words.view(torch.uint8)[: x.numel()].view(x.shape) >= dropped


# One operation to the compiler, whose graph breaks at the random numbers. In the dtype of x, for a
# mask of bytes, compared where it is used, made a small model's step slower (benchmarks/LOG.md).
@torch.library.custom_op(
    "groundup::dropout_mask", mutates_args=(), tags=(torch.Tag.nondeterministic_seeded,)
)
def _ones_and_zeros(x: Tensor, dropped: int, anew: Tensor) -> Tensor:  # noqa: ARG001
    """Return what is kept of ``x`` in its dtype."""
    return _kept(x, dropped).to(x.dtype)


@_ones_and_zeros.register_fake
def _shape(x: Tensor, dropped: int, anew: Tensor) -> Tensor:  # noqa: ARG001
    return torch.empty(x.shape, dtype=x.dtype, device=x.device)
