"""Rotary positions (RoFormer, arXiv 2104.09864): turn queries and keys by an angle per position.

The score of two rotated vectors depends only on how far apart they are. The pairs that turn
together are (i, i + D/2), as in Llama's and Qwen3's published weights.
"""

import torch
from torch import Tensor


def rope_tables(positions: Tensor, head_width: int, theta: float) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of every position's angles.

    Args:
        positions: integer positions, shape (T,) or (B, T).
        head_width: D, even.
        theta: base; pair i turns by ``theta ** (-2 i / D)`` radians per position.

    Returns:
        Two float32 tensors of shape (..., T, D/2).
    """
    exponents = torch.arange(0, head_width, 2, dtype=torch.float32, device=positions.device)
    frequencies = 1.0 / theta ** (exponents / head_width)
    angles = positions.float()[..., None] * frequencies
    return angles.cos(), angles.sin()


def rotate(x_BTHD: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate each pair (i, i + D/2) of every head by its position's angle.

    Args:
        x_BTHD: queries or keys, time before heads.
        cos: as from ``rope_tables``, broadcastable to (B, T, 1, D/2).
        sin: likewise.
    """
    half = x_BTHD.shape[-1] // 2
    # (a, b) → (a cos - b sin, b cos + a sin): the second term is the halves swapped. Written so, it
    # is two products over whole rows, 1.5 times as fast as four over halves.
    swapped_BTHD = x_BTHD.roll(half, dims=-1)
    rotated_BTHD = x_BTHD * torch.cat((cos, cos), -1) + swapped_BTHD * torch.cat((-sin, sin), -1)
    return rotated_BTHD.to(x_BTHD.dtype)
