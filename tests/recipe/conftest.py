"""A corpus of a few kilobytes and a recipe that trains on it in a second."""

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

RECIPE = """
[corpus]
sources = ["text"]
[tokenizer]
vocab_size = 300
[model]
context_length = 32
num_layers = 1
width = 32
num_heads = 2
[pretrain]
max_steps = 12
batch_size = 4
warmup_steps = 2
precision = "float32"
compile = "off"
tensorboard = "off"
eval_every = 6
sample_every = 0
checkpoint_every = 4
threads = 1
[evaluate]
tasks = ["bits_per_byte", "python_syntax"]
num_samples = 3
sample_tokens = 10
"""


def write_corpus(folder: Path) -> None:
    draw = random.Random(0)
    words = ["def", "return", "alpha", "beta", "gamma", "=", "(x)", ":", "1"]
    (folder / "text").mkdir()
    for number in range(25):
        lines = [" ".join(draw.choices(words, k=8)) for _ in range(20)]
        (folder / "text" / f"{number}.txt").write_text("\n".join(lines))


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """The working folder: ``tiny.toml`` and its corpus, ``text/``."""
    write_corpus(tmp_path)
    (tmp_path / "tiny.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("groundup.machine.peak_flops", lambda *_: 1e12)  # half a second less
    return tmp_path


@pytest.fixture
def start(place) -> Callable[..., "subprocess.Popen[str]"]:
    """Start ``groundup …`` in a process of its own."""

    def start(*arguments: str, **options) -> "subprocess.Popen[str]":
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "groundup", *arguments],
            cwd=place,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    return start
