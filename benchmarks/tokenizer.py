"""Training a tokenizer and encoding with it: groundup against its peers.

The peers train (rustbpe, tokenizers, sentencepiece) or encode (tiktoken, tokenizers).

    python benchmarks/tokenizer.py [--data ../shared/data] [--rounds 5] [--skip-training]

All contenders take turns in one process, so that a busy minute falls on all alike, and each does
the same work: train on the same texts, or encode them with the same vocabulary (checked: tiktoken
gives the same ids). A ratio is the peer's median time over ours. Encoding by one thread is measured
into lists, which is what the peers' methods give, and into numpy arrays, where both have it. The
first compilation ever is measured in a process of its own with an empty cache. sentencepiece cuts
text by rules of its own, so what it trains is not quite the same.
"""

import argparse
import io
import json
import lzma
import os
import statistics
import string
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

import numpy as np
import rustbpe
import sentencepiece
import tiktoken
import tokenizers

from groundup.cores import available_cores
from groundup.tokenizer import BPETokenizer
from groundup.tokenizer.bpe.patterns import LLAMA3

FILES = (
    "childrens-books",
    "synthetic-stories",
    "synthetic-campfire",
    "fairytales",
    "picture-books",
    "picture-books-india",
    "onestop-english",
    "speeches",
)
SLOW_PEER_BYTES = 6_000_000
"""Text that ``tokenizers`` encodes: its rate does not depend on how much there is."""

FIRST_USE = """
import time
start = time.perf_counter()
from groundup.tokenizer import BPETokenizer
tokenizer = BPETokenizer.train(["some text, 12 words: it's no matter which"] * 9, 270, threads=1)
tokenizer.encode("some text")
print(time.perf_counter() - start)
"""


def read_texts(folder: Path) -> list[str]:
    """Return the texts of FILES, about 65 MB."""
    texts = []
    for name in FILES:
        lines = lzma.decompress((folder / "text" / f"{name}.jsonl.xz").read_bytes()).split(b"\n")
        texts += [json.loads(line)["text"] for line in lines if line]
    return texts


