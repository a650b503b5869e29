"""From token ids to the residual stream, and what the token before adds to it."""

import torch
from torch import Tensor, nn

from groundup.model.cache import KVCache
from groundup.model.config import ModelConfig

GATE_CHANNELS = 12
"""First channels that a gate reads, as in modded-nanogpt's smear and nanochat's ``ve``."""


def previous_tokens(
    inputs_BT: Tensor, document_ids_BT: Tensor | None, cache: KVCache | None
) -> Tensor:
    """Return the token before each, (B, T); -1 where a row, a padded text or a document begins."""
    B, T = inputs_BT.shape
    before_B1 = inputs_BT.new_full((B, 1), -1)
    if cache is not None and cache.last_B is not None:
        before_B1 = cache.last_B[:, None]
    previous_BT = torch.cat((before_B1, inputs_BT[:, :-1]), dim=1)
    if document_ids_BT is not None:
        begins_BT = document_ids_BT[:, 1:] != document_ids_BT[:, :-1]
        previous_BT = torch.cat(
            (previous_BT[:, :1], previous_BT[:, 1:].masked_fill(begins_BT, -1)), dim=1
        )
    if cache is not None and cache.starts_B is not None:
        slots_T = torch.arange(cache.length, cache.length + T, device=inputs_BT.device)
        previous_BT = previous_BT.masked_fill(slots_T[None] <= cache.starts_B[:, None], -1)
    return previous_BT


class BigramTable(nn.Module):
    """A vector per pair (previous token, token), pairs hashed to rows by modded-nanogpt's hash.

    A model of a few layers spends much of the first on finding out which token came before; here it
    is one look-up, added once, where modded-nanogpt adds it before every block. Pairs that share a
    row are told apart by the token's own embedding. The last row is for tokens with none before.
    All rows start at zero.
    """

    def __init__(self, num_rows: int, width: int) -> None:
        super().__init__()
        self.table = nn.Embedding(num_rows, width)

    def forward(self, inputs_BT: Tensor, previous_BT: Tensor) -> Tensor:
        """Return (B, T, C); ``previous_BT`` as from ``previous_tokens``."""
        last = self.table.num_embeddings - 1
        rows_BT = (36313 * inputs_BT ^ 27191 * previous_BT) % last
        return self.table(torch.where(previous_BT < 0, last, rows_BT))


class Smear(nn.Module):
    """Add a share λ·sigmoid(w·e) of the previous token's embedding to e (modded-nanogpt).

    λ and w start at zero. The gate reads the token's first ``GATE_CHANNELS`` channels.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(1))
        self.gate = nn.Parameter(torch.zeros(min(width, GATE_CHANNELS)))

    def forward(self, e_BTC: Tensor, previous_e_BTC: Tensor, previous_BT: Tensor) -> Tensor:
        """Return (B, T, C); a token with none before stays as it is."""
        scale, gate = self.scale.to(e_BTC.dtype), self.gate.to(e_BTC.dtype)
        gate_BT = scale * torch.sigmoid(e_BTC[..., : len(gate)] @ gate)
        return e_BTC + gate_BT.masked_fill(previous_BT < 0, 0.0)[..., None] * previous_e_BTC


class ValueEmbedding(nn.Module):
    """A gated value per token: v + 2·sigmoid(w·x)·table[token] (after nanochat's ``ve``).

    It gives the model parameters that cost no products. The gate, one a layer where nanochat has
    one a head, reads the first ``GATE_CHANNELS`` channels of the attention's input; w starts at
    zero, the gate hence at 1, and the table at zero, where nanochat's is random.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.table = nn.Embedding(config.vocab_size, config.num_kv_heads * config.head_width)
        self.gate = nn.Parameter(torch.zeros(min(config.width, GATE_CHANNELS)))

    def forward(self, v_BTKD: Tensor, x_BTC: Tensor, inputs_BT: Tensor) -> Tensor:
        """Return the values with those of the tokens added, (B, T, K, D)."""
        gate_BT = 2 * torch.sigmoid(x_BTC[..., : len(self.gate)] @ self.gate.to(x_BTC.dtype))
        looked_up_BTKD = self.table(inputs_BT).to(v_BTKD.dtype).view(v_BTKD.shape)
        return v_BTKD + gate_BT[..., None, None] * looked_up_BTKD
