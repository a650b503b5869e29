"""A plain recurrent language model (Elman 1990; Mikolov et al. 2010): the baseline to beat."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig
from groundup.model.dropout import drop


class RecurrentState:
    """What the past leaves to a recurrent network: one hidden vector per layer.

    It takes the place of ``KVCache`` in generation: ``length``, ``max_length`` and ``starts_B``
    mean the same; the state itself never grows.
    """

    def __init__(self, max_length: int, starts_B: Tensor | None = None) -> None:
        self.hidden: list[Tensor | None] = []
        self.max_length = max_length
        self.length = 0
        self.starts_B = starts_B


class RNNLayer(nn.Module):
    """h_t = tanh(W x_t + U h_{t-1} + b)."""

    def __init__(self, width: int, bias: bool) -> None:
        super().__init__()
        self.input_proj = nn.Linear(width, width, bias=bias)
        self.hidden_proj = nn.Linear(width, width, bias=False)

    def forward(self, x_BTC: Tensor, h_BC: Tensor, reset_BT: Tensor | None) -> Tensor:
        """Return every h_t, (B, T, C); where ``reset_BT`` is True the past is forgotten first."""
        inputs_BTC = self.input_proj(x_BTC)
        states = []
        for t in range(x_BTC.shape[1]):
            if reset_BT is not None:
                h_BC = h_BC * ~reset_BT[:, t, None]
            h_BC = torch.tanh(inputs_BTC[:, t] + self.hidden_proj(h_BC))
            states.append(h_BC)
        return torch.stack(states, dim=1)


class RNN(nn.Module):
    """Token ids in, logits out, through stacked recurrent layers; called like ``Transformer``."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        assert config.vocab_size > 0, "config.with_vocabulary(tokenizer.vocab_size) first"
        self.config = config
        self.token_embedding = nn.Embedding(config.vocab_size, config.width)
        self.layers = nn.ModuleList(
            RNNLayer(config.width, config.bias) for _ in range(config.num_layers)
        )
        untied = not config.tie_embeddings
        self.lm_head = nn.Linear(config.width, config.vocab_size, bias=False) if untied else None

    @property
    def dtype(self) -> torch.dtype:
        """The dtype in which the layers compute."""
        return self.get_parameter("layers.0.hidden_proj.weight").dtype

    def forward(
        self,
        inputs_BT: Tensor,
        positions_BT: Tensor | None = None,
        document_ids_BT: Tensor | None = None,
        cache: RecurrentState | None = None,
        last_only: bool = False,
    ) -> Tensor:
        """Return logits (B, T, V), or (B, 1, V) for the last token alone."""
        x_BTC = self.hidden(inputs_BT, positions_BT, document_ids_BT, cache)
        return self.head(x_BTC[:, -1:] if last_only else x_BTC)

    def hidden(
        self,
        inputs_BT: Tensor,
        positions_BT: Tensor | None = None,  # noqa: ARG002 - order is all a recurrence knows
        document_ids_BT: Tensor | None = None,
        cache: RecurrentState | None = None,
    ) -> Tensor:
        """Return the last layer's states (B, T, C); a new document starts from an empty past."""
        B, T = inputs_BT.shape
        reset_BT = None
        if document_ids_BT is not None:
            reset_BT = document_ids_BT != document_ids_BT.roll(1, dims=1)
            reset_BT[:, 0] = True
        if cache is not None and cache.starts_B is not None:
            slots_T = torch.arange(cache.length, cache.length + T, device=inputs_BT.device)
            # Left padding is read too; forgetting it where the text begins makes it harmless.
            reset_BT = slots_T[None] == cache.starts_B[:, None]
        x_BTC = self.token_embedding(inputs_BT).to(self.dtype)
        for number, layer in enumerate(self.layers):
            known = cache is not None and len(cache.hidden) > number
            h_BC = cache.hidden[number] if known else None  # type: ignore[union-attr]
            if h_BC is None:
                h_BC = x_BTC.new_zeros(B, self.config.width)
            x_BTC = drop(layer(x_BTC, h_BC, reset_BT), self.config.dropout, self.training)
            if cache is not None:
                cache.hidden[number : number + 1] = [x_BTC[:, -1]]
        if cache is not None:
            cache.length += T
        return x_BTC

    def head(self, x_BTC: Tensor) -> Tensor:
        """Return logits (..., V) of hidden states (..., C)."""
        return F.linear(x_BTC, self.head_weight.to(x_BTC.dtype))

    @property
    def head_weight(self) -> Tensor:
        """The output matrix (V, C): the token embedding where they are tied."""
        return self.token_embedding.weight if self.lm_head is None else self.lm_head.weight

    def new_cache(
        self,
        batch_size: int,  # noqa: ARG002 - the state takes its size from the first input
        max_length: int,
        starts_B: Tensor | None = None,
    ) -> RecurrentState:
        """Return an empty past."""
        return RecurrentState(max_length, starts_B)
