"""One decoder for GPT-2, Llama, Qwen3 and the options between them."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.attention import Attention, AttentionContext, visible
from groundup.model.cache import KVCache
from groundup.model.config import ModelConfig
from groundup.model.dropout import drop
from groundup.model.embedding import BigramTable, Smear, previous_tokens
from groundup.model.feed_forward import FeedForward
from groundup.model.norm import build_norm, rms_norm
from groundup.model.rope import rope_tables


class Block(nn.Module):
    """Attention, then feed-forward, each on a normalized copy and added to the residual stream."""

    def __init__(self, config: ModelConfig, layer: int) -> None:
        super().__init__()
        self.attention_norm = build_norm(config)
        self.attention = Attention(config, layer)
        self.feed_forward_norm = build_norm(config)
        self.feed_forward = FeedForward(config)
        self.x0_mix = nn.Parameter(torch.tensor([1.0, 0.0])) if config.x0_shortcut else None
        self.dropout = config.dropout

    def forward(
        self,
        x_BTC: Tensor,
        x0_BTC: Tensor | None,
        context: AttentionContext,
        first_v_BTKD: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Return the residual stream (B, T, C) and this layer's values (B, T, K, D)."""
        if self.x0_mix is not None and x0_BTC is not None:
            stream, shortcut = self.x0_mix  # float32 numbers, which leave the stream its dtype
            x_BTC = stream * x_BTC + shortcut * x0_BTC
        mixed_BTC, v_BTKD = self.attention(self.attention_norm(x_BTC), context, first_v_BTKD)
        x_BTC = x_BTC + drop(mixed_BTC, self.dropout, self.training)
        fed_BTC = self.feed_forward(self.feed_forward_norm(x_BTC))
        return x_BTC + drop(fed_BTC, self.dropout, self.training), v_BTKD


