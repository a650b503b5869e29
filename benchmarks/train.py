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
from torch import Tensor
from train_peers import Shape, Step, plain_step, transformers_step

if TYPE_CHECKING:
    from groundup.model import ModelConfig


SHAPES = {
    "qwen3": Shape("qwen3", 6, 384, 6, 1024, 4096, 256, 16),
    "gpt2": Shape("gpt2", 6, 384, 6, 1536, 4096, 256, 16),
    "gpt2-124m": Shape("gpt2", 12, 768, 12, 3072, 50304, 1024, 16),
}
DEFAULTS = {"cpu": ["qwen3", "gpt2"], "cuda": ["gpt2-124m"]}


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
    from groundup.train.workers import Workers

    machine.keep_memory()
    model = build_model(model_config(shape), seed=0, device=device).train()
    precision = machine.pick_precision(dtype, device)
    masters = Masters(model, precision)
    config = TrainConfig(optimizer="adamw", learning_rate=3e-4)
    workers = Workers.of_run(config, model, device)
    groups = group_parameters(model, masters.parameters(), config)
    optimizers = Optimizers(groups, config, workers=workers)
    objective = NextToken()

    def batch_of(inputs: Tensor, targets: Tensor) -> Batch:
        return Batch(inputs, targets, torch.ones_like(inputs, dtype=torch.bool))

    if compiled:
        size = (shape.batch_size, shape.context_length)
        ids = torch.zeros(size, dtype=torch.int64, device=device)

        def fail(reason: str) -> None:
            raise RuntimeError(reason)

        batch = batch_of(ids, ids)
        objective = compile_objective(objective, model, batch, masters, fail, workers)

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
            workers=workers,
        ).loss

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
