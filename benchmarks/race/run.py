"""Running one contender as a process, and judging what it left, as nobody's friend.

What torch compiles goes into the heat's own folder, ours too: so all compile cold, every time. But
what groundup compiles by numba stays where it is: where it has been used before, it saves the four
seconds of one core that the kernel of its loss takes (for letters it needs none).
"""

import hashlib
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from groundup import machine
from race.load import Watch, is_disturbed
from race.settings import MODULES, PACKAGES

PATIENCE = 1800.0
"""Seconds a contender may take besides its budget: tokenizing, importing, scoring."""

LONGEST_NAME = 150
"""Letters of a result's name; a file's may have 255."""

KEEP_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": str(1 << 30),
    "MALLOC_TRIM_THRESHOLD_": str((1 << 31) - 1),
    "MALLOC_TOP_PAD_": str(64 << 20),
}
"""glibc's names for what groundup.machine.keep_memory sets. Worth up to 1.4 times the speed, and a
line in anybody's shell: so every tuned rival has it; shipped ones run as shipped."""

HERE = Path(__file__).parents[1]


class Heat(NamedTuple):
    """One contender, on one corpus, for one time, with one seed."""

    contender: str
    kind: str
    corpus: str
    budget: float
    seed: int

    @property
    def name(self) -> str:
        """The name of its result; where changed settings make it long, a hash stands for them.

        Without spaces and quotes: some compilers take neither in a folder's name.
        """
        where = f"{self.corpus}.{self.budget:g}s.seed{self.seed}"
        name = re.sub(r"[^\w.,+=-]", "_", f"{self.contender}-{self.kind}.{where}")
        if len(name) > LONGEST_NAME:
            digest = hashlib.sha256(self.kind.encode()).hexdigest()[:12]
            name = f"{self.contender}-{self.base_kind}+{digest}.{where}"
        return name

    @property
    def base_kind(self) -> str:
        """``shipped`` or ``tuned``, without the settings that were changed."""
        return self.kind.partition("+")[0]


def run_heat(
    heat: Heat,
    settings: dict[str, Any],
    texts: tuple[bytes, bytes],
    *,
    threads: int,
    results: Path,
    work: Path,
    retry: bool = False,
) -> dict[str, Any]:
    """Run a contender, or return the result it has already in the folder ``results``.

    A contender that fails is a result too, which says why. A result with other settings or of other
    texts is none of this heat. With ``retry`` a heat is run again that failed, or from which other
    programs took the cores. The folder ``work`` is for environments and what a contender
    writes.
    """
    path = results / f"{heat.name}.json"
    digests = [hashlib.sha256(text).hexdigest()[:16] for text in texts]
    facts = {"threads": threads, "texts": digests, "settings": settings}
    if path.is_file():
        result = json.loads(path.read_text(encoding="utf-8"))
        as_kept = json.loads(json.dumps(facts))  # where tuples are lists
        same = all(result.get(key) == value for key, value in as_kept.items())
        if same and not (retry and ("error" in result or is_disturbed(result))):
            return result
    folder = work / heat.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for split, text in zip(("train", "validation"), texts, strict=True):
        (folder / f"{split}.txt").write_bytes(text)
    job = {"settings": settings, "budget": heat.budget, "seed": heat.seed, "threads": threads}
    (folder / "job.json").write_text(json.dumps(job), encoding="utf-8")
    result = heat._asdict() | facts | {"machine": machine_facts()}
    try:
        python = environment(heat.contender, work / "environments")
        watch = Watch()
        try:
            _run(python, heat, folder, variables(heat, threads, folder))
        finally:
            result |= watch.facts()
        result |= judge(folder, texts[1])
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        result["error"] = f"{type(error).__name__}: {error}"
    partial = path.with_suffix(".partial")
    partial.write_text(readable(result), encoding="utf-8")
    partial.replace(path)
    shutil.rmtree(folder, ignore_errors=True)
    return result


def readable(result: dict[str, Any]) -> str:
    """Return a result as JSON with a line for each fact and each point of its curve."""
    curve = ",\n  ".join(json.dumps(point) for point in result.get("curve", []))
    facts = [f'"{key}": {json.dumps(value)}' for key, value in result.items() if key != "curve"]
    if curve:
        facts.append(f'"curve": [\n  {curve}\n ]')
    return "{\n " + ",\n ".join(facts) + "\n}\n"


def machine_facts() -> dict[str, str | int]:
    """Return on what a heat is run, and from which commit of groundup."""
    facts = machine.describe()
    command = ["git", "-C", str(HERE), "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    known = {key: facts[key] for key in ("cpu", "cores", "system", "python", "torch", "groundup")}
    return known | ({"commit": done.stdout.strip()} if done.returncode == 0 else {})


def variables(heat: Heat, threads: int, folder: Path) -> dict[str, str]:
    """Return a contender's environment."""
    paths = [str(HERE), *([str(HERE.parent)] if heat.contender == "groundup" else [])]
    rival = heat.contender != "groundup"  # which asks for it itself
    kept = KEEP_MEMORY if rival and heat.base_kind == "tuned" else {}
    return (
        os.environ
        | kept
        | {
            "PYTHONPATH": os.pathsep.join(paths),
            "OMP_NUM_THREADS": str(threads),
            "MKL_NUM_THREADS": str(threads),
            "TORCHINDUCTOR_CACHE_DIR": str(folder.resolve() / "compiled"),
        }
    )


def _run(python: str, heat: Heat, folder: Path, environ: dict[str, str]) -> None:
    module = MODULES.get(heat.contender, heat.contender)
    done = subprocess.run(
        [python, "-m", "race.worker", module, str(folder)],
        env=environ,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=heat.budget + PATIENCE,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"exit status {done.returncode}\n{done.stdout[-3000:]}")


def environment(contender: str, folder: Path) -> str:
    """Return the Python of a contender; its environment is made at the first call.

    Raises:
        ValueError: it cannot be installed.
    """
    if contender not in PACKAGES:
        return sys.executable
    home = folder / contender
    python, ready = home / "bin" / "python", home / "ready"
    wanted = "\n".join(PACKAGES[contender])
    if not ready.is_file() or ready.read_text(encoding="utf-8") != wanted:
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        command = [str(python), "-m", "pip", "install", "--quiet", *PACKAGES[contender]]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise ValueError(f"cannot be installed: {done.stderr[-2000:]}")
        ready.write_text(wanted, encoding="utf-8")
    return str(python)


def judge(folder: Path, validation: bytes) -> dict[str, Any]:
    """Return a contender's score and curve.

    Raises:
        ValueError: its ids are not the validation text, or its nats are no lengths of a code.
    """
    facts = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    table = [bytes.fromhex(token) for token in facts.pop("table")]
    with np.load(folder / "score.npz") as found:
        ids, nats = found["ids"], found["nats"]
    if len(ids) != len(nats) or b"".join(table[number] for number in ids) != validation:
        raise ValueError("the ids that were scored are not those of the validation text")
    if not np.isfinite(nats).all() or (nats < 0).any():
        raise ValueError("a token costs less than nothing, or no number at all")
    total = float(nats.sum())
    curve_file = folder / "curve.jsonl"
    lines = curve_file.read_text(encoding="utf-8").splitlines() if curve_file.is_file() else []
    return facts | {
        "nats": total,
        "bits_per_byte": total / math.log(2) / len(validation),
        "nats_per_character": total / len(validation.decode()),
        "tokens": len(ids),
        "bytes": len(validation),
        "curve": [json.loads(line) for line in lines],
    }
