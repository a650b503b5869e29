"""A whole training step: groundup against transformers and a plain PyTorch loop of the same shape.

    python benchmarks/train.py [--shape qwen3 gpt2] [--rounds 12] [--only NAME …]
    python benchmarks/train.py --device cuda [--shape gpt2-124m]

Each contender is a process of its own, because memory settings and thread pools belong to a
process, and all of them take turns: a step of one, then a step of the next, so that a busy minute
of the machine falls on all alike. A step is forward, backward, clipping to norm 1 and AdamW on
float32 weights. Groundup tells glibc to keep the memory it frees; a line in anybody's shell does
the same for the peers, so they are run with it too, in their best setting. Ratios are of median
tokens per second, ours over the peer's. Memory is the peak of each process's resident pages over
the steps (of a GPU's, of what torch allocated), after the warm-up and whatever compiled it. MFU is
the share of the bfloat16 matrix-product rate, which takes its turns with the steps; operations are
counted as in ``groundup.train.flops``, and once more without attention's.
"""

import argparse
import json
import multiprocessing as mp
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from groundup.model import ModelConfig


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


SHAPES = {
    "qwen3": Shape("qwen3", 6, 384, 6, 1024, 4096, 256, 16),
    "gpt2": Shape("gpt2", 6, 384, 6, 1536, 4096, 256, 16),
    "gpt2-124m": Shape("gpt2", 12, 768, 12, 3072, 50304, 1024, 16),
}
DEFAULTS = {"cpu": ["qwen3", "gpt2"], "cuda": ["gpt2-124m"]}
Step = Callable[[Tensor, Tensor], float]


def flops(shape: Shape) -> tuple[int, int]:
    """Return the operations of a step, with and without those of attention's two products."""
    from groundup.model.init import build_on_meta
    from groundup.train.flops import flops_per_token

    model = build_on_meta(model_config(shape))
    tokens = shape.batch_size * shape.context_length
    return tokens * flops_per_token(model, shape.context_length), tokens * flops_per_token(model, 0)


def model_config(shape: Shape) -> "ModelConfig":
    """Return the shape in our words."""
    from groundup.model import ModelConfig

    return ModelConfig(
        architecture=shape.family,
        vocab_size=shape.vocab_size,
        context_length=shape.context_length,
        num_layers=shape.layers,
        width=shape.width,
        num_heads=shape.heads,
        feed_forward_width=shape.feed_forward,
    )


def groundup_step(shape: Shape, dtype: str, compiled: bool, device: torch.device) -> Step:
    """Return our step, as ``groundup.train.fit`` takes it."""
    from groundup import machine
    from groundup.data import Batch
    from groundup.model import build_model
    from groundup.objectives import NextToken
    from groundup.train import TrainConfig
    from groundup.train.compile import compile_objective
    from groundup.train.optimizers import Optimizers, group_parameters
    from groundup.train.precision import Masters
    from groundup.train.step import train_step

    machine.keep_memory()
    model = build_model(model_config(shape), seed=0, device=device).train()
    precision = machine.pick_precision(dtype, device)
    masters = Masters(model, precision)
    config = TrainConfig(optimizer="adamw", learning_rate=3e-4)
    optimizers = Optimizers(group_parameters(model, masters.parameters(), config), config)
    objective = NextToken()

    def batch_of(inputs: Tensor, targets: Tensor) -> Batch:
        return Batch(inputs, targets, torch.ones_like(inputs, dtype=torch.bool))

    if compiled:
        size = (shape.batch_size, shape.context_length)
        ids = torch.zeros(size, dtype=torch.int64, device=device)

        def fail(reason: str) -> None:
            raise RuntimeError(reason)

        objective = compile_objective(objective, model, batch_of(ids, ids), masters, fail)

    def step(inputs: Tensor, targets: Tensor) -> float:
        batch = batch_of(inputs, targets)
        return train_step(
            model,
            objective,
            masters,
            optimizers,
            batch,
            micro_batch_size=0,
            clip_norm=1.0,
            multiplier=1.0,
        ).loss

    return step


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


MAKERS: dict[str, Callable[[Shape, str, bool, torch.device], Step]] = {
    "groundup": groundup_step,
    "transformers": transformers_step,
    "plain": plain_step,
}


def peak_memory(device: torch.device, *, forget: bool = False) -> float:
    """Return the peak of this process's memory in MB (a CPU's on Linux only); forget it first?"""
    if device.type == "cuda":
        if forget:
            torch.cuda.reset_peak_memory_stats()
        return torch.cuda.max_memory_allocated() / 2**20
    if forget:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


@dataclass(frozen=True)
class Contender:
    """Whose step, and how.

    Attributes:
        maker: of MAKERS.
        dtype: float32 or bfloat16.
        compiled: by torch.compile.
        kept: a peer's freed memory stays with its process; ours always does.
    """

    maker: str
    dtype: str
    compiled: bool
    kept: bool = False

    @property
    def name(self) -> str:
        """How the tables call it."""
        way = "compiled" if self.compiled else "eager"
        return f"{self.maker} {self.dtype} {way}{', memory kept' if self.kept else ''}"


