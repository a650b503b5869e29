"""A whole training step with each thread on a part of the batch, against all on each operation.

    python benchmarks/split_batch.py [--rounds 5] [--only 3x192 …]

Two models take turns in one process with the same batch, in bfloat16 with Muon and AdamW; both
eager, and both compiled: ``split_batch = "on"`` and ``"off"``. A ratio is of median tokens per
second, split over not: above 1 splitting is faster. Most of the shapes are the race's.
"""

import argparse
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from os import environ
from typing import Literal

# Compiled anew, before torch reads it: so that the seconds that compiling takes mean something.
environ["TORCHINDUCTOR_CACHE_DIR"] = tempfile.mkdtemp(prefix="split_batch-")

import torch

from groundup import machine
from groundup.data import Batch
from groundup.model import ModelConfig, build_model
from groundup.objectives import NextToken
from groundup.train import Objective, TrainConfig
from groundup.train.compile import compile_objective
from groundup.train.optimizers import Optimizers, group_parameters
from groundup.train.precision import Masters
from groundup.train.step import train_step
from groundup.train.workers import Workers

STEPS = 4
"""That follow each other in a turn and are timed, after one that is not."""


@dataclass(frozen=True)
class Shape:
    """Layers, width and heads; tokens in a sequence and sequences; ids; dropout."""

    layers: int
    width: int
    heads: int
    context_length: int
    batch_size: int
    vocab_size: int
    dropout: float

    @property
    def name(self) -> str:
        """How the table calls it."""
        return f"{self.layers}x{self.width} {self.context_length}x{self.batch_size}"


SHAPES = [
    Shape(3, 192, 3, 512, 8, 2048, 0.0),
    Shape(6, 128, 2, 128, 16, 65, 0.05),
    Shape(3, 256, 4, 512, 8, 2048, 0.05),
    Shape(6, 384, 6, 256, 16, 4096, 0.0),
]


def make_step(
    shape: Shape, split: Literal["on", "off"], compiled: bool
) -> tuple[Callable[[], float], float]:
    """Return what takes a step and returns its seconds; and the seconds that compiling took."""
    device = torch.device("cpu")
    config = ModelConfig(
        num_layers=shape.layers,
        width=shape.width,
        num_heads=shape.heads,
        context_length=shape.context_length,
        vocab_size=shape.vocab_size,
        dropout=shape.dropout,
    )
    model = build_model(config, seed=0).train()
    masters = Masters(model, torch.bfloat16)
    training = TrainConfig(batch_size=shape.batch_size, split_batch=split)
    groups = group_parameters(model, masters.parameters(), training)
    generator = torch.Generator().manual_seed(1)
    size = (shape.batch_size, shape.context_length + 1)
    ids = torch.randint(shape.vocab_size, size, generator=generator)
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
    batch = Batch(inputs, targets, torch.ones_like(inputs, dtype=torch.bool))
    workers = Workers.of_run(training, model, device)
    optimizers = Optimizers(groups, training, masters.dtype, workers)
    plain: Objective = NextToken()
    objective, start = plain, time.perf_counter()
    if compiled:

        def fail(reason: str) -> None:
            raise RuntimeError(reason)

        objective = compile_objective(plain, model, batch, masters, fail, workers)
    compiling = time.perf_counter() - start

    def step() -> float:
        start = time.perf_counter()
        train_step(
            model,
            objective,
            masters,
            optimizers,
            batch,
            micro_batch_size=0,
            clip_norm=1.0,
            multiplier=0.01,
            workers=workers,
        )
        return time.perf_counter() - start

    return step, compiling


def main() -> None:
    """Print a row per shape, eager and compiled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[], help="parts of shapes' names")
    options = parser.parse_args()
    machine.keep_memory()
    ratios: dict[str, float] = {}
    for shape in SHAPES:
        if options.only and not any(part in shape.name for part in options.only):
            continue
        for compiled in (False, True):
            way = "compiled" if compiled else "eager"
            whole, whole_compiling = make_step(shape, "off", compiled)
            split, split_compiling = make_step(shape, "on", compiled)
            seconds: dict[str, list[float]] = {"whole": [], "split": []}
            for _ in range(options.rounds):
                for name, step in (("whole", whole), ("split", split)):
                    step()
                    seconds[name] += [step() for _ in range(STEPS)]
            fast, slow = (statistics.median(seconds[name]) for name in ("split", "whole"))
            ratios[f"{shape.name} {way}"] = round(slow / fast, 2)
            row = f"{shape.name} {way}: {1000 * slow:.0f} ms, split {1000 * fast:.0f} ms"
            if compiled:
                row += f"; compiling {whole_compiling:.0f} s, then {split_compiling:.0f} s"
            print(row, flush=True)
    shutil.rmtree(environ["TORCHINDUCTOR_CACHE_DIR"])
    print(json.dumps({"benchmark": "split_batch", "ratios": ratios}))


if __name__ == "__main__":
    main()
