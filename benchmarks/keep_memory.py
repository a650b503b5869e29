"""What keeping freed memory is worth: the same training step with and without ``keep_memory``.

    python benchmarks/keep_memory.py [--rounds 8]

Two processes that differ in that call alone take turns. The ratio is of tokens per second, with
over without. Needs glibc.
"""

import argparse
import json
import multiprocessing as mp
import os
import statistics
from multiprocessing.connection import Connection

import train  # the script beside this one

from groundup import machine


def work(pipe: Connection, keep: bool) -> None:
    """Take steps as ``train.work`` does, with glibc told to keep memory or not."""
    if not keep:
        machine.keep_memory = lambda: False
    train.work(pipe, "groundup", train.SHAPES["qwen3"], "bfloat16", False)


def main() -> None:
    """Print the two medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    os.environ.setdefault("GOMP_SPINCOUNT", "1000")
    context = mp.get_context("spawn")
    pipes: dict[bool, Connection] = {}
    for keep in (True, False):
        pipes[keep], theirs = context.Pipe()
        context.Process(target=work, args=(theirs, keep), daemon=True).start()
        assert pipes[keep].recv()[0] == "ready"
    times: dict[bool, list[float]] = {True: [], False: []}
    for _ in range(options.rounds):
        for keep, pipe in pipes.items():
            pipe.send("step")
            times[keep].append(pipe.recv()[0])
    for pipe in pipes.values():
        pipe.send("stop")
        pipe.recv()
    kept, given_back = (statistics.median(times[keep]) for keep in (True, False))
    print(f"kept {kept:.2f} s a step, given back {given_back:.2f} s")
    ratio = round(given_back / kept, 2)
    print(json.dumps({"benchmark": "keep_memory", "ratios": {"kept / given back": ratio}}))


if __name__ == "__main__":
    main()
