"""Muon and AdamW: ours against torch's, and what of a training step they take.

    OMP_NUM_THREADS=2 python benchmarks/optimizers.py [--rounds 12] [--dtype bfloat16]

All contenders live in this process and take turns, a step of one and then a step of the next, so
that a busy minute of the machine falls on all alike. The model has 6 layers of width 384 with a
feed-forward width of 1024 (10.6 million numbers in matrices) and a step reads 16×256 tokens. Ratios
are of medians, ours over theirs: below 1 is faster.
"""

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from functools import partial

os.environ.setdefault("GOMP_SPINCOUNT", "1000")  # before torch loads: a busy core costs less

import torch
from torch import Tensor

from groundup import machine
from groundup.data import Batch
from groundup.model import ModelConfig, build_model
from groundup.objectives import NextToken
from groundup.train import TrainConfig
from groundup.train.optimizers import Optimizers, ParameterGroup, group_parameters
from groundup.train.precision import Masters

SHAPE = {"num_layers": 6, "width": 384, "num_heads": 6, "feed_forward_width": 1024}
B, T, V = 16, 256, 4096


def copies(groups: list[ParameterGroup], kind: str) -> list[ParameterGroup]:
    """Return the groups of one optimizer with tensors and gradients of their own."""
    found = []
    for group in groups:
        if group.optimizer == kind:
            tensors = {name: random_like(tensor) for name, tensor in group.parameters.items()}
            for tensor in tensors.values():
                tensor.grad = random_like(tensor)
            found.append(
                ParameterGroup(group.name, tensors, kind, group.learning_rate, group.weight_decay)
            )
    return found


def random_like(tensor: Tensor) -> Tensor:
    return torch.randn_like(tensor.detach()) * 0.02


def torch_groups(groups: list[ParameterGroup]) -> list[dict[str, object]]:
    return [
        {
            "params": list(group.parameters.values()),
            "lr": group.learning_rate,
            "weight_decay": group.weight_decay,
        }
        for group in groups
    ]


def contenders(dtype: torch.dtype) -> dict[str, Callable[[], object]]:
    """Return a step of everything that is compared."""
    model = build_model(ModelConfig(vocab_size=V, context_length=T, **SHAPE), seed=0).train()
    masters = Masters(model, dtype)
    config = TrainConfig()
    groups = group_parameters(model, masters.parameters(), config)
    ids = torch.randint(V, (B, T + 1), generator=torch.Generator().manual_seed(0))
    inputs, targets = ids[:, :-1].contiguous(), ids[:, 1:].contiguous()
    batch = Batch(inputs, targets, torch.ones_like(inputs, dtype=torch.bool))

    def forward_and_backward() -> None:
        NextToken()(model, batch).sum.backward()
        masters.collect()
        masters.clear_gradients()

    muon, adamw = (partial(copies, groups, kind) for kind in ("muon", "adamw"))
    everything = [
        ParameterGroup(group.name, group.parameters, "adamw", 3e-3, group.weight_decay)
        for group in groups
    ]
    all_adamw = partial(copies, everything, "adamw")
    express = TrainConfig(muon_coefficients="polar-express", cautious_weight_decay=True)
    return {
        "forward and backward": forward_and_backward,
        "muon": partial(Optimizers(muon(), config, dtype).step, 1.0),
        "muon, polar express, cautious": partial(Optimizers(muon(), express, dtype).step, 1.0),
        "torch muon": torch.optim.Muon(torch_groups(muon()), adjust_lr_fn="original").step,
        "adamw of the rest": partial(Optimizers(adamw(), config).step, 1.0),
        "adamw of all": partial(Optimizers(all_adamw(), config).step, 1.0),
        "torch adamw of all, fused": torch.optim.AdamW(torch_groups(all_adamw()), fused=True).step,
        "torch adamw of all, loop": torch.optim.AdamW(
            torch_groups(all_adamw()), foreach=False
        ).step,
    }


def main() -> None:
    """Measure, print a line each, and ratios as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--dtype", choices=["bfloat16", "float32"], default="bfloat16")
    options = parser.parse_args()
    machine.keep_memory()
    steps = contenders(getattr(torch, options.dtype))
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(options.rounds + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if turn:  # the first warms up
                seconds[name].append(time.perf_counter() - start)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    for name, taken in median.items():
        print(f"{name:32} {taken * 1e3:8.1f} ms  (fastest {min(seconds[name]) * 1e3:.1f})")
    step = median["forward and backward"] + median["muon"] + median["adamw of the rest"]
    ratios = {
        "muon / torch": median["muon"] / median["torch muon"],
        "adamw / torch fused": median["adamw of all"] / median["torch adamw of all, fused"],
        "adamw / torch loop": median["adamw of all"] / median["torch adamw of all, loop"],
        "muon's share of a step": median["muon"] / step,
    }
    rounded = {name: round(ratio, 3) for name, ratio in ratios.items()}
    print(json.dumps({"benchmark": "optimizers", "dtype": options.dtype, "ratios": rounded}))


if __name__ == "__main__":
    main()
