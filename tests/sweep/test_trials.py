"""Everything that can be wrong is found before anything runs."""

import tomllib
from pathlib import Path

import pytest

from groundup.errors import UsageError
from groundup.files import write_json
from groundup.recipe import read_recipe
from groundup.recipe.read import read_keys, write_toml
from groundup.sweep import Range, plan_sweep, trials


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({}, "nothing to sweep over"),
        ({"pretrain.learnin_rate": (1, 2)}, "--over pretrain.learnin_rate: unknown key; did you"),
        ({"learning_rate": (1, 2)}, "did you mean pretrain.learning_rate?"),
        ({"pretrain.learning_rate": ("a", 2)}, "--over pretrain.learning_rate: 'a': should be"),
        ({"pretrain.batch_size": (0, 2)}, "--over pretrain.batch_size: 0: should be greater"),
        ({"pretrain.batch_size": Range(2.0, 3.0)}, "--over pretrain.batch_size"),
        ({"pretrain.learning_rate": (0.01, "1e-2")}, "learning_rate = 0.01 stands there twice"),
        ({"pretrain.learning_rate": (0.01,)}, "has one value; set it by --pretrain.learning-rate"),
        ({"pretrain.log_every": (5, 6)}, "--over pretrain.log_every: has no effect on what is"),
        ({"corpus.workers": (1, 2)}, "--over corpus.workers: has no effect on what is"),
        ({"name": ("a", "b")}, "--over name: has no effect on what is"),
        ({"pretrain.momentum": (0.8, 0.9)}, "momentum has no effect with optimizer 'adamw'"),
        ({"pretrain.micro_batch_size": (2, 3)}, "micro_batch_size 3 does not divide batch_size 4"),
        ({"seed": (1, 2)}, "say how many, --seeds"),
        ({"model": (1, 2)}, "should be a table"),
    ],
)  # fmt: skip
def test_a_mistake_is_one_line_and_nothing_is_run(recipe, over, message):
    samples = 2 if any(isinstance(values, Range) for values in over.values()) else 0
    with pytest.raises(UsageError) as error:
        plan_sweep(recipe, over, samples=samples)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not Path("runs").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 0}, "--seeds 0: should be 1 or more"),
        ({"samples": -1}, "--samples -1: should be 0 or more"),
        ({"halving": 1, "rungs": 2}, "--halving 1: should be 2 or more"),
        ({"halving": 2}, "--halving has no effect with one rung"),
        ({"rungs": 3}, "too many for 2 settings"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(recipe, options, message):
    with pytest.raises(UsageError, match=message):
        plan_sweep(recipe, {"pretrain.learning_rate": (0.01, 0.1)}, **options)


def test_tokenizers_are_not_compared_by_the_token(recipe):
    with pytest.raises(UsageError, match="use bits_per_byte"):
        plan_sweep(recipe, {"tokenizer.vocab_size": (260, 280)}, metric="nats_per_token")


def test_the_vocabularies_of_two_sizes_are_not_compared_by_the_token(recipe):
    plan = plan_sweep(recipe, {"size": ("1m", "3m")}, metric="nats_per_token")
    assert {changed.tokenizer.vocab_size for _, changed in plan.settings} == {2048}
    with pytest.raises(UsageError, match="use bits_per_byte"):
        plan_sweep(recipe, {"size": ("1m", "10m")}, metric="nats_per_token")


DIALLED = """
[corpus]
sources = ["text"]
[pretrain]
budget = "90 s"
learning_rate = 0.5
"""


@pytest.fixture
def dialled(place):
    (place / "dialled.toml").write_text(DIALLED)
    return place / "dialled.toml"


def test_what_the_command_sets_stays_beside_a_swept_dial(dialled):
    options = {"pretrain": {"learning_rate": 0.25, "max_steps": 200}}
    recipe = read_recipe(dialled, options)
    over = {"size": ("1m", "3m")}
    plan = plan_sweep(recipe, over, keys=read_keys(dialled), options=options)
    configs = [changed.pretrain for _, changed in plan.settings]
    assert [(config.learning_rate, config.max_steps) for config in configs] == [(0.25, 200)] * 2
    plan = plan_sweep(read_recipe(dialled), over, keys=read_keys(dialled))
    assert 0.5 not in {changed.pretrain.learning_rate for _, changed in plan.settings}
    assert {changed.pretrain.budget for _, changed in plan.settings} == {"90 s"}


def test_what_a_dial_sets_follows_from_a_swept_key_as_it_would_from_the_pasted_one(dialled):
    dialled.write_text('size = "3m"\n' + DIALLED.replace("learning_rate = 0.5", "base_width = 128"))
    keys, over = read_keys(dialled), {"pretrain.batch_size": (4, 64)}
    plan = plan_sweep(read_recipe(dialled), over, keys=keys)
    pasted = [read_recipe(dialled, {"pretrain": {"batch_size": size}}) for size in (4, 64)]
    assert [changed for _, changed in plan.settings] == pasted
    dialled.write_text('size = "3m"\n' + DIALLED.replace("learning_rate = 0.5", ""))
    keys = read_keys(dialled)
    plan = plan_sweep(read_recipe(dialled), over, keys=keys)
    pasted = [read_recipe(dialled, {"pretrain": {"batch_size": size}}) for size in (4, 64)]
    rates = [changed.pretrain.muon_learning_rate for _, changed in plan.settings]
    assert rates == [changed.pretrain.muon_learning_rate for changed in pasted]
    assert rates[0] < rates[1]


def test_a_sweep_goes_on_with_the_rate_that_was_measured_as_it_began(dialled, monkeypatch):
    over = {"pretrain.learning_rate": (0.01, 0.02)}
    dialled.write_text('size = "1m"\n' + DIALLED.replace("learning_rate = 0.5", ""))
    recipe, keys = read_recipe(dialled), read_keys(dialled)
    monkeypatch.setattr(trials, "training_rate", lambda _: 1e10)
    plan = plan_sweep(recipe, over, keys=keys)
    (recipe.folder / "sweep").mkdir(parents=True)
    write_json(recipe.folder / "sweep" / trials.RATES, plan.rates)
    monkeypatch.setattr(trials, "training_rate", lambda _: 1e12)
    assert plan_sweep(recipe, over, keys=keys).settings == plan.settings
    (recipe.folder / "sweep" / trials.RATES).unlink()
    assert plan_sweep(recipe, over, keys=keys).settings != plan.settings


def test_without_a_budget_a_swept_size_trains_its_20_tokens_per_parameter(place):
    (place / "plain.toml").write_text('[corpus]\nsources = ["text"]\n')
    recipe = read_recipe(place / "plain.toml")
    plan = plan_sweep(recipe, {"size": ("1m", "3m")})
    budgets = [changed.pretrain.budget for _, changed in plan.settings]
    assert budgets == [
        read_recipe(place / "plain.toml", {"size": s}).pretrain.budget for s in ("1m", "3m")
    ]
    assert all(budget.endswith("tokens") for budget in budgets)


def test_a_ramp_that_does_not_fit_a_swept_context_is_found_before_anything_runs(recipe):
    ramp = recipe.pretrain.model_copy(update={"length_ramp": ((0.2, 8),)})
    recipe = recipe.model_copy(update={"pretrain": ramp})
    with pytest.raises(UsageError, match=r"8 tokens should be a smaller divisor of .* 20"):
        plan_sweep(recipe, {"model.context_length": (16, 20)})


def test_the_trials_of_each_rung(recipe):
    plan = plan_sweep(
        recipe, {"pretrain.learning_rate": (0.01, 0.03, 0.1)}, seeds=2, rungs=2, halving=3
    )
    assert plan.sizes == (3, 1)
    assert plan.num_trials == 8
    first = plan.trials(0, range(3))
    assert [(t.recipe.pretrain.learning_rate, t.recipe.seed, str(t.budget)) for t in first] == [
        (rate, seed, "3 steps") for rate in (0.01, 0.03, 0.1) for seed in (1337, 1338)
    ]
    assert [str(trial.budget) for trial in plan.trials(1, [2])] == ["9 steps", "9 steps"]


def test_a_run_of_the_same_name_decides_nothing_for_a_swept_dial(place, monkeypatch):
    monkeypatch.setattr("groundup.sweep.trials.training_rate", lambda _: 1e10)
    toml = place / "dialled.toml"
    toml.write_text('name = "r"\n[pretrain]\nbudget = "10 min"')

    def batches():
        keys = tomllib.loads(toml.read_text())
        plan = plan_sweep(read_recipe(toml), {"size": ("3m", "10m")}, keys=keys)
        return [recipe.pretrain.batch_size for _, recipe in plan.settings]

    fresh = batches()
    run = read_recipe(toml, {"size": "10m", "pretrain": {"budget": "5 min"}})
    changed = run.pretrain.model_copy(update={"batch_size": 8 * max(fresh)})
    run.folder.mkdir(parents=True)
    (run.folder / "recipe.toml").write_text(
        write_toml(run.model_copy(update={"pretrain": changed}))
    )
    assert batches() == fresh


def test_what_follows_from_a_swept_key_follows(place):
    toml = place / "tiny.toml"
    toml.write_text(
        toml.read_text().replace('"rnn"', '"qwen3"').replace("width = 16", "width = 24")
    )
    plan = plan_sweep(read_recipe(toml), {"model.width": (60, 120)})
    assert [recipe.model.head_width for _, recipe in plan.settings] == [10, 20]
    plan = plan_sweep(read_recipe(toml), {"pretrain.budget": ("1 s", "2 s")})
    assert [str(recipe.pretrain.duration) for _, recipe in plan.settings] == ["1 s", "2 s"]
