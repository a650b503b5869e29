"""The KV cache: keys and values of the past, so that a new token costs one token of work."""

import torch
from torch import Tensor

from groundup.model.config import ModelConfig


class KVCache:
    """Keys and values of every layer for up to ``max_length`` tokens.

    One tensor per layer, because one stacked tensor makes each layer's read strided. Rows of
    unequal length are padded on the left; ``starts_B`` holds where each row's text begins.

    Attributes:
        keys: per layer, shape (B, K, S, D) with S = ``max_length``.
        values: per layer, the same shape.
        length: tokens held, padding included.
        starts_B: first slot of each row's text, or None when no row is padded.
        last_B: the last token read in each row, or None before the first.
    """

    def __init__(
        self,
        config: ModelConfig,
        batch_size: int,
        max_length: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        starts_B: Tensor | None = None,
    ) -> None:
        shape = (batch_size, config.num_kv_heads, max_length, config.head_width)
        layers = range(config.num_layers)
        self.keys = [torch.zeros(shape, dtype=dtype, device=device) for _ in layers]
        self.values = [torch.zeros(shape, dtype=dtype, device=device) for _ in layers]
        self.max_length = max_length
        self.length = 0
        self.starts_B = starts_B
        self.last_B: Tensor | None = None

    def append(self, layer: int, k_BKTD: Tensor, v_BKTD: Tensor) -> tuple[Tensor, Tensor]:
        """Store new keys and values after ``length``; return all so far, (B, K, length + T, D).

        ``length`` itself moves by ``advance``, once all layers have appended.
        """
        end = self.length + k_BKTD.shape[2]
        assert end <= self.max_length, f"cache of {self.max_length} tokens cannot hold {end}"
        self.keys[layer][:, :, self.length : end] = k_BKTD
        self.values[layer][:, :, self.length : end] = v_BKTD
        return self.keys[layer][:, :, :end], self.values[layer][:, :, :end]

    def advance(self, inputs_BT: Tensor) -> None:
        """Count the appended tokens as held."""
        self.length += inputs_BT.shape[1]
        self.last_B = inputs_BT[:, -1]
