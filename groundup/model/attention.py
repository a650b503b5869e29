"""Causal self-attention: each token reads from itself and its past."""

import math
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.cache import KVCache
from groundup.model.config import ModelConfig
from groundup.model.dropout import drop
from groundup.model.embedding import ValueEmbedding
from groundup.model.norm import RMSNorm
from groundup.model.rope import rotate

FUSED_FROM = 2048
"""Keys from which the fused CPU kernel beats plain products in bfloat16, backward included.

Forward and backward took it about twice as long up to 512 tokens and as long from 1,024; in float32
it wins at every length (benchmarks/LOG.md).
"""

TILE = 256
"""Queries in a tile. Of 256, halves were no faster than the whole square and quarters slower; of
512, compiled, tiles of 128 were slower than of 256 (benchmarks/LOG.md)."""


@dataclass(frozen=True)
class AttentionContext:
    """What every layer's attention shares in one forward pass.

    Attributes:
        rope: cosines and sines, (1 or B, T, 1, D/2), or None for learned positions.
        mask: True where a query may look, broadcastable to (B, H, T, S), or None for the whole
            past: the causal triangle, or every key for a single new token.
        cache: keys and values of the past, or None.
        inputs: token ids (B, T), for values looked up by them.
    """

    rope: tuple[Tensor, Tensor] | None
    mask: Tensor | None
    cache: KVCache | None
    inputs: Tensor


def visible(query_positions: Tensor, key_positions: Tensor, sliding_window: int | None) -> Tensor:
    """Return which keys each query may see: (T, S), True for the past inside the window."""
    distance = query_positions[:, None] - key_positions[None, :]
    mask = distance >= 0
    if sliding_window is not None:
        mask &= distance < sliding_window
    return mask


