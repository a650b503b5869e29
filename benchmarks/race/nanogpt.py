"""nanoGPT's model and training, as one writes them in an afternoon (karpathy/nanoGPT, model.py)."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from race.job import Job
from race.loop import train
from race.reading import random_starts


class Block(nn.Module):
    """Attention and a feed-forward of four times the width, each behind a LayerNorm."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.norm1, self.norm2 = (nn.LayerNorm(width, bias=False) for _ in range(2))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return the residual stream, (B, T, C)."""
        B, T, C = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        dropout = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=dropout)
        y = self.out(y.transpose(1, 2).reshape(B, T, C))
        x = x + F.dropout(y, self.dropout, self.training)
        y = self.down(F.gelu(self.up(self.norm2(x))))
        return x + F.dropout(y, self.dropout, self.training)


class GPT(nn.Module):
    """Learned positions, a head tied to the embedding, nanoGPT's initial weights."""

    def __init__(
        self, vocab: int, *, context: int, layers: int, width: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.embed, self.place = nn.Embedding(vocab, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm, self.dropout = nn.LayerNorm(width, bias=False), dropout
        for name, parameter in self.named_parameters():
            if parameter.dim() == 2:
                writes = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(parameter, std=0.02 / (math.sqrt(2 * layers) if writes else 1))

    def forward(self, ids_BT: Tensor) -> Tensor:
        """Return logits, (B, T, V)."""
        x = self.embed(ids_BT) + self.place.weight[: ids_BT.shape[1]]
        x = F.dropout(x, self.dropout, self.training)
        for block in self.blocks:
            x = block(x)
        return F.linear(self.norm(x), self.embed.weight)


def run(job: Job) -> None:
    """Train with AdamW: warm-up, then a cosine down to a tenth."""
    settings, tokens = job.settings, job.tokens()
    shape = {key: settings[key] for key in ("context", "layers", "width", "heads", "dropout")}
    job.start()
    model = GPT(len(tokens.table), **shape)
    matrices = [parameter for parameter in model.parameters() if parameter.dim() >= 2]
    vectors = [parameter for parameter in model.parameters() if parameter.dim() < 2]
    optimizer = torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": settings["weight_decay"]},
            {"params": vectors, "weight_decay": 0.0},
        ],
        lr=settings["learning_rate"],
        betas=(0.9, settings["beta2"]),
        fused=settings["fused"],
    )
    warmup, last = settings["warmup"], settings["final"]

    def schedule(progress: float) -> None:
        if progress < warmup:
            share = (progress + 1e-3) / (warmup + 1e-3)
        else:
            falling = (progress - warmup) / (1 - warmup)
            share = last + (1 - last) * 0.5 * (1 + math.cos(math.pi * falling))
        for group in optimizer.param_groups:
            group["lr"] = settings["learning_rate"] * share

    starts = random_starts(len(tokens.train), settings["context"], job.seed)
    autocast = settings["bfloat16"]
    train(job, tokens, model, [optimizer], schedule, starts=starts, autocast=autocast)
