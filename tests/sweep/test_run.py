"""A sweep of a tiny model from end to end, interrupted, killed and with trials that fail."""

import json
import os
import re
import signal
from pathlib import Path
from unittest import mock

import pytest
import torch

from groundup import machine
from groundup.errors import UsageError, UserError
from groundup.recipe import InterruptedRun, read_recipe, run_recipe
from groundup.recipe.lock import BusyError
from groundup.recipe.stage import CLAIM, read_json
from groundup.sweep import Sweep, plan_sweep, sweep
from groundup.sweep import run as sweeping
from groundup.train import loop
from groundup.train.step import train_step

RATES = {"pretrain.learning_rate": (0.0001, 0.01, 1e30)}


def lines() -> list[dict]:
    return [
        json.loads(line) for line in Path("runs/tiny/sweep/sweep.jsonl").read_text().splitlines()
    ]


def means(found: Sweep) -> list[list[float | None]]:
    return [[score.mean for score in rung] for rung in found.rungs]


def trained(monkeypatch, *, stop_after: int = 10**9, error: BaseException | None = None) -> list:
    """Note the trials that are trained from here on; raise instead of training one more."""
    names: list[str] = []

    def noting(recipe, *, only):
        if len(names) == stop_after:
            raise error
        names.append(recipe.name)
        return run_recipe(recipe, only=only)

    monkeypatch.setattr(sweeping, "run_recipe", noting)
    return names


def test_a_sweep_finds_the_rate_that_learns_and_goes_on_past_one_that_diverges(recipe, capsys):
    found = sweep(recipe, RATES, seeds=2, rungs=2)
    first, second = found.rungs
    assert first[2].mean is None
    assert "loss nan" in first[2].results[0].failed
    assert first[1].mean < first[0].mean
    assert [score.index for score in second] == [1]
    assert second[0].mean < first[1].mean, "three times as long"
    assert found.best == second[0]
    assert found.best.results[0].steps == 9
    assert [(score.index, score.rung) for score in found.ranking] == [(1, 1), (0, 0), (2, 0)]
    assert len(lines()) == 8
    error = capsys.readouterr().err
    assert "trial 7 of 8, rung 2 of 2: learning_rate = 0.01, seed 1337, 9 steps; about" in error
    assert error.count("failed: ") == 2
    trials = Path("runs/tiny/sweep/trials")
    assert not list(trials.glob("*/pretrain/checkpoints")), "nothing goes on from these"
    assert "tokens/s" not in error, "trainings are silent"

    # A trial is a run like any other, with the numbers of one.
    result = found.best.results[1]
    folder = Path("runs/tiny/sweep/trials") / result.trial
    [outcome] = run_recipe(read_recipe(folder / "recipe.toml"), only="pretrain")
    assert outcome.status == "up to date"
    alone = recipe.model_copy(
        update={
            "name": "alone",
            "seed": 1338,
            "pretrain": recipe.pretrain.model_copy(update={"learning_rate": 0.01}),
        }
    )
    numbers = run_recipe(alone)[3].result
    assert numbers["validation"]["bits_per_byte"] == result.bits_per_byte

    page = Path("runs/tiny/sweep/sweep.html").read_text()
    assert page.count("<circle") == 4 + 2 + 3  # trainings that did not fail, and the legend's marks
    assert page.count('class="failed"') == 2 + 1
    assert "logarithmic" in page
    assert "<script" not in page
    assert not re.search(r"(src|href)=", page)


def test_after_a_kill_what_is_done_is_not_done_again(recipe, monkeypatch):
    over = {"pretrain.learning_rate": (0.001, 0.01), "pretrain.batch_size": (2, 4)}
    with monkeypatch.context() as patch:
        before = trained(patch, stop_after=3, error=KeyboardInterrupt())
        with pytest.raises(KeyboardInterrupt):
            sweep(recipe, over, rungs=2)
    assert len(lines()) == 3
    with monkeypatch.context() as patch:
        after = trained(patch)
        found = sweep(recipe, over, rungs=2)
        assert len(before) == 3
        assert len(after) == 2, "4 settings, then 1"
        assert not set(before) & set(after)
        assert sweep(recipe, over, rungs=2).rungs == found.rungs
        assert len(after) == 2
        # One value more is one setting more for each of the other key's.
        sweep(recipe, over | {"pretrain.batch_size": (2, 4, 8)})
        assert len(after) == 2 + 5, "in full, as one of the six has been"


def test_an_interrupted_trial_goes_on_and_the_message_says_which(recipe, monkeypatch):
    rates = {"pretrain.learning_rate": (0.001, 0.01)}
    whole = means(sweep(recipe.model_copy(update={"name": "whole"}), rates))
    steps = []

    def interrupted_once(*arguments, **options):
        steps.append(None)
        if len(steps) == 9 + 2:  # in the second training's second step
            os.kill(os.getpid(), signal.SIGINT)
        return train_step(*arguments, **options)

    monkeypatch.setattr(loop, "train_step", interrupted_once)
    with pytest.raises(InterruptedRun, match="interrupted in trial 2 of 2; saved; run the same"):
        sweep(recipe, rates)
    assert len(lines()) == 1
    assert len(steps) == 11
    assert means(sweep(recipe, rates)) == whole
    assert len(steps) == 18, "no step is taken twice"


