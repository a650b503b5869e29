"""Peak memory of making a corpus of many gigabytes: filters and near-duplicates, all processes.

    python benchmarks/corpus_memory.py [--data ../shared/data] [--gigabytes 2] [--workers 2]

JSON lines are written to a temporary folder (--folder says where; it needs three times their size):
documents of sentences that are drawn anew from the shared books and stories, with one near-copy
in a hundred. ``build_corpus`` then runs in a process of its own. Memory is the proportional set
size of that process and all below it, looked at four times a second: what would be free without
them. Exits with 1 if the peak is over LIMIT_BYTES.
"""

import argparse
import json
import lzma
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

LIMIT_BYTES = 1e9
"""What 10 GB may take, all processes together."""

FILES = ("childrens-books", "fairytales", "synthetic-stories", "classic-books-1")

RUN = """
import sys
from pathlib import Path
from groundup.corpus import CorpusConfig, build_corpus
build_corpus(CorpusConfig.model_validate_json(sys.argv[1]), Path(sys.argv[2]))
"""


def sentences(data: Path) -> list[str]:
    """Return the sentences of the shared books."""
    found: set[str] = set()
    for name in FILES:
        with lzma.open(data / "text" / f"{name}.jsonl.xz", "rt", encoding="utf-8") as file:
            for line in file:
                text = " ".join(json.loads(line)["text"].split())
                found.update(s for s in re.split(r"(?<=[.!?]) ", text) if 40 < len(s) < 400)
    return sorted(found)


def documents(pool: list[str], num_bytes: float) -> Iterator[str]:
    """Yield about ``num_bytes`` of text in documents of 10 to 60 sentences."""
    draw = random.Random(0)
    last: list[str] = []
    while num_bytes > 0:
        if last and draw.random() < 0.01:
            last = [*last[:-1], draw.choice(pool)]
        else:
            last = draw.choices(pool, k=draw.randint(10, 60))
        text = "\n".join(" ".join(last[i : i + 5]) for i in range(0, len(last), 5))
        num_bytes -= len(text)
        yield text


def write_files(folder: Path, pool: list[str], num_bytes: float, file_bytes: float) -> int:
    """Write the documents to files of ``file_bytes``; return the bytes of all files."""
    folder.mkdir()
    file, left, number = None, 0.0, 0
    for text in documents(pool, num_bytes):
        if left <= 0:
            if file is not None:
                file.close()
            file = (folder / f"{number:04d}.jsonl").open("w", encoding="utf-8")
            left, number = file_bytes, number + 1
        assert file is not None
        left -= file.write(json.dumps({"text": text}, ensure_ascii=False) + "\n")
    assert file is not None
    file.close()
    return sum(path.stat().st_size for path in folder.iterdir())


def memory(root: int) -> dict[int, int]:
    """Return the proportional set size of a process and all below it, in bytes."""
    parents = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            fields = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents[int(process.name)] = int(fields[1])
    family = {root}
    while grown := {p for p, parent in parents.items() if parent in family} - family:
        family |= grown
    sizes = {}
    for number in family:
        try:
            lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        sizes[number] = sum(int(s.split()[1]) << 10 for s in lines if s.startswith("Pss:"))
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("GROUNDUP_SHARED", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default), help="the shared data folder")
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--file-megabytes", type=float, default=256)
    parser.add_argument("--workers", type=int, default=0, help="0: one for each core")
    parser.add_argument("--folder", type=Path, help="where the temporary folder is made")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        place = Path(temporary)
        num_bytes = write_files(
            place / "text",
            sentences(arguments.data),
            arguments.gigabytes * 1e9,
            arguments.file_megabytes * 1e6,
        )
        config = {
            "sources": [str(place / "text")],
            "filters": {"rules": ["gopher_quality", "gopher_repetition", "fineweb"]},
            "dedup": {"near_duplicates": "drop"},
            "workers": arguments.workers,
        }
        (place / "corpus").mkdir()
        command = [sys.executable, "-c", RUN, json.dumps(config), str(place / "corpus")]
        begin = time.perf_counter()
        process = subprocess.Popen(command)
        peak, of_main = 0, 0
        phases: dict[str, int] = {}
        while process.poll() is None:
            sizes = memory(process.pid)
            total = sum(sizes.values())
            of_main = max(of_main, sizes.get(process.pid, 0))
            phase = "with workers" if len(sizes) > 1 else "alone"
            phases[phase] = max(phases.get(phase, 0), total)
            peak = max(peak, total)
            time.sleep(0.25)
        seconds = time.perf_counter() - begin
        if process.returncode:
            sys.exit(process.returncode)
        result = json.loads((place / "corpus" / "corpus.json").read_text())["result"]
    met = sum(flows["read"]["in"][0] for flows in result["funnel"].values())
    print(f"{num_bytes / 1e9:.2f} GB in {met:,} documents, {result['documents']:,} kept")
    print(f"{num_bytes / 1e6 / seconds:.1f} MB/s, {seconds:.0f} s")
    print(f"peak {peak / 1e6:,.0f} MB; the main process alone {of_main / 1e6:,.0f} MB")
    for phase, size in phases.items():
        print(f"  {phase}: {size / 1e6:,.0f} MB")
    within = peak <= LIMIT_BYTES
    print(f"groundup is {'within' if within else 'OVER'} the limit of {LIMIT_BYTES / 1e6:,.0f} MB")
    ratios = {"limit / ours": LIMIT_BYTES / peak, "input / ours": num_bytes / peak}
    rounded = {name: round(ratio, 3) for name, ratio in ratios.items()}
    print(json.dumps({"benchmark": "corpus_memory", "ratios": rounded}))
    sys.exit(0 if within else 1)


if __name__ == "__main__":
    main()
