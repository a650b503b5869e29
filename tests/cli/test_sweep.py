"""``groundup sweep``: what is typed, what is printed."""

import random
import tomllib
from pathlib import Path

import pytest

from groundup.cli import main
from groundup.recipe import read_recipe

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
precision = "float32"
compile = "off"
tensorboard = "off"
threads = 1
"""


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    draw = random.Random(0)
    (tmp_path / "text").mkdir()
    for number in range(25):
        (tmp_path / "text" / f"{number}.txt").write_text(" ".join(draw.choices("abcdefgh", k=500)))
    (tmp_path / "tiny.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("groundup.machine.peak_flops", lambda *_: 1e12)
    return tmp_path


def run(*options: str) -> int:
    return main(["sweep", "tiny.toml", *options])


def test_the_best_setting_is_printed_as_toml_that_a_recipe_takes(place, capsys):
    over = ["--over", "pretrain.learning-rate=1e-4,0.01", "--over", "model.width=8,16"]
    assert run(*over, "--seeds", "2", "--budget", "6 steps", "--pretrain.batch-size", "2") == 0
    out = capsys.readouterr().out
    assert "bits/byte" in out
    assert "±" in out
    toml = out[out.index("\n# ") :]
    setting = tomllib.loads(toml)
    assert setting["pretrain"] == {"learning_rate": 0.01}
    assert setting["model"]["width"] in (8, 16)
    assert read_recipe(place / "tiny.toml", setting).pretrain.learning_rate == 0.01
    best = Path(out.split("best:")[1].split()[0])
    assert read_recipe(best / "recipe.toml").pretrain.batch_size == 2


def test_a_sweep_of_nothing_but_failures_says_why_and_is_no_success(place, capsys):
    assert run("--over", "pretrain.learning_rate=1e29,1e30") == 1
    out = capsys.readouterr().out
    assert "failed: learning_rate = 1e+30, seed 1337: step " in out
    assert "best:" not in out


def test_a_dry_run_prints_the_trials_and_runs_nothing(place, capsys):
    over = ["--over", "pretrain.learning_rate=1e-3..1e-1 log", "--samples", "9", "--seed", "0"]
    assert run(*over, "--rungs", "3", "--budget", "2 min", "--dry-run") == 0
    out = capsys.readouterr().out
    assert "13 trainings in 3 rungs, about 6 min" in out  # 9 × 13.3 s + 3 × 40 s + 120 s
    assert out.count("13.333 s") == 9
    assert "the best 3" in out
    assert not Path("runs").exists()
    assert run("--over", "pretrain.batch_size=2,4", "--budget", "2 epochs", "--dry-run") == 0
    assert "known once the text is tokenized" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "nothing to sweep over; --over pretrain.learning_rate=0.01,0.03"),
        (["--over", "pretrain.learning_rate"], "should be KEY=VALUE"),
        (["--over", "pretrain.learning_rat=1,2"], "did you mean learning_rate?"),
        (["--over", "pretrain.max_steps=2,3", "--budget", "9 s"], "--budget has no effect where"),
        (["--over", "model.width=2,3", "--budget", "9 s", "--pretrain.max-steps", "2"], "both say"),
        (["--over", "model.width=2,3", "--budget", "soon"], "no duration"),
        (["--ovr", "model.width=2,3"], "did you mean --over?"),
        (["--over", "model.width=2,3", "--metric", "luck"], "luck"),
    ],
)
def test_a_mistake_is_one_line(place, capsys, options, message):
    assert run(*options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not Path("runs").exists()


def test_the_recipe_comes_first(capsys):
    assert main(["sweep", "--over", "model.width=2,3"]) == 2
    assert "which recipe?" in capsys.readouterr().err
    assert main(["sweep", "--help"]) == 0
    assert "--over" in capsys.readouterr().out
