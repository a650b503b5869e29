"""Everything that can be wrong is found before anything runs."""

from pathlib import Path

import pytest

from groundup.errors import UsageError
from groundup.recipe import read_recipe
from groundup.sweep import Range, plan_sweep


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


def test_what_follows_from_a_swept_key_follows(place):
    toml = place / "tiny.toml"
    toml.write_text(
        toml.read_text().replace('"rnn"', '"qwen3"').replace("width = 16", "width = 24")
    )
    plan = plan_sweep(read_recipe(toml), {"model.width": (60, 120)})
    assert [recipe.model.head_width for _, recipe in plan.settings] == [10, 20]
    plan = plan_sweep(read_recipe(toml), {"pretrain.budget": ("1 s", "2 s")})
    assert [str(recipe.pretrain.duration) for _, recipe in plan.settings] == ["1 s", "2 s"]
