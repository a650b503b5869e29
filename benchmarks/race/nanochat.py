"""nanochat's model and training, as its master stood in July 2026 (karpathy/nanochat).

After nanochat/gpt.py, nanochat/optim.py (race/nanochat_optimizer.py here) and
scripts/base_train.py, with what came by then: value embeddings with gates, weights for the residual
and for the first layer's input, smear and backout, sharper attention, and Muon with row
equilibration and renormalization. Left out is what does nothing on one CPU (sliding windows, which
its script for a CPU switches off too, a padded vocabulary, several processes), its packing of
documents, for there is one text here, and what is known of one copy alone.

Precision is its own: with NANOCHAT_DTYPE=bfloat16 embeddings and residual are bfloat16, and a
matrix is rounded as it is used; there is no autocast. The loss is inside of what is compiled.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from race.job import Job
from race.loop import train
from race.nanochat_optimizer import Muon, batch_scaling
from race.reading import passes

VALUE_CHANNELS, SMEAR_CHANNELS = 12, 24
"""Of the input: they decide how much of a value embedding, and of the token before, is taken."""

SOFT_CAP = 15.0
SHARPER = 1.2
"""What normed queries and keys are multiplied by."""


def norm(x: Tensor) -> Tensor:
    """RMSNorm without weights."""
    return F.rms_norm(x, (x.shape[-1],))


class Linear(nn.Linear):
    """A float32 matrix that computes in the type of its input."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the product."""
        return F.linear(x, self.weight.to(x.dtype))


