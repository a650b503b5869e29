"""Causal attention on a CPU, forward and backward: tiles of plain products or the fused kernel.

    python benchmarks/attention.py [--rounds 9] [--threads 1]

Both routes of ``groundup.model.attention`` take turns in one process. A ratio above 1 means that
tiles are faster; the rule in ``attend`` (``FUSED_FROM``, bfloat16 only) comes from this table.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from groundup import machine
from groundup.model import attention

SHAPES = ((32, 128), (16, 256), (8, 512), (4, 1024), (2, 2048))


def tiles(q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor) -> Tensor:
    """Tiles of plain products."""
    return attention._attend_in_tiles(q_BHTD, k_BHTD, v_BHTD, None, 0.0)


def fused(q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor) -> Tensor:
    """The fused kernel of torch."""
    return F.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, is_causal=True)


def seconds(route: Callable[..., Tensor], inputs: tuple[Tensor, ...]) -> float:
    """Time one forward and backward pass, from (B, T, H, D) and back, as the model calls it."""
    start = time.perf_counter()
    y_BHTD = route(*(x_BTHD.transpose(1, 2) for x_BTHD in inputs))
    y_BTC = y_BHTD.transpose(1, 2).flatten(2)
    torch.autograd.grad(y_BTC, inputs, y_BTC.detach())
    return time.perf_counter() - start


def main() -> None:
    """Print a row per dtype and length."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=0)
    options = parser.parse_args()
    machine.keep_memory()
    machine.set_threads(options.threads)
    ratios = {}
    for dtype in (torch.bfloat16, torch.float32):
        for B, T in SHAPES:
            inputs = tuple(torch.randn(B, T, 4, 64).to(dtype).requires_grad_() for _ in range(3))
            times: dict[str, list[float]] = {"tiles": [], "fused": []}
            for _ in range(options.rounds + 1):
                times["tiles"].append(seconds(tiles, inputs))
                times["fused"].append(seconds(fused, inputs))
            median = {name: statistics.median(values[1:]) for name, values in times.items()}
            ratio = round(median["fused"] / median["tiles"], 2)
            name = str(dtype).removeprefix("torch.")
            ratios[f"{name} T={T}: fused / tiles"] = ratio
            row = ", ".join(f"{route} {value * 1e3:.1f} ms" for route, value in median.items())
            print(f"{name:9} B={B:<3} T={T:<5} {row}, ratio {ratio}", flush=True)
    print(json.dumps({"benchmark": "attention", "ratios": ratios}))


if __name__ == "__main__":
    main()
