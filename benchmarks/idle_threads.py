"""How long an idle OpenMP thread should spin: a training step alone, and beside a busy program.

    python benchmarks/idle_threads.py [--rounds 15]

The same step in processes that differ in ``GOMP_SPINCOUNT`` alone take turns, first on a quiet
machine, then with another process computing on one core. Ratios are of tokens per second over
OpenMP's own default. Needs GNU's OpenMP, as in PyTorch's Linux builds.
"""

import argparse
import json
import multiprocessing as mp
import os
import statistics
from typing import Any

import train  # the script beside this one

SPIN_COUNTS = ("default", "0", "1000", "20000")


def busy() -> None:
    """Keep one core busy."""
    while True:
        sum(range(100_000))


def main() -> None:
    """Print a table and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    options = parser.parse_args()
    context = mp.get_context("spawn")
    contenders: dict[str, Any] = {}
    for count in SPIN_COUNTS:
        os.environ.pop("GOMP_SPINCOUNT", None)
        if count != "default":
            os.environ["GOMP_SPINCOUNT"] = count
        ours, theirs = context.Pipe()
        arguments = (theirs, "groundup", train.SHAPES["qwen3"], "bfloat16", False)
        process = context.Process(target=train.work, args=arguments, daemon=True)
        process.start()
        assert ours.recv()[0] == "ready"
        contenders[count] = ours
    ratios = {}
    for name in ("quiet", "one core busy"):
        other = context.Process(target=busy, daemon=True)
        if name != "quiet":
            other.start()
        times: dict[str, list[float]] = {count: [] for count in SPIN_COUNTS}
        for _ in range(options.rounds):
            for count, pipe in contenders.items():
                pipe.send("step")
                times[count].append(pipe.recv()[0])
        median = {count: statistics.median(values) for count, values in times.items()}
        for count, seconds in median.items():
            ratio = median["default"] / seconds
            print(f"{name:14} GOMP_SPINCOUNT={count:8} {seconds:6.2f} s a step, {ratio:.2f}×")
            ratios[f"{name}: spin {count} / default"] = round(ratio, 2)
        if name != "quiet":
            other.terminate()
    for pipe in contenders.values():
        pipe.send("stop")
        pipe.recv()
    print(json.dumps({"benchmark": "idle_threads", "ratios": ratios}))


if __name__ == "__main__":
    main()