def race(
    contenders: Mapping[str, Callable[[], object]], rounds: int, work_bytes: Mapping[str, int]
) -> dict[str, float]:
    """Return each contender's median MB/s; they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    rates = {}
    for name, times in seconds.items():
        rates[name] = work_bytes[name] / 1e6 / statistics.median(times)
        spread = f"{min(times):.2f} to {max(times):.2f} s"
        print(f"  {name:<34}{statistics.median(times):8.2f} s{rates[name]:9.1f} MB/s   {spread}")
    return rates


def race_training(texts: Sequence[str], vocab_size: int, rounds: int) -> dict[str, float]:
    """Return how many times as fast ours trains, by peer."""

    def ours() -> None:
        BPETokenizer.train(texts, vocab_size, pattern="llama3")

    def train_rustbpe() -> None:
        rustbpe.Tokenizer().train_from_iterator(iter(texts), vocab_size, pattern=LLAMA3)

    def train_tokenizers() -> None:
        tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
        split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(LLAMA3), "isolated")
        byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Sequence([split, byte_level])
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=vocab_size,
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=["<|endoftext|>"],
            show_progress=False,
        )
        tokenizer.train_from_iterator(iter(texts), trainer)

    def train_sentencepiece() -> None:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(line for text in texts for line in text.split("\n") if line),
            model_writer=io.BytesIO(),
            model_type="bpe",
            vocab_size=vocab_size,
            byte_fallback=True,
            num_threads=available_cores(),
            max_sentence_length=1 << 20,
            minloglevel=2,
        )

    contenders = {
        "groundup": ours,
        "rustbpe": train_rustbpe,
        "tokenizers": train_tokenizers,
        "sentencepiece": train_sentencepiece,
    }
    size = sum(len(text.encode()) for text in texts)
    print(f"train a vocabulary of {vocab_size:,} on {size / 1e6:.0f} MB, all cores")
    rates = race(contenders, rounds, dict.fromkeys(contenders, size))
    return {
        f"train {vocab_size} / {peer}": rates["groundup"] / rates[peer]
        for peer in list(contenders)[1:]
    }


def race_encoding(texts: Sequence[str], rounds: int) -> dict[str, float]:
    """Return how many times as fast ours encodes, by peer and kind of result."""
    cores = available_cores()
    ours = BPETokenizer.train(texts, 32_768, pattern="llama3")
    tik = tiktoken.Encoding(
        "peer", pat_str=LLAMA3, mergeable_ranks=ours.tokens, special_tokens=ours.special_tokens
    )
    with tempfile.TemporaryDirectory() as folder:
        ours.save(Path(folder))
        hugging_face = tokenizers.Tokenizer.from_file(f"{folder}/tokenizer.json")
    few: list[str] = []
    for text in texts[:: max(len(texts) // 400, 1)]:
        few.append(text)
        if sum(map(len, few)) > SLOW_PEER_BYTES:
            break
    assert ours.encode_batch(texts) == [tik.encode_ordinary(text) for text in texts]
    assert ours.encode_batch(few) == [hugging_face.encode(text).ids for text in few]
    all_bytes = sum(len(text.encode()) for text in texts)
    few_bytes = sum(len(text.encode()) for text in few)
    single: dict[str, Callable[[], object]] = {
        "groundup, lists": lambda: ours.encode_batch(texts, threads=1),
        "groundup, arrays": lambda: ours.encode_batch_to_numpy(texts, threads=1),
        "tiktoken, lists": lambda: [tik.encode_ordinary(text) for text in texts],
        "tiktoken, arrays": lambda: [tik.encode_to_numpy(text) for text in texts],
        "tokenizers": lambda: [hugging_face.encode_batch_fast([text])[0].ids for text in few],
    }
    sizes = dict.fromkeys(single, all_bytes) | {"tokenizers": few_bytes}
    print(f"encode {all_bytes / 1e6:.0f} MB with a vocabulary of 32,768, one thread")
    rates = race(single, rounds, sizes)
    ratios = {
        "encode lists / tiktoken lists": rates["groundup, lists"] / rates["tiktoken, lists"],
        "encode arrays / tiktoken arrays": rates["groundup, arrays"] / rates["tiktoken, arrays"],
        "encode arrays / tiktoken lists": rates["groundup, arrays"] / rates["tiktoken, lists"],
        "encode lists / tokenizers": rates["groundup, lists"] / rates["tokenizers"],
        "encode arrays / tokenizers": rates["groundup, arrays"] / rates["tokenizers"],
    }
    many: dict[str, Callable[[], object]] = {
        "groundup, one thread": lambda: ours.encode_batch_to_numpy(texts, threads=1),
        f"groundup, {cores} threads": lambda: ours.encode_batch_to_numpy(texts, threads=cores),
        f"tiktoken, {cores} threads": lambda: tik.encode_ordinary_batch(
            list(texts), num_threads=cores
        ),
        f"tokenizers, {cores} threads": lambda: hugging_face.encode_batch_fast(few),
    }
    sizes = dict.fromkeys(many, all_bytes) | {f"tokenizers, {cores} threads": few_bytes}
    print(f"encode {all_bytes / 1e6:.0f} MB into arrays, {cores} threads")
    rates = race(many, rounds, sizes)
    threaded = rates[f"groundup, {cores} threads"]
    ratios[f"encode {cores} threads / 1 thread"] = threaded / rates["groundup, one thread"]
    for peer in ("tiktoken", "tokenizers"):
        name = f"{peer}, {cores} threads"
        ratios[f"encode {cores} threads / {name}"] = threaded / rates[name]
    return ratios | race_new_words(ours, tik, rounds)


def race_new_words(ours: BPETokenizer, tik: tiktoken.Encoding, rounds: int) -> dict[str, float]:
    """Return the ratio for text of words that never come twice, which no table of words knows."""
    letters, base64 = string.ascii_lowercase, string.ascii_letters + string.digits + "+/"
    random = Random(1)
    texts = {
        "random words": [_random_words(random, letters, 4, 14, 2_000) for _ in range(100)],
        "base64": [_random_words(random, base64, 20, 60, 500) for _ in range(100)],
        "hashes": [_random_words(random, string.hexdigits[:16], 32, 32, 600) for _ in range(100)],
    }
    ratios = {}
    for name, words in texts.items():
        assert ours.encode_batch(words) == [tik.encode_ordinary(text) for text in words]

        def fresh(words: Sequence[str] = words) -> None:
            ours._encoder._caches.clear()
            ours.encode_batch_to_numpy(words, threads=1)

        contenders: dict[str, Callable[[], object]] = {
            f"groundup, {name}": fresh,
            f"tiktoken, {name}": lambda words=words: [tik.encode_to_numpy(text) for text in words],
        }
        rates = race(contenders, rounds, dict.fromkeys(contenders, sum(map(len, words))))
        first, second = rates.values()
        ratios[f"encode {name} / tiktoken"] = first / second
    return ratios


def _random_words(random: Random, alphabet: str, shortest: int, longest: int, count: int) -> str:
    sizes = [random.randint(shortest, longest) for _ in range(count)]
    return " ".join("".join(random.choices(alphabet, k=size)) for size in sizes)


def race_short(rounds: int) -> dict[str, float]:
    """Return the ratio for one short text at a time, as a chat or a request would have it."""
    text = "What is the capital of France, and since when? Answer in one sentence, please."
    ours = BPETokenizer.train([text] * 3, 300)
    tik = tiktoken.Encoding(
        "peer", pat_str=LLAMA3, mergeable_ranks=ours.tokens, special_tokens=ours.special_tokens
    )
    contenders: dict[str, Callable[[], object]] = {
        "groundup, 5,000 calls": lambda: [ours.encode(text) for _ in range(5_000)],
        "tiktoken, 5,000 calls": lambda: [tik.encode_ordinary(text) for _ in range(5_000)],
    }
    print(f"encode {len(text)} bytes at a time")
    rates = race(contenders, rounds, dict.fromkeys(contenders, len(text) * 5_000))
    first, second = rates.values()
    return {"encode 80 bytes at a time / tiktoken": first / second}


def compile_seconds() -> dict[str, float]:
    """Return how long the first use takes, with an empty cache of compiled code and a full one."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"NUMBA_CACHE_DIR": cache}
        cold, warm = (
            float(
                subprocess.run(
                    [sys.executable, "-c", FIRST_USE],
                    env=environment,
                    check=True,
                    stdout=subprocess.PIPE,
                ).stdout
            )
            for _ in range(2)
        )
    print(f"first use ever {cold:.1f} s (compiles), from then on {warm:.1f} s (imports included)")
    return {"seconds of the first use ever": cold, "seconds of a first use": warm}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("GROUNDUP_SHARED", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default), help="the shared data folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skip-training", action="store_true")
    arguments = parser.parse_args()
    texts = read_texts(arguments.data)
    BPETokenizer.train(texts[:50], 400).encode("warm")
    ratios: dict[str, float] = {}
    if not arguments.skip_training:
        for vocab_size in (4_096, 32_768):
            ratios |= race_training(texts, vocab_size, arguments.rounds)
    ratios |= race_encoding(texts, arguments.rounds)
    ratios |= race_short(arguments.rounds)
    ratios |= compile_seconds()
    for name, ratio in ratios.items():
        print(f"{name:<50}{ratio:8.2f}")
    rounded = {name: float(np.round(ratio, 3)) for name, ratio in ratios.items()}
    print(json.dumps({"benchmark": "tokenizer", "ratios": rounded}))


if __name__ == "__main__":
    main()