class Block(nn.Module):
    """Attention and a feed-forward; what writes to the residual begins at zero."""

    def __init__(self, width: int, heads: int, *, values: bool) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.out = (Linear(width, width) for _ in range(4))
        self.up, self.down = Linear(width, 4 * width), Linear(4 * width, width)
        self.gate = Linear(VALUE_CHANNELS, heads) if values else None
        bound = math.sqrt(3 / width)  # of a uniform distribution with the deviation 1/√width
        for matrix in (self.q, self.k, self.v):
            nn.init.uniform_(matrix.weight, -bound, bound)
        nn.init.uniform_(self.up.weight, -0.4 * bound, 0.4 * bound)
        for matrix in (self.out, self.down):
            nn.init.zeros_(matrix.weight)
        if self.gate is not None:
            nn.init.uniform_(self.gate.weight, 0.0, 0.02)

    def forward(self, x: Tensor, value: Tensor | None, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the residual stream, (B, T, C)."""
        B, T, C = x.shape
        normed = norm(x)
        q, k, v = (part(normed).view(B, T, self.heads, -1) for part in (self.q, self.k, self.v))
        if value is not None and self.gate is not None:
            share = 3 * torch.sigmoid(self.gate(normed[..., :VALUE_CHANNELS]))
            v = v + share[..., None] * value.view(B, T, self.heads, -1)
        q, k = (SHARPER * norm(_rotate(part, cos[:T], sin[:T])) for part in (q, k))
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
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
        dtype = torch.bfloat16 if settings["bfloat16"] else torch.float32
        self.embed, self.head = nn.Embedding(vocab, width), Linear(width, vocab)
        nn.init.normal_(self.embed.weight, std=0.8)
        nn.init.normal_(self.head.weight, std=0.001)
        # Every second layer, the last among them.
        with_values = [
            layer
            for layer in range(layers)
            if settings["value_embeddings"] and layer % 2 == (layers - 1) % 2
        ]
        self.blocks = nn.ModuleList(
            Block(width, heads, values=layer in with_values) for layer in range(layers)
        )
        bound = math.sqrt(3 / width)
        self.values = nn.ModuleDict(
            {str(layer): nn.Embedding(vocab, width) for layer in with_values}
        )
        for table in self.values.values():
            nn.init.uniform_(table.weight, -bound, bound)
        depth = torch.arange(layers) / max(layers - 1, 1)
        self.residual, self.first = (
            nn.Parameter(1.15 - 0.1 * depth),
            nn.Parameter(0.2 - 0.15 * depth),
        )
        self.smear_gate = Linear(SMEAR_CHANNELS, 1)
        nn.init.uniform_(self.smear_gate.weight, 0.0, 0.02)
        self.smear, self.backout = nn.Parameter(torch.zeros(1)), nn.Parameter(torch.full((1,), 0.2))
        for table in (self.embed, *self.values.values()):
            table.to(dtype)
        D = width // heads
        angles = torch.outer(torch.arange(settings["context"]), 1e5 ** (-torch.arange(0, D, 2) / D))
        self.register_buffer("cos", angles.cos().to(dtype))
        self.register_buffer("sin", angles.sin().to(dtype))

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Return logits, (B, T, V) float32."""
        x = norm(self.embed(ids_BT))
        gate = self.smear.to(x.dtype) * torch.sigmoid(self.smear_gate(x[:, 1:, :SMEAR_CHANNELS]))
        x = first = torch.cat((x[:, :1], x[:, 1:] + gate * x[:, :-1]), 1)
        middle = x
        for layer, block in enumerate(self.blocks):
            x = self.residual[layer] * x + self.first[layer] * first
            value = self.values[str(layer)](ids_BT) if str(layer) in self.values else None
            x = block(x, value, self.cos, self.sin)
            if layer == len(self.blocks) // 2:
                middle = x
        x = norm(x - self.backout.to(x.dtype) * middle)
        return SOFT_CAP * torch.tanh(self.head(x).float() / SOFT_CAP)


def make_optimizers(model: GPT, settings: dict[str, Any]) -> tuple[Muon, torch.optim.AdamW]:
    """Return Muon for the blocks' matrices and AdamW for the rest, with nanochat's betas.

    Its AdamW is one that it compiles; torch's fused one computes the same without being compiled.
    """
    width, rate = settings["width"], settings["embedding_rate"]
    scale, decay = 1.0, settings["weight_decay"]
    if settings["scale_by_batch"]:
        tokens = settings["batch"] * settings["context"] * settings["accumulate"]
        scale, decay_scale = batch_scaling(
            model.head.weight.shape[0], width, settings["layers"], tokens
        )
        decay *= decay_scale
    narrow = scale * (width / 768) ** -0.5
    values = [table.weight for table in model.values.values()]
    smear = [model.smear_gate.weight, model.smear, model.backout]
    groups = [  # parameters, rate, betas, weight decay
        ([model.head.weight], settings["head_rate"] * narrow, (0.8, 0.96), 0.01),
        ([model.embed.weight], rate * narrow, (0.8, 0.995), 0.001),
        (values, rate * narrow * 0.5, (0.8, 0.995), 0.01),
        ([model.residual], settings["scalar_rate"] * scale * 0.01, (0.8, 0.95), 0.05),
        ([model.first], settings["scalar_rate"] * scale, (0.96, 0.95), 0.0),
        (smear, 0.2, (0.8, 0.95), 0.0),
    ]
    adamw = torch.optim.AdamW(
        [
            {"params": part, "lr": peak, "betas": betas, "weight_decay": wd}
            for part, peak, betas, wd in groups
            if part
        ],
        eps=1e-10,
        fused=True,
    )
    muon = Muon(
        list(model.blocks.parameters()),
        settings["matrix_rate"] * scale,
        decay,
        bfloat16=settings["bfloat16"],
        compiled=settings["compile"],
    )
    return muon, adamw


def rate_share(progress: float, warmup: float, warmdown: float, final: float) -> float:
    """Return the share of the peak rates: up in a line, level, and down in a line to ``final``."""
    if progress < warmup:
        return (progress + 1e-3) / (warmup + 1e-3)
    left = min((1 - progress) / warmdown, 1.0) if warmdown else 1.0
    return left + (1 - left) * final


def momentum(progress: float, warmup: float, warmdown: float) -> float:
    """Return Muon's momentum: from 0.85 up to 0.97, and to 0.90 as the rates go down."""
    if progress < warmup:
        return 0.85 + 0.12 * progress / warmup
    falling = max(1 - (1 - progress) / warmdown, 0.0) if warmdown else 0.0
    return 0.97 - 0.07 * falling


def run(job: Job) -> None:
    """Train with Muon and AdamW."""
    settings, tokens = job.settings, job.tokens()
    job.start()
    model = GPT(len(tokens.table), settings)
    muon, adamw = make_optimizers(model, settings)
    groups = [*muon.param_groups, *adamw.param_groups]
    peaks, decay = [group["lr"] for group in groups], muon.decay
    warmup, warmdown = settings["warmup"], settings["warmdown"]

    def schedule(progress: float) -> None:
        share = rate_share(progress, warmup, warmdown, settings["final"])
        for group, peak in zip(groups, peaks, strict=True):
            group["lr"] = peak * share
        muon.momentum = momentum(progress, settings["momentum_warmup"], warmdown)
        muon.decay = decay * 0.5 * (1 + math.cos(math.pi * progress))

    starts = passes(len(tokens.train), settings["context"], job.seed)
    train(job, tokens, model, [muon, adamw], schedule, starts=starts)
