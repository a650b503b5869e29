"""How long a recipe trains, in every unit."""

import json
from pathlib import Path

import pytest

from groundup.cli import main
from groundup.errors import UsageError
from groundup.recipe import read_recipe


def run(*options: str) -> int:
    return main(["run", "tiny.toml", *options])


def result() -> dict:
    return json.loads(Path("runs/tiny/pretrain/stage.json").read_text())["result"]


def test_a_budget_may_be_steps_tokens_epochs_or_time_and_a_longer_one_goes_on(place, capsys):
    assert run("--pretrain.budget", "5 steps") == 0
    assert "pretrain.max_steps left out" in capsys.readouterr().err
    assert result()["steps"] == 5
    assert run("--pretrain.max-steps", "6") == 0
    assert "resuming after step 5 of 6" in capsys.readouterr().err
    assert run("--pretrain.budget", "1000 tokens") == 0
    assert result()["steps"] == 8  # 4 × 32 tokens each
    assert run("--pretrain.budget", "0.5 epochs") == 0
    header = json.loads(Path("runs/tiny/tokens/train.json").read_text())
    assert result()["steps"] == -(-(header["tokens"] // 32) // 8)

    assert run("--pretrain.budget", "3 s") == 0
    first = result()
    assert first["elapsed_seconds"] < 5
    capsys.readouterr()
    assert run("--pretrain.budget", "3000 s", "--dry-run") == 0
    assert run("--pretrain.budget", "5 s") == 0
    assert "resuming after step" in capsys.readouterr().err
    assert result()["steps"] > first["steps"]


def test_best_fit_packing_says_what_it_costs(place, capsys):
    assert run("--pretrain.packing", "best_fit", "--pretrain.budget", "3 steps") == 0
    assert "of the documents cut" in capsys.readouterr().err


def test_a_plan_shows_every_kind_of_budget_in_steps_tokens_epochs_and_minutes(place, capsys):
    def rows(budget):
        assert run("--dry-run", "--pretrain.budget", budget) == 0
        cells = [line.split("│") for line in capsys.readouterr().out.splitlines()]
        return {cell[1].strip(): cell[2].strip() for cell in cells if len(cell) == 4}

    unknown = rows("3 epochs")
    assert unknown["budget"] == "3 epochs"
    assert unknown["steps"] == unknown["time"] == "known once the text is tokenized"
    assert rows("128k tokens")["steps"] == "1,000"
    assert main(["corpus", "tiny.toml"]) == 0
    assert main(["tokenizer", "tiny.toml"]) == 0
    assert main(["tokenize", "tiny.toml"]) == 0
    capsys.readouterr()
    assert rows("3 epochs")["tokens"].endswith("3.0 epochs")
    by_clock = rows("10 min")
    assert by_clock["time"] == "10 min 00 s"
    assert by_clock["steps"].startswith("about ")
    assert "epochs" in by_clock["tokens"]
    ramped = ["--pretrain.batch-ramp", "0.5", "2", "--pretrain.length-ramp", "0.5", "8"]
    assert run("--dry-run", "--pretrain.max-steps", "100", *ramped) == 0
    assert "9,600" in capsys.readouterr().out  # (50 × 2 + 50 × 4) × 32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pretrain.budget", "soon"], "--pretrain.budget: 'soon' is no duration; write"),
        (["--pretrain.budget", "5 s", "--pretrain.max-steps", "3"], "both say how long to train"),
        (["--pretrain.length-ramp", "0.5", "7"], "7 tokens should be a smaller divisor of"),
    ],
)
def test_a_budget_that_cannot_be_is_one_line(place, capsys, options, message):
    assert run(*options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error


def test_a_file_may_not_say_twice_how_long(place):
    recipe = Path("tiny.toml")
    recipe.write_text(
        recipe.read_text().replace("max_steps = 12", 'max_steps = 12\nbudget = "1 h"')
    )
    with pytest.raises(UsageError, match="both say how long to train; leave one out"):
        read_recipe(recipe)
    overridden = read_recipe(recipe, {"pretrain": {"max_steps": 9}})
    assert overridden.pretrain.max_steps == 9
