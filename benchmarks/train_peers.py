"""Whom ``train.py`` compares with: transformers, and a loop that one writes in an afternoon."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Step = Callable[[Tensor, Tensor], float]
"""Takes inputs and targets of shape [batch, time]; returns the loss."""


@dataclass(frozen=True)
class Shape:
    """What every contender trains."""

    family: str
    layers: int
    width: int
    heads: int
    feed_forward: int
    vocab_size: int
    context_length: int
    batch_size: int


def transformers_step(shape: Shape, dtype: str, compiled: bool, device: torch.device) -> Step:
    """Return the step of someone who trains transformers' model as its Trainer does."""
    from transformers import GPT2Config, GPT2LMHeadModel, Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    if shape.family == "gpt2":
        model: nn.Module = GPT2LMHeadModel(
            GPT2Config(
                vocab_size=shape.vocab_size,
                n_positions=shape.context_length,
                n_embd=shape.width,
                n_layer=shape.layers,
                n_head=shape.heads,
                resid_pdrop=0.0,
                embd_pdrop=0.0,
                attn_pdrop=0.0,
            )
        )
    else:
        model = Qwen3ForCausalLM(
            Qwen3Config(
                vocab_size=shape.vocab_size,
                hidden_size=shape.width,
                intermediate_size=shape.feed_forward,
                num_hidden_layers=shape.layers,
                num_attention_heads=shape.heads,
                num_key_value_heads=shape.heads,
                head_dim=shape.width // shape.heads,
                max_position_embeddings=shape.context_length,
                tie_word_embeddings=True,
            )
        )
    model.to(device).train()

    def loss_of(inputs: Tensor, targets: Tensor) -> Tensor:
        logits = model(input_ids=inputs, use_cache=False).logits
        return F.cross_entropy(logits.float().flatten(0, 1), targets.flatten())

    return _peer_step(model, loss_of, dtype, compiled, device)


class PlainBlock(nn.Module):
    """What one writes in an afternoon (nanoGPT's block, with the Llama parts where asked)."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        C = shape.width
        norm = nn.RMSNorm if shape.family == "qwen3" else nn.LayerNorm
        self.gated, self.heads, bias = shape.family == "qwen3", shape.heads, shape.family == "gpt2"
        self.norm1, self.norm2 = norm(C), norm(C)
        self.qkv, self.out = nn.Linear(C, 3 * C, bias=bias), nn.Linear(C, C, bias=bias)
        self.up = nn.Linear(C, shape.feed_forward, bias=bias)
        self.gate = nn.Linear(C, shape.feed_forward, bias=bias) if self.gated else None
        self.down = nn.Linear(shape.feed_forward, C, bias=bias)
        D = C // shape.heads
        self.q_norm, self.k_norm = (nn.RMSNorm(D), nn.RMSNorm(D)) if self.gated else (None, None)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the residual stream."""
        B, T, C = x.shape
        parts = self.qkv(self.norm1(x)).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = parts.unbind(0)
        if self.gated:
            q, k = self.q_norm(q), self.k_norm(k)
            q, k = _rotate(q, cos, sin), _rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(B, T, C))
        x_normed = self.norm2(x)
        up = self.up(x_normed)
        if self.gated:
            return x + self.down(F.silu(self.gate(x_normed)) * up)
        return x + self.down(F.gelu(up, approximate="tanh"))


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), -1).to(x.dtype)


class Plain(nn.Module):
    """A GPT of the same shape, written plainly."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.embed = nn.Embedding(shape.vocab_size, shape.width)
        self.place = nn.Embedding(shape.context_length, shape.width)
        self.blocks = nn.ModuleList(PlainBlock(shape) for _ in range(shape.layers))
        self.learned = shape.family == "gpt2"
        self.norm = nn.LayerNorm(shape.width) if self.learned else nn.RMSNorm(shape.width)
        D = shape.width // shape.heads
        angles = torch.outer(
            torch.arange(shape.context_length), 10_000.0 ** (-torch.arange(0, D, 2) / D)
        )
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        for module in self.modules():
            if isinstance(module, nn.Linear | nn.Embedding):
                nn.init.normal_(module.weight, std=0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Return logits."""
        x = self.embed(ids)
        if self.learned:
            x = x + self.place.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x, self.cos, self.sin)
        return F.linear(self.norm(x), self.embed.weight)


def plain_step(shape: Shape, dtype: str, compiled: bool, device: torch.device) -> Step:
    """Return the step of a plain PyTorch loop."""
    torch.manual_seed(0)
    model = Plain(shape).to(device).train()

    def loss_of(inputs: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(model(inputs).float().flatten(0, 1), targets.flatten())

    return _peer_step(model, loss_of, dtype, compiled, device)


def _peer_step(
    model: nn.Module,
    loss_of: Callable[[Tensor, Tensor], Tensor],
    dtype: str,
    compiled: bool,
    device: torch.device,
) -> Step:
    # transformers' Trainer takes the fused AdamW; a plain loop gets it too.
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, fused=True)
    loss_of = torch.compile(loss_of) if compiled else loss_of

    def step(inputs: Tensor, targets: Tensor) -> float:
        with torch.autocast(device.type, torch.bfloat16, enabled=dtype == "bfloat16"):
            loss = loss_of(inputs, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return loss.item()

    return step