def attend(
    q_BHTD: Tensor,
    k_BKSD: Tensor,
    v_BKSD: Tensor,
    mask: Tensor | None,
    dropout: float = 0.0,
) -> Tensor:
    """Scaled dot-product attention (Vaswani et al. 2017, eq. 1), by the faster of two routes.

    Args:
        q_BHTD: queries.
        k_BKSD: keys; K divides H, each key head serves H/K query heads (arXiv 2305.13245).
        v_BKSD: values.
        mask: True where a query may look, never into the future; or None for the whole past.
        dropout: share of attention weights zeroed.

    Returns:
        The mixed values, (B, H, T, D). ``reference/attention.py`` is this function in the open.
    """
    H, T = q_BHTD.shape[1:3]
    K, S = k_BKSD.shape[1:3]
    on_cpu = q_BHTD.device.type == "cpu"
    plain = S < FUSED_FROM and q_BHTD.dtype == torch.bfloat16
    if on_cpu and T > 1 and (plain or dropout):  # with dropout torch has no fused kernel there
        k_BHSD = k_BKSD.repeat_interleave(H // K, dim=1) if K != H else k_BKSD
        v_BHSD = v_BKSD.repeat_interleave(H // K, dim=1) if K != H else v_BKSD
        return _attend_in_tiles(q_BHTD, k_BHSD, v_BHSD, mask, dropout)
    return F.scaled_dot_product_attention(
        q_BHTD,
        k_BKSD,
        v_BKSD,
        attn_mask=mask,
        dropout_p=dropout,
        is_causal=mask is None and T > 1,
        enable_gqa=K != H,
    )


def _attend_in_tiles(
    q_BHTD: Tensor, k_BHSD: Tensor, v_BHSD: Tensor, mask: Tensor | None, dropout: float
) -> Tensor:
    """Attend by plain products, a tile of queries at a time, each with only the keys of its past.

    Leaving out the future keys saves a quarter of the work at two tiles, three eighths at four.
    Hiding the rest by adding -inf is one pass over the scores where filling them is two. The
    softmax of bfloat16 is computed in float32 inside and rounded once, as a cast after it would.
    """
    T, D = q_BHTD.shape[-2:]
    past = k_BHSD.shape[2] - T
    make = _bias_as_one if torch.compiler.is_compiling() else _bias
    bias = make(mask, q_BHTD.detach(), past + T)
    q_BHTD = q_BHTD * (1.0 / math.sqrt(D))
    outputs = []
    for start in range(0, T, TILE):
        end = min(start + TILE, T)
        num_keys = past + end
        scores_BHts = q_BHTD[:, :, start:end] @ k_BHSD[:, :, :num_keys].transpose(-2, -1)
        weights_BHts = (scores_BHts + bias[..., start:end, :num_keys]).softmax(-1)
        weights_BHts = drop(weights_BHts, dropout, training=True)
        outputs.append(weights_BHts @ v_BHSD[:, :, :num_keys])
    return torch.cat(outputs, dim=2) if len(outputs) > 1 else outputs[0]


def _bias(mask: Tensor | None, q_BHTD: Tensor, num_keys: int) -> Tensor:
    """Return what hides keys when added to the scores: 0 where a query may look, else -inf."""
    if mask is None:
        shape = (q_BHTD.shape[2], num_keys)
        mask = torch.ones(shape, dtype=torch.bool, device=q_BHTD.device).tril(shape[1] - shape[0])
    return torch.zeros_like(mask, dtype=q_BHTD.dtype).masked_fill_(~mask, -math.inf)


# One operation to the compiler, which computed it anew for every score, twice, and took twice as
# long for the softmax.
@torch.library.custom_op("groundup::score_bias", mutates_args=())
def _bias_as_one(mask: Tensor | None, q_BHTD: Tensor, num_keys: int) -> Tensor:
    return _bias(mask, q_BHTD, num_keys)


@_bias_as_one.register_fake
def _bias_shape(mask: Tensor | None, q_BHTD: Tensor, num_keys: int) -> Tensor:
    shape = (q_BHTD.shape[2], num_keys) if mask is None else mask.shape
    return torch.empty(shape, dtype=q_BHTD.dtype, device=q_BHTD.device)


class Attention(nn.Module):
    """Queries, keys and values by matrix products; heads attend; one more product mixes them."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        C, D = config.width, config.head_width
        H, K = config.num_heads, config.num_kv_heads
        self.layer, self.num_heads, self.num_kv_heads, self.head_width = layer, H, K, D
        self.dropout = config.dropout
        self.q_proj = nn.Linear(C, H * D, bias=config.bias)
        self.k_proj = nn.Linear(C, K * D, bias=config.bias)
        self.v_proj = nn.Linear(C, K * D, bias=config.bias)
        self.o_proj = nn.Linear(H * D, C, bias=config.bias)
        norm = partial(RMSNorm, D, config.norm_eps, config.norm_weight)
        self.q_norm = norm() if config.qk_norm else None
        self.k_norm = norm() if config.qk_norm else None
        # In every other layer, the last among them, as nanochat has it.
        looks_up = config.value_embeddings and (config.num_layers - 1 - layer) % 2 == 0
        self.value_embedding = ValueEmbedding(config) if looks_up else None
        # Half its own values, half the first layer's, both learned (arXiv 2410.17897).
        mixed = config.value_residual and layer > 0
        self.value_mix = nn.Parameter(torch.tensor([0.5, 0.5])) if mixed else None

    def forward(
        self, x_BTC: Tensor, context: AttentionContext, first_v_BTKD: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Return the layer's output (B, T, C) and its values (B, T, K, D) for value residuals."""
        B, T, _ = x_BTC.shape
        q_BTHD = self.q_proj(x_BTC).view(B, T, self.num_heads, self.head_width)
        k_BTKD = self.k_proj(x_BTC).view(B, T, self.num_kv_heads, self.head_width)
        v_BTKD = self.v_proj(x_BTC).view(B, T, self.num_kv_heads, self.head_width)
        if self.value_embedding is not None:
            v_BTKD = self.value_embedding(v_BTKD, x_BTC, context.inputs)
        if self.value_mix is not None and first_v_BTKD is not None:
            own, first = self.value_mix.to(v_BTKD.dtype)
            v_BTKD = own * v_BTKD + first * first_v_BTKD
        if self.q_norm is not None and self.k_norm is not None:
            q_BTHD, k_BTKD = self.q_norm(q_BTHD), self.k_norm(k_BTKD)
        if context.rope is not None:
            q_BTHD, k_BTKD = rotate(q_BTHD, *context.rope), rotate(k_BTKD, *context.rope)
        q_BHTD, k_BKSD, v_BKSD = (t.transpose(1, 2) for t in (q_BTHD, k_BTKD, v_BTKD))
        if context.cache is not None:
            k_BKSD, v_BKSD = context.cache.append(self.layer, k_BKSD, v_BKSD)
        dropout = self.dropout if self.training else 0.0
        y_BHTD = attend(q_BHTD, k_BKSD, v_BKSD, context.mask, dropout)
        return self.o_proj(y_BHTD.transpose(1, 2).reshape(B, T, -1)), v_BTKD