class Transformer(nn.Module):
    """Token ids in, logits out. ``build_model`` makes one, ``load_model`` reads one."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        assert config.vocab_size > 0, "config.with_vocabulary(tokenizer.vocab_size) first"
        self.config = config
        C, V = config.width, config.vocab_size
        self.token_embedding = nn.Embedding(V, C)
        learned = config.position == "learned"
        self.position_embedding = nn.Embedding(config.context_length, C) if learned else None
        self.smear = Smear(C) if config.smear else None
        rows = config.bigram_table_size
        self.bigram_table = BigramTable(rows, C) if rows else None
        self.blocks = nn.ModuleList(Block(config, layer) for layer in range(config.num_layers))
        self.final_norm = build_norm(config)
        self.lm_head = None if config.tie_embeddings else nn.Linear(C, V, bias=False)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype in which the blocks compute."""
        return self.get_parameter("blocks.0.attention.q_proj.weight").dtype

    def forward(
        self,
        inputs_BT: Tensor,
        positions_BT: Tensor | None = None,
        document_ids_BT: Tensor | None = None,
        cache: KVCache | None = None,
        last_only: bool = False,
    ) -> Tensor:
        """Return logits (B, T, V), or (B, 1, V) for the last token alone.

        Args:
            inputs_BT: token ids.
            positions_BT: position of each token; by default they count from the cache's length.
            document_ids_BT: tokens see only tokens of their own document.
            cache: keys and values of earlier tokens; the new ones are appended.
            last_only: run the head on the last token only, as generation needs.
        """
        x_BTC = self.hidden(inputs_BT, positions_BT, document_ids_BT, cache)
        return self.head(x_BTC[:, -1:] if last_only else x_BTC)

    def hidden(
        self,
        inputs_BT: Tensor,
        positions_BT: Tensor | None = None,
        document_ids_BT: Tensor | None = None,
        cache: KVCache | None = None,
    ) -> Tensor:
        """Return the normalized last hidden states (B, T, C); arguments as in ``forward``."""
        config, T = self.config, inputs_BT.shape[1]
        past = cache.length if cache is not None else 0
        slots_T = torch.arange(past, past + T, device=inputs_BT.device)
        if positions_BT is None:
            positions_BT = slots_T[None]
            if cache is not None and cache.starts_B is not None:
                positions_BT = (positions_BT - cache.starts_B[:, None]).clamp(min=0)
        x_BTC = self._embed(inputs_BT, positions_BT, document_ids_BT, cache)
        x0_BTC = None
        if config.x0_shortcut:
            x0_BTC = x_BTC if config.embedding_norm else rms_norm(x_BTC, None, config.norm_eps)

        rope = None
        if config.position == "rope":
            cos, sin = rope_tables(positions_BT, config.head_width, config.rope_theta)
            rope = cos[:, :, None].to(x_BTC.dtype), sin[:, :, None].to(x_BTC.dtype)
        mask = self._mask(slots_T, document_ids_BT, cache)
        context = AttentionContext(rope, mask, cache, inputs_BT)
        first_v_BTKD = None
        for block in self.blocks:
            x_BTC, v_BTKD = block(x_BTC, x0_BTC, context, first_v_BTKD)
            if config.value_residual and first_v_BTKD is None:
                first_v_BTKD = v_BTKD
        if cache is not None:
            cache.advance(inputs_BT)
        return self.final_norm(x_BTC)

    def _embed(
        self,
        inputs_BT: Tensor,
        positions_BT: Tensor,
        document_ids_BT: Tensor | None,
        cache: KVCache | None,
    ) -> Tensor:
        """Return what enters the first block, (B, T, C)."""
        config = self.config
        x_BTC = self.token_embedding(inputs_BT)
        if self.smear is not None or self.bigram_table is not None:
            previous_BT = previous_tokens(inputs_BT, document_ids_BT, cache)
            if self.smear is not None:
                before_BTC = self.token_embedding(previous_BT.clamp(min=0))
                x_BTC = self.smear(x_BTC, before_BTC, previous_BT)
            if self.bigram_table is not None:
                x_BTC = x_BTC + self.bigram_table(inputs_BT, previous_BT)
        if self.position_embedding is not None:
            x_BTC = x_BTC + self.position_embedding(positions_BT)
        if config.embedding_norm:
            x_BTC = rms_norm(x_BTC, None, config.norm_eps)
        return drop(x_BTC, config.dropout, self.training).to(self.dtype)

    def head(self, x_BTC: Tensor) -> Tensor:
        """Return logits (..., V) of hidden states (..., C)."""
        logits_BTV = F.linear(x_BTC, self.head_weight.to(x_BTC.dtype))
        cap = self.config.logit_soft_cap
        return logits_BTV if cap is None else cap * torch.tanh(logits_BTV / cap)

    @property
    def head_weight(self) -> Tensor:
        """The output matrix (V, C): the token embedding where they are tied."""
        return self.token_embedding.weight if self.lm_head is None else self.lm_head.weight

    def new_cache(
        self, batch_size: int, max_length: int, starts_B: Tensor | None = None
    ) -> KVCache:
        """Return an empty cache in this model's dtype and on its device."""
        device = self.token_embedding.weight.device
        return KVCache(
            self.config, batch_size, max_length, dtype=self.dtype, device=device, starts_B=starts_B
        )

    def _mask(
        self, slots_T: Tensor, document_ids_BT: Tensor | None, cache: KVCache | None
    ) -> Tensor | None:
        """Return True where a query may look, (1 or B, 1, T, S), or None for the whole past."""
        starts_B = cache.starts_B if cache is not None else None
        past = cache.length if cache is not None else 0
        window = self.config.sliding_window
        T = slots_T.shape[0]
        unmasked = window is None and document_ids_BT is None and starts_B is None
        if unmasked and (past == 0 or T == 1):
            return None
        keys_S = torch.arange(past + T, device=slots_T.device)
        mask = visible(slots_T, keys_S, window)[None, None]
        if document_ids_BT is not None:
            assert past == 0, "documents are told apart in training, not while generating"
            mask = mask & (document_ids_BT[:, None, :, None] == document_ids_BT[:, None, None, :])
        if starts_B is not None:
            in_text_BS = keys_S[None] >= starts_B[:, None]
            # A padding query would see nothing and its softmax be NaN: let it see itself.
            itself_TS = slots_T[:, None] == keys_S[None, :]
            mask = (mask & in_text_BS[:, None, None, :]) | itself_TS
        return mask
