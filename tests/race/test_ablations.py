"""Every option of the ablations is one that groundup has, and the table says what it is worth."""

import importlib.util
import json
import sys
from pathlib import Path
from unittest import mock

import pytest
from race.run import run_heat

from groundup.model import ModelConfig
from groundup.train import TrainConfig

spec = importlib.util.spec_from_file_location(
    "ablations", Path(__file__).parents[2] / "benchmarks" / "ablations.py"
)
ablations = importlib.util.module_from_spec(spec)
spec.loader.exec_module(ablations)


LETTERS = {
    "tied head",
    "no heads that begin by copying",
    "no heads that begin by copying, tied head",
    "no heads that begin by copying, second block looks back",
}
UNTIED = {"untied head", "two heads that begin by copying"}
TIED = {"tied head", "two heads that begin by copying"}
DECAY = {"weight decay of 0.1"}


@pytest.mark.parametrize(
    ("corpus", "budget", "as_raced"),
    [
        ("shakespeare", "100", LETTERS),
        ("shakespeare", "250", LETTERS),
        ("shakespeare", "600", LETTERS | DECAY),
        ("stdlib", "100", UNTIED),
        ("stdlib", "250", TIED),
        ("stdlib", "600", TIED | DECAY),
        ("stories", "100", UNTIED),
        ("stories", "250", UNTIED),
        ("stories", "600", TIED),
    ],
)
def test_each_option_can_be_run_and_is_compared_with_its_seed(
    tmp_path, monkeypatch, capsys, corpus, budget, as_raced
):
    ran = []

    def run(heat, settings, texts, **_):
        model, train = ModelConfig(**settings["model"]), TrainConfig(**settings["pretrain"])
        ran.append((model, train))
        worth = 0.5 if model.architecture == "speedrun" else 0.0
        score = 2.0 + heat.seed - worth
        return {"bits_per_byte": score, "nats_per_character": score, "steps": 100}

    monkeypatch.setattr(ablations, "run_heat", mock.create_autospec(run_heat, side_effect=run))
    monkeypatch.setattr(ablations, "corpus", lambda *_, **__: (b"train", b"validation"))
    monkeypatch.setattr(ablations, "shared_data", lambda: tmp_path)
    arguments = ["--results", str(tmp_path), "--corpus", corpus, "--budget", budget]
    monkeypatch.setattr(sys, "argv", ["ablations.py", *arguments, "--seeds", "0", "3"])
    ablations.main()
    assert len([one for one in ran if one != ran[0]]) == len(ran) - 2  # each changes something
    said = capsys.readouterr().out
    assert {name for name in ablations.OPTIONS if f"| {name} |" not in said} == as_raced
    assert "| all of speedrun | 3.0000 | -0.5000 | -0.5000 … -0.5000 | 1.00 |" in said
    last = json.loads(said.splitlines()[-1])
    assert last["ratios"]["all of speedrun"] == pytest.approx((1.5 / 2 + 4.5 / 5) / 2, abs=1e-4)
