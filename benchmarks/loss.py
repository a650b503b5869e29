"""Head and cross-entropy, forward and backward: time and peak memory of one operation and of two.

    python benchmarks/loss.py [--vocabularies 4096 32768] [--rounds 5]

One operation is ``groundup.objectives.linear_cross_entropy``; two are a matrix product and
``F.cross_entropy`` on float32 logits. Memory is the peak of resident pages over what stood before,
each measured in a process of its own (Linux only); for time both take turns in one process. A ratio
is of one operation over two: below 1 it is smaller or faster.
"""

import argparse
import json
import multiprocessing as mp
import statistics
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from groundup import machine
from groundup.objectives.linear_cross_entropy import linear_cross_entropy

NUM_TOKENS, WIDTH = 8 * 512, 384


def written_out(hidden_NC: Tensor, weight_VC: Tensor, targets_N: Tensor) -> Tensor:
    """All logits at once, and in float32 for the loss."""
    logits_NV = F.linear(hidden_NC, weight_VC.to(hidden_NC.dtype)).float()
    return F.cross_entropy(logits_NV, targets_N, reduction="sum", ignore_index=-100)


ROUTES = {"one": linear_cross_entropy, "two": written_out}


def make_inputs(vocab_size: int, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
    """Return hidden states, float32 weights (as of a tied embedding) and targets."""
    generator = torch.Generator().manual_seed(0)
    hidden_NC = torch.randn(NUM_TOKENS, WIDTH, generator=generator).to(dtype).requires_grad_()
    weight_VC = nn.Parameter(torch.randn(vocab_size, WIDTH, generator=generator) * 0.02)
    targets_N = torch.randint(vocab_size, (NUM_TOKENS,), generator=generator)
    return hidden_NC, weight_VC, targets_N


def seconds(route: str, inputs: tuple[Tensor, Tensor, Tensor]) -> float:
    """Time one forward and backward pass."""
    start = time.perf_counter()
    torch.autograd.grad(ROUTES[route](*inputs), inputs[:2])
    return time.perf_counter() - start


def take_turns(inputs: tuple[Tensor, Tensor, Tensor], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each route's passes, after one to warm up."""
    times: dict[str, list[float]] = {route: [] for route in ROUTES}
    for _ in range(rounds + 1):
        for route, values in times.items():
            values.append(seconds(route, inputs))
    return {route: values[1:] for route, values in times.items()}


def resident(field: str) -> int:
    """Return a memory field of this process in bytes: VmRSS now, VmHWM at its peak."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def peak_bytes(route: str, vocab_size: int, dtype: torch.dtype) -> int:
    """Return the peak over what stood before, of the second pass: the first loads libraries."""
    inputs = make_inputs(vocab_size, dtype)
    few = tuple(
        tensor[:64].detach().requires_grad_(tensor.is_floating_point()) for tensor in inputs
    )
    few[2].clamp_(max=63)
    seconds(route, few)  # type: ignore[arg-type]
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # forget the peak so far
    before = resident("VmRSS")
    seconds(route, inputs)
    return resident("VmHWM") - before


def main() -> None:
    """Print a row per dtype and vocabulary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vocabularies", type=int, nargs="*", default=[4096, 8192, 32768])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    machine.keep_memory()  # here alone, as training does; where memory is measured it is given back
    ratios: dict[str, float] = {}
    with mp.get_context("spawn").Pool(1, maxtasksperchild=1) as pool:
        for dtype in (torch.bfloat16, torch.float32):
            for vocab_size in options.vocabularies:
                name = f"{str(dtype).removeprefix('torch.')} V={vocab_size}"
                peak = {
                    route: pool.apply(peak_bytes, (route, vocab_size, dtype)) for route in ROUTES
                }
                times = take_turns(make_inputs(vocab_size, dtype), options.rounds)
                fastest = {route: min(values) for route, values in times.items()}
                turns = [one / two for one, two in zip(times["one"], times["two"], strict=True)]
                ratios[f"{name}: memory"] = round(peak["one"] / peak["two"], 3)
                ratios[f"{name}: fastest"] = round(fastest["one"] / fastest["two"], 3)
                ratios[f"{name}: median of turns"] = round(statistics.median(turns), 3)
                row = ", ".join(
                    f"{route} {fastest[route] * 1e3:.0f} ms {peak[route] / 2**20:.0f} MB"
                    for route in ROUTES
                )
                print(f"{name}: {row}", flush=True)
    print(json.dumps({"benchmark": "loss", "ratios": ratios}))


if __name__ == "__main__":
    main()
