"""nanochat's model and training (karpathy/nanochat, nanochat/gpt.py and scripts/base_train.py).

Rotary positions, QK norm, squared ReLU, norms without weights, an untied head under a soft cap,
Muon for matrices and AdamW for the rest, constant then falling in a line to zero. Of its later
parts: a weight for the residual and the first layer's input at each block, and value embeddings.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from race.job import Job
from race.loop import train

GATE = 32
"""Channels that decide how much of a value embedding is taken."""


def norm(x: Tensor) -> Tensor:
    """RMSNorm without weights."""
    return F.rms_norm(x, (x.shape[-1],))


class Block(nn.Module):
    """Attention and a feed-forward; what writes to the residual begins at zero."""

    def __init__(self, width: int, heads: int, *, values: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        self.value = nn.Embedding(values, width) if values else None
        self.gate = nn.Linear(GATE, heads, bias=False) if values else None
        bound = (3 / width) ** 0.5  # of a uniform distribution with the deviation 1/√width
        for matrix in (self.q, self.k, self.v, self.up):
            nn.init.uniform_(matrix.weight, -bound, bound)
        for matrix in (self.out, self.down):
            nn.init.zeros_(matrix.weight)
        if self.value is not None and self.gate is not None:
            nn.init.uniform_(self.value.weight, -bound, bound)
            nn.init.zeros_(self.gate.weight)

    def forward(self, x: Tensor, ids: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the residual stream, (B, T, C)."""
        B, T, C = x.shape
        normed = norm(x)
        q, k, v = (part(normed).view(B, T, self.heads, -1) for part in (self.q, self.k, self.v))
        if self.value is not None and self.gate is not None:
            share = 2 * torch.sigmoid(self.gate(normed[..., :GATE]))
            v = v + share[..., None] * self.value(ids).view(B, T, self.heads, -1).to(v.dtype)
        q, k = (norm(_rotate(part, cos[:T], sin[:T])) for part in (q, k))
        q, k, v = (part.to(v.dtype).transpose(1, 2) for part in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(y.transpose(1, 2).reshape(B, T, C))
        return x + self.down(F.relu(self.up(norm(x))).square())


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    cos, sin = cos[:, None], sin[:, None]
    return torch.cat((a * cos + b * sin, b * cos - a * sin), -1)


class GPT(nn.Module):
    """The whole of it."""

    def __init__(self, vocab: int, settings: dict[str, Any]) -> None:
        super().__init__()
        layers, width, heads = (settings[key] for key in ("layers", "width", "heads"))
        self.cap = settings["soft_cap"]
        self.embed, self.head = nn.Embedding(vocab, width), nn.Linear(width, vocab, bias=False)
        nn.init.normal_(self.embed.weight)
        nn.init.normal_(self.head.weight, std=0.001)
        with_values = settings["value_embeddings"]
        self.blocks = nn.ModuleList(
            Block(width, heads, values=vocab if with_values and layer % 2 == 1 else 0)
            for layer in range(layers)
        )
        self.lambdas = None
        if settings["lambdas"]:
            self.lambdas = nn.Parameter(torch.tensor([[1.0, 0.1]] * layers))
        D = width // heads
        angles = torch.outer(torch.arange(settings["context"]), 1e4 ** (-torch.arange(0, D, 2) / D))
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Return logits, (B, T, V)."""
        x = first = norm(self.embed(ids_BT))
        for layer, block in enumerate(self.blocks):
            if self.lambdas is not None:
                x = self.lambdas[layer, 0] * x + self.lambdas[layer, 1] * first
            x = block(x, ids_BT, self.cos, self.sin)
        return self.cap * torch.tanh(self.head(norm(x)).float() / self.cap)


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal by Newton–Schulz steps in bfloat16, equal shapes at once."""

    def __init__(self, matrices: list[Tensor], lr: float) -> None:
        shapes = sorted({tuple(matrix.shape) for matrix in matrices})
        groups = [[matrix for matrix in matrices if matrix.shape == shape] for shape in shapes]
        super().__init__([{"params": group} for group in groups], {"lr": lr})
        self.steps = 0

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Take a step; momentum rises from 0.85 to 0.95 over the first 300."""
        momentum = 0.85 + 0.1 * min(self.steps / 300, 1)
        self.steps += 1
        for group in self.param_groups:
            gradients = torch.stack([parameter.grad for parameter in group["params"]])
            buffer = self.state[group["params"][0]].setdefault("m", torch.zeros_like(gradients))
            buffer.lerp_(gradients, 1 - momentum)
            update = _orthogonal(gradients.lerp_(buffer, momentum))
            rows, columns = update.shape[-2:]
            rate = group["lr"] * max(1, rows / columns) ** 0.5
            for parameter, change in zip(group["params"], update, strict=True):
                parameter.add_(change, alpha=-rate)


def _orthogonal(g: Tensor) -> Tensor:
    x = g.bfloat16()
    wide = x.shape[-2] <= x.shape[-1]
    x = x if wide else x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return (x if wide else x.mT).float()


def run(job: Job) -> None:
    """Train with Muon and AdamW; rates of the latter fall with the root of the width."""
    settings, tokens = job.settings, job.tokens()
    job.start()
    model = GPT(len(tokens.table), settings)
    scale = (settings["width"] / 768) ** -0.5
    matrices = [p for name, p in model.blocks.named_parameters() if "value" not in name]
    embeddings = [model.embed.weight, *(b.value.weight for b in model.blocks if b.value)]
    groups = [
        {"params": [model.head.weight], "lr": settings["head_rate"] * scale},
        {"params": embeddings, "lr": settings["embedding_rate"] * scale},
    ]
    if model.lambdas is not None:
        groups.append({"params": [model.lambdas], "lr": settings["lambda_rate"]})
    adamw = torch.optim.AdamW(groups, betas=(0.8, 0.95), eps=1e-10, weight_decay=0.0, fused=True)
    muon = Muon(matrices, settings["matrix_rate"])
    warmdown = settings["warmdown"]
    train(job, tokens, model, [muon, adamw], lambda share: min(1.0, (1 - share) / warmdown))
