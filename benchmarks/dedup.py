"""Near-duplicates: groundup's MinHash against its peers', and a whole deduplication.

    python benchmarks/dedup.py [--data ../shared/data] [--rounds 5] [--documents 2000]
        [--whole 200000] [--clusters 4000000]

All contenders take turns in one process, so that a busy minute falls on all alike, and do the same
work: from the same texts to signatures of 112 values over 5-grams of lower-case words. datasketch
and rensa take shingles, which are made in the shortest Python; how fast they are where shingles are
there already is shown apart. datatrove runs its own step, which also writes to disk, with xxhash if
that is installed, else SHA-1: with its own tokenizer, spaCy's for English, if that is installed,
and with words cut at spaces, in its favour.

The whole deduplication (sign batch by batch, save, open, cluster, choose) runs in a process of its
own, whose memory is measured; copies with a few words changed are planted, one document in five.
"""

import argparse
import gzip
import json
import lzma
import os
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from random import Random

import numpy as np

from groundup.corpus.dedup import LinesConfig, MinHashConfig
from groundup.corpus.dedup.clusters import near_duplicates
from groundup.corpus.dedup.keep import keepers
from groundup.corpus.dedup.lines import LineDeduplicator, LineTable, least_count
from groundup.corpus.dedup.minhash import MinHasher
from groundup.corpus.dedup.store import SignatureShard

WORD = re.compile(r"\w+")


def read_texts(folder: Path, count: int) -> list[str]:
    """Return about ``count`` real texts of some kB: stories, and web pages as cleaned for C4."""
    texts = [json.loads(line)["text"] for line in (folder / "text" / "c4-sample.jsonl").open()]
    with lzma.open(folder / "text" / "synthetic-stories.jsonl.xz") as file:
        for line in file:
            texts.append(json.loads(line)["text"])
            if len(texts) >= count:
                break
    return texts[:count]


def shingles(text: str) -> list[str]:
    """Return the set of a text's 5-grams, as a list."""
    words = WORD.findall(text.lower())
    return list({" ".join(words[i : i + 5]) for i in range(len(words) - 4)})