def test_memory_that_a_setting_wants_in_vain_is_its_failure_and_a_bug_is_none(recipe, monkeypatch):
    full = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried")
    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "run_recipe", mock.Mock(side_effect=full))
        found = sweep(recipe.model_copy(update={"name": "large"}), RATES)
    assert "can't allocate memory" in found.rungs[0][0].results[0].failed
    again = sweep(recipe.model_copy(update={"name": "large"}), RATES)
    assert again.best is not None, "there may be more memory now"
    with monkeypatch.context() as patch:
        patch.setattr(sweeping, "run_recipe", mock.Mock(side_effect=RuntimeError("a bug")))
        with pytest.raises(RuntimeError, match="a bug"):
            sweep(recipe, RATES)
    assert not Path("runs/tiny/sweep/sweep.jsonl").exists()


def test_a_trial_that_another_process_trains_is_no_failure(recipe, monkeypatch):
    names = trained(monkeypatch, stop_after=1, error=BusyError("another groundup works here"))
    with pytest.raises(BusyError):
        sweep(recipe, RATES)
    assert len(names) == len(lines()) == 1


def test_by_the_clock_what_decides_the_speed_can_be_swept(recipe):
    over = {"pretrain.micro_batch_size": (1, 2)}
    with pytest.raises(UsageError, match="no effect on what is learned"):
        plan_sweep(recipe, over)
    timed = recipe.pretrain.model_copy(update={"budget": "0.2 s"})
    timed = recipe.model_copy(update={"pretrain": timed})
    assert plan_sweep(timed, over).num_trials == 2
    with pytest.raises(UsageError, match="no effect on what is learned"):
        plan_sweep(timed, {"pretrain.log_every": (1, 2)})


def test_a_sweep_gives_the_same_numbers_twice(recipe, place):
    numbers = means(sweep(recipe, RATES, rungs=2))
    again = recipe.model_copy(update={"name": "again"})
    assert means(sweep(again, RATES, rungs=2)) == numbers


def test_all_trials_train_in_the_precision_that_the_first_has_found_the_faster(recipe, monkeypatch):
    found = iter([torch.float32, *[torch.bfloat16] * 99])
    pick = machine.pick_precision
    monkeypatch.setattr(
        machine,
        "pick_precision",
        lambda name, on: next(found) if name == "auto" else pick(name, on),
    )
    monkeypatch.setattr("groundup.sweep.run.peak_flops", lambda _: 1e12)
    monkeypatch.setattr("groundup.sweep.run.training_seconds", lambda *_: 1.0)
    auto = recipe.pretrain.model_copy(update={"precision": "auto"})
    over = {"pretrain.learning_rate": (0.01, 0.03)}
    done = sweep(recipe.model_copy(update={"pretrain": auto}), over)
    more = {"pretrain.learning_rate": (0.01, 0.03, 0.1)}
    sweep(recipe.model_copy(update={"pretrain": auto}), more)
    claims = [read_json(path) for path in done.folder.glob(f"trials/*/pretrain/{CLAIM}")]
    assert [claim["precision"] for claim in claims] == ["float32"] * 3


def test_text_is_made_once_for_all_that_share_it(recipe, monkeypatch):
    found = sweep(recipe, {"tokenizer.vocab_size": (260, 280), "model.width": (8, 16)})
    shared = sorted(path.name.split("-")[0] for path in Path("runs/tiny/sweep/shared").iterdir())
    assert shared == ["corpus", "text", "text"]
    tokens = {
        (Path("runs/tiny/sweep/trials") / result.trial / "tokens/train.bin").stat().st_ino
        for score in found.rungs[0]
        for result in score.results
    }
    assert len(tokens) == 2
    sizes = [score.results[0].parameters for score in found.rungs[0]]
    assert len(set(sizes)) == 4


def test_other_text_is_another_sweep(recipe, place, monkeypatch):
    sweep(recipe, RATES)
    names = trained(monkeypatch)
    os.utime(place / "text" / "0.txt", (1, 1))
    sweep(recipe, RATES)
    assert names == [], "only touched"
    (place / "text" / "0.txt").write_text("something else\n" * 30)
    sweep(recipe, RATES)
    assert len(names) == 3


def test_when_every_trial_fails_there_is_no_best(recipe):
    found = sweep(recipe, {"pretrain.learning_rate": (1e30, 1e29)}, rungs=1)
    assert found.best is None
    assert "No training has given a result" in Path("runs/tiny/sweep/sweep.html").read_text()


def test_without_held_out_text_there_is_nothing_to_compare(recipe, place):
    corpus = recipe.corpus.model_copy(update={"validation_fraction": 0.0})
    with pytest.raises(UserError, match="validation_fraction"):
        sweep(recipe.model_copy(update={"corpus": corpus}), RATES)


def test_a_budget_of_time_ends_in_time(recipe):
    timed = recipe.pretrain.model_copy(update={"budget": "0.4 s"})
    found = sweep(recipe.model_copy(update={"pretrain": timed}), RATES, rungs=2, halving=2)
    assert [score.results[0].budget for rung in found.rungs for score in rung] == [
        "0.2 s", "0.2 s", "0.2 s", "0.4 s",
    ]  # fmt: skip
    assert found.best.results[0].steps > 0
    for rung in found.rungs:
        for score in rung:
            [result] = score.results
            assert result.failed or result.seconds < float(result.budget.split()[0])