def contenders_of(only: list[str], device: torch.device) -> list[Contender]:
    """Return who takes part."""
    found = [
        Contender(maker, dtype, compiled)
        for maker in MAKERS
        for dtype in ("float32", "bfloat16")
        for compiled in (False, True)
    ]
    if device.type == "cpu":
        peers = [maker for maker in MAKERS if maker != "groundup"]
        found += [Contender(maker, "bfloat16", True, kept=True) for maker in peers]
    return [one for one in found if not only or any(part in one.name for part in only)]


def work(pipe: Connection, who: Contender, shape: Shape, device: torch.device) -> None:
    """Take a step each time the pipe asks; answer with its seconds and loss."""
    generator = torch.Generator().manual_seed(1)
    size = (shape.batch_size, shape.context_length + 1)
    ids = torch.randint(shape.vocab_size, size, generator=generator)
    inputs, targets = ids[:, :-1].contiguous().to(device), ids[:, 1:].contiguous().to(device)
    if device.type == "cuda":
        torch.set_float32_matmul_precision("high")  # TF32, for all
    if who.kept:
        from groundup import machine

        machine.keep_memory()
    try:
        step = MAKERS[who.maker](shape, who.dtype, who.compiled, device)
        for _ in range(3):
            loss = step(inputs, targets)
        peak_memory(device, forget=True)
        pipe.send(("ready", loss))
        while pipe.recv() == "step":
            start = time.perf_counter()
            loss = step(inputs, targets)
            pipe.send((time.perf_counter() - start, loss))
        pipe.send(peak_memory(device))
    except Exception as error:  # noqa: BLE001 - a contender that fails is a result
        pipe.send(("failed", f"{type(error).__name__}: {str(error).splitlines()[0]}"))


def measure(
    shape: Shape, rounds: int, only: list[str], device: torch.device
) -> tuple[dict[str, dict[str, Any]], float]:
    """Let all contenders take turns; return times, losses and memory by name, and the peak rate."""
    from groundup import machine

    context = mp.get_context("spawn")
    contenders = {}
    for who in contenders_of(only, device):
        ours, theirs = context.Pipe()
        process = context.Process(target=work, args=(theirs, who, shape, device), daemon=True)
        process.start()
        state, detail = ours.recv()  # one at a time, so that compilers do not compete
        print(f"  {who.name}: {state}, loss {detail}", flush=True)
        if state == "ready":
            contenders[who.name] = (ours, process)
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    losses: dict[str, float] = {}
    rates = []
    for _ in range(rounds):
        rates.append(machine.peak_flops(torch.bfloat16, device))
        for name, (pipe, _) in contenders.items():
            pipe.send("step")
            taken, losses[name] = pipe.recv()
            seconds[name].append(taken)
    peaks = {}
    for name, (pipe, process) in contenders.items():
        pipe.send("stop")
        peaks[name] = pipe.recv()
        process.join()
    results = {
        name: {"seconds": statistics.median(times), "loss": losses[name], "peak": peaks[name]}
        for name, times in seconds.items()
    }
    return results, statistics.median(rates)


def main() -> None:
    """Run every shape asked for and print ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--shape", choices=SHAPES, nargs="*", help="by default those of the device")
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--only", nargs="*", default=[], help="parts of contenders' names")
    options = parser.parse_args()
    # Ours by default; given to all, so that a busy core costs each contender the same.
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    ratios: dict[str, float] = {}
    device = torch.device(options.device)
    for key in options.shape or DEFAULTS[options.device]:
        shape = SHAPES[key]
        print(f"{key}: {shape}", flush=True)
        results, rate = measure(shape, options.rounds, options.only, device)
        tokens = shape.batch_size * shape.context_length
        print(f"  bfloat16 products: {rate / 1e12:.2f} TFLOP/s", flush=True)
        for name, result in results.items():
            speed = f"{tokens / result['seconds']:8.0f} tokens/s"
            whole, without = (count / result["seconds"] / rate for count in flops(shape))
            print(
                f"  {name:45} {speed}, peak {result['peak']:6.0f} MB, "
                f"MFU {whole:.1%} ({without:.1%} without attention)",
                flush=True,
            )
            ratios[f"{key}: MFU of {name}"] = round(whole, 3)
        for ours in (name for name in results if name.startswith("groundup")):
            for peer in (name for name in results if not name.startswith("groundup")):
                ratio = results[peer]["seconds"] / results[ours]["seconds"]
                ratios[f"{key}: {ours} / {peer}"] = round(ratio, 2)
                memory = results[ours]["peak"] / results[peer]["peak"]
                ratios[f"{key}: memory of {ours} / {peer}"] = round(memory, 2)
    print(json.dumps({"benchmark": "train", "ratios": ratios}))


if __name__ == "__main__":
    main()