def race(
    contenders: Mapping[str, Callable[[Sequence[str]], object]],
    texts: Mapping[str, Sequence[str]],
    rounds: int,
) -> dict[str, float]:
    """Return each contender's median documents/s on its texts; they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            start = time.perf_counter()
            work(texts[name])
            seconds[name].append(time.perf_counter() - start)
    rates = {}
    for name, times in seconds.items():
        rates[name] = len(texts[name]) / statistics.median(times)
        size = sum(len(text.encode()) for text in texts[name]) / 1e6
        speed = f"{size / statistics.median(times):8.1f} MB/s"
        print(f"  {name:<28}{rates[name]:10,.0f} documents/s{speed}   best {min(times):.3f} s")
    return rates


def race_signatures(texts: list[str], rounds: int) -> dict[str, float]:
    """Return how many times as many documents ours signs in a second, by peer."""
    from datasketch import MinHash
    from rensa import RMinHash

    hasher = MinHasher(MinHashConfig())
    made = {text: shingles(text) for text in texts}

    def sign_datasketch(texts: Sequence[str], cut: Callable[[str], list[str]] = shingles) -> None:
        for text in texts:
            peer = MinHash(num_perm=112, seed=1)
            peer.update_batch([gram.encode() for gram in cut(text)])

    def sign_rensa(texts: Sequence[str], cut: Callable[[str], list[str]] = shingles) -> None:
        for text in texts:
            peer = RMinHash(num_perm=112, seed=1)
            peer.update(cut(text))
            peer.digest()

    contenders: dict[str, Callable[[Sequence[str]], object]] = {
        "groundup": hasher.band_keys,
        "groundup, 2 threads": lambda texts: hasher.band_keys(texts, threads=2),
        "rensa": sign_rensa,
        "datasketch": sign_datasketch,
        "rensa, shingles given": lambda texts: sign_rensa(texts, made.__getitem__),
        "datasketch, shingles given": lambda texts: sign_datasketch(texts, made.__getitem__),
        "datatrove, words at spaces": sign_datatrove,
    }
    if find_spec("spacy"):
        contenders["datatrove"] = lambda texts: sign_datatrove(texts, at_spaces=False)
    few = {"datasketch": 5, "datasketch, shingles given": 5}
    few |= {"datatrove": 20, "datatrove, words at spaces": 20}
    parts = {name: texts[:: few.get(name, 1)] for name in contenders}
    size = sum(len(text.encode()) for text in texts) / 1e6
    print(f"sign {len(texts):,} documents, {size:.1f} MB; slow peers a part of them")
    rates = race(contenders, parts, rounds)
    ratios = {f"sign / {peer}": rates["groundup"] / rates[peer] for peer in list(contenders)[2:]}
    return {"sign 2 threads / 1 thread": rates["groundup, 2 threads"] / rates["groundup"]} | ratios


def sign_datatrove(texts: Sequence[str], at_spaces: bool = True) -> None:
    """Sign with datatrove's own step and FineWeb's settings, but maybe for the tokenizer."""
    from datatrove.data import Document
    from datatrove.pipeline.dedup.minhash import MinhashConfig, MinhashDedupSignature
    from datatrove.utils.hashing import HashConfig
    from datatrove.utils.word_tokenizers import WordTokenizer
    from loguru import logger

    class AtSpaces(WordTokenizer):
        def word_tokenize(self, text: str) -> list[str]:
            return text.split()

        def sent_tokenize(self, text: str) -> list[str]:
            return [text]

        def span_tokenize(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))]

    logger.remove()
    with tempfile.TemporaryDirectory() as folder:
        config = MinhashConfig(hash_config=HashConfig(precision=64, hash_fc="sha1"))
        language = AtSpaces() if at_spaces else "eng"
        step = MinhashDedupSignature(output_folder=folder, config=config, language=language)
        if find_spec("xxhash"):  # from 4 on it refuses the str that datatrove hands it
            from xxhash import xxh64_intdigest

            step._hash_func = lambda text: xxh64_intdigest(text.encode())
        step.run(Document(text=text, id=str(i)) for i, text in enumerate(texts))


def planted(count: int) -> Iterator[list[tuple[str, str]]]:
    """Yield batches of (id, text), 150 words each; one in five is nearly its neighbour."""
    random = Random(3)
    vocabulary = [f"{random.getrandbits(30):x}" for _ in range(20_000)]
    words: list[str] = []
    batch = []
    for number in range(count):
        if number % 5:
            words = random.choices(vocabulary, k=150)
        else:
            words = words[:-2] + random.choices(vocabulary, k=2) if words else ["first"] * 150
        batch.append((f"{random.getrandbits(128):032x}", " ".join(words)))
        if len(batch) == 1_000 or number == count - 1:
            yield batch
            batch = []


def whole(count: int) -> None:
    """Deduplicate ``count`` documents through files, and print how long it took and its memory."""
    hasher = MinHasher(MinHashConfig())
    before = peak()
    signing = 0.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for number, batch in enumerate(planted(count)):
            start = time.perf_counter()
            ids, texts = zip(*batch, strict=True)
            shard = SignatureShard.of(ids, hasher.band_keys(texts))
            shard.save(folder / str(number))
            signing += time.perf_counter() - start
        after_signing = peak()
        start = time.perf_counter()
        shards = [SignatureShard.load(path) for path in sorted(folder.iterdir())]
        labels = near_duplicates(shards)
        stays = keepers(labels, np.concatenate([shard.ids for shard in shards]))
        clustering = time.perf_counter() - start
    expected = (count - 1) // 5
    print(
        f"deduplicate {count:,} documents: sign and save {signing:.1f} s"
        f" ({count / signing:,.0f}/s), cluster and choose {clustering:.2f} s;"
        f" {count - stays.sum():,} dropped of {expected:,} planted; memory above the imports'"
        f" {after_signing - before:.0f} MB signing, {peak() - before:.0f} MB in all"
    )


def cluster(count: int) -> None:
    """Cluster ``count`` documents of random keys, one in five sharing one, and print the memory."""
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "shard")
        keys = generator.integers(1, 2**64, (14, count), np.uint64)
        keys[3, ::5] = keys[3, 1::5][: len(keys[3, ::5])]
        SignatureShard(generator.integers(0, 2**64, (count, 2), np.uint64), keys).save(path)
        del keys
        shard = SignatureShard.load(path)
        near_duplicates([SignatureShard(shard.ids[:9], shard.band_keys[:, :9])])
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = peak()
        start = time.perf_counter()
        labels = near_duplicates([shard])
        seconds = time.perf_counter() - start
        mapped = shard.band_keys.nbytes + shard.ids.nbytes
    print(
        f"cluster {count:,} documents: {seconds:.1f} s; {(labels != np.arange(count)).sum():,} in"
        f" a cluster with an earlier one; peak {peak() - before:.0f} MB above, of it at most"
        f" {mapped / 1e6:.0f} MB are the file's pages, which the system may take back"
    )


def peak() -> float:
    """Return the most memory this process has held, in MB."""
    status = Path("/proc/self/status")
    if status.exists():
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def race_lines(texts: list[str], rounds: int) -> None:
    """Print how fast lines are counted and dropped."""
    config = LinesConfig()
    ids = [f"{number:032x}" for number in range(len(texts))]
    table = LineTable.merge([LineTable.of(texts, ids, config)], at_least=least_count(config))
    rule = LineDeduplicator(table, config)
    contenders: dict[str, Callable[[Sequence[str]], object]] = {
        "count lines": lambda texts: LineTable.of(texts, ids, config),
        "drop lines": lambda texts: rule(texts, ids),
    }
    race(contenders, dict.fromkeys(contenders, texts), rounds)


def race_decontamination(folder: Path, texts: list[str], rounds: int) -> None:
    """Print how fast documents are searched for the items of all benchmarks here."""
    from groundup.corpus.decontaminate import Decontaminator

    benchmarks: dict[str, list[str]] = {}
    for path in sorted((folder / "eval").glob("*.jsonl*")):
        unpack = {".xz": lzma.decompress, ".gz": gzip.decompress}.get(path.suffix, bytes)
        data = unpack(path.read_bytes())
        rows = [json.loads(line) for line in data.split(b"\n") if line]
        benchmarks[path.name.partition(".")[0]] = [
            " ".join(value for value in row.values() if isinstance(value, str)) for row in rows
        ]
    start = time.perf_counter()
    rule = Decontaminator(benchmarks)
    seconds = time.perf_counter() - start
    items = sum(map(len, benchmarks.values()))
    print(f"decontaminate: index of {items:,} items of {len(benchmarks)} files in {seconds:.1f} s")
    race({"decontaminate": rule}, {"decontaminate": texts}, rounds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("GROUNDUP_SHARED", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default), help="the shared data folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--documents", type=int, default=2_000, help="documents that are signed")
    parser.add_argument("--whole", type=int, default=200_000, help="documents to deduplicate")
    parser.add_argument("--clusters", type=int, default=4_000_000, help="documents to cluster")
    parser.add_argument("--only", choices=("whole", "cluster"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.only == "whole":
        whole(arguments.whole)
        return
    if arguments.only == "cluster":
        cluster(arguments.clusters)
        return
    texts = read_texts(arguments.data, arguments.documents)
    ratios = race_signatures(texts, arguments.rounds)
    race_lines(texts, arguments.rounds)
    race_decontamination(arguments.data, texts, arguments.rounds)
    for only in ("whole", "cluster"):
        subprocess.run([sys.executable, __file__, *sys.argv[1:], "--only", only], check=True)
    for name, ratio in ratios.items():
        print(f"{name:<40}{ratio:8.2f}")
    rounded = {name: float(np.round(ratio, 3)) for name, ratio in ratios.items()}
    print(json.dumps({"benchmark": "dedup", "ratios": rounded}))


if __name__ == "__main__":
    main()
