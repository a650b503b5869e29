"""Peak memory of training a tokenizer on 200 MB of text that is read as it is needed.

    python benchmarks/tokenizer_memory.py [--data ../shared/data] [--megabytes 200] [--vocab 32768]

The texts are those of ``benchmarks/tokenizer.py``, taken again with their words in another order
until there are enough. Each contender trains in a process of its own; its peak resident memory is
what the system counted. Ratios are the peer's peak over ours.
"""

import argparse
import json
import lzma
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tokenizer import FILES  # the benchmark beside this one


def texts(folder: Path, num_bytes: int) -> Iterator[str]:
    """Yield about ``num_bytes`` of text, a story or book at a time."""
    seed = 0
    while True:
        shuffle = random.Random(seed).shuffle
        for name in FILES:
            with lzma.open(folder / "text" / f"{name}.jsonl.xz") as file:
                for line in file:
                    text = json.loads(line)["text"]
                    if seed:
                        words = text.split(" ")
                        shuffle(words)
                        text = " ".join(words)
                    yield text
                    num_bytes -= len(text.encode())
                    if num_bytes <= 0:
                        return
        seed += 1


def train(name: str, folder: Path, num_bytes: int, vocab_size: int) -> None:
    """Train with one contender and print seconds and peak bytes."""
    stream = texts(folder, num_bytes)
    start = time.perf_counter()
    if name == "groundup":
        from groundup.tokenizer import BPETokenizer

        BPETokenizer.train(stream, vocab_size)
    elif name == "rustbpe":
        import rustbpe

        from groundup.tokenizer.bpe.patterns import LLAMA3

        rustbpe.Tokenizer().train_from_iterator(stream, vocab_size, pattern=LLAMA3)
    elif name == "tokenizers":
        import tokenizers

        tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        trainer = tokenizers.trainers.BpeTrainer(vocab_size=vocab_size, show_progress=False)
        tokenizer.train_from_iterator(stream, trainer)
    else:  # reading alone
        for _ in stream:
            pass
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps([seconds, peak]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("GROUNDUP_SHARED", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default), help="the shared data folder")
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--vocab", type=int, default=32_768)
    parser.add_argument("--only", help="train one contender in this process")
    arguments = parser.parse_args()
    if arguments.only:
        train(arguments.only, arguments.data, arguments.megabytes * 10**6, arguments.vocab)
        return
    peaks = {}
    for name in ("reading alone", "groundup", "rustbpe", "tokenizers"):
        child = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--only", name],
            check=True,
            stdout=subprocess.PIPE,
        )
        seconds, peaks[name] = json.loads(child.stdout.splitlines()[-1])
        print(f"{name:<15}{peaks[name] / 1e6:8.0f} MB{seconds:8.1f} s with reading")
    ratios = {f"peak of {name}": peaks[name] / peaks["groundup"] for name in peaks}
    ratios["groundup in MB"] = peaks.pop("groundup") / 1e6
    print(json.dumps({"benchmark": "tokenizer_memory", "ratios": ratios}))


if __name__ == "__main__":
    main()
