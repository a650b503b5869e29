"""A text of a few kilobytes and a recurrent network that learns it in a fifth of a second."""

import random
from pathlib import Path

import pytest

from groundup.recipe import Recipe, read_recipe

RECIPE = """
[corpus]
sources = ["text"]
[tokenizer]
vocab_size = 280
[model]
architecture = "rnn"
context_length = 16
num_layers = 1
width = 16
[pretrain]
max_steps = 9
batch_size = 4
optimizer = "adamw"
warmup_steps = 1
precision = "float32"
compile = "off"
tensorboard = "off"
eval_every = 0
sample_every = 0
checkpoint_every = 0
threads = 1
"""


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """The working folder: ``tiny.toml`` and its corpus, ``text/``."""
    draw = random.Random(0)
    words = ["def", "return", "alpha", "beta", "gamma", "=", "(x)", ":", "1"]
    (tmp_path / "text").mkdir()
    for number in range(25):
        lines = [" ".join(draw.choices(words, k=8)) for _ in range(8)]
        (tmp_path / "text" / f"{number}.txt").write_text("\n".join(lines))
    (tmp_path / "tiny.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("groundup.machine.peak_flops", lambda *_: 1e12)  # half a second less
    return tmp_path


@pytest.fixture
def recipe(place) -> Recipe:
    return read_recipe(place / "tiny.toml")
