"""The dial: what each size comes to, and that it only ever grows."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.errors import UsageError
from groundup.model import ModelConfig
from groundup.plan.estimate import flops_per_token, num_parameters, training_memory
from groundup.plan.size import (
    DEEPEST,
    DEPTHS,
    MEMORY_SHARE,
    Shape,
    batch_tokens,
    check_context,
    chinchilla_tokens,
    choose_training,
    tokens_of_steps,
)
from groundup.recipe import Recipe
from groundup.train.config import TrainConfig

GB = 10**9
COUNTS = {
    # layers, width, heads, feed-forward, context, vocabulary, parameters, tokens, batch
    "1m": (2, 160, 5, 448, 256, 2048, 963_488, 19_000_000, 32),
    "3m": (3, 256, 4, 704, 256, 2048, 2_934_912, 59_000_000, 64),
    "10m": (5, 384, 6, 1024, 512, 4096, 10_425_088, 210_000_000, 64),
    "30m": (8, 512, 8, 1408, 512, 8192, 29_894_144, 600_000_000, 128),
    "124m": (12, 768, 12, 2048, 1024, 49_152, 122_704_128, 2_500_000_000, 128),
    "350m": (18, 1152, 18, 3072, 2048, 49_152, 343_322_496, 6_900_000_000, 128),
    "1b": (26, 1664, 26, 4480, 2048, 49_152, 951_313_792, 19_000_000_000, 256),
}


def model_of(depth: int) -> ModelConfig:
    shape = Shape.of_depth(depth)
    return ModelConfig(
        vocab_size=shape.vocab_size,
        context_length=shape.context_length,
        num_layers=shape.num_layers,
        width=shape.width,
        num_heads=shape.num_heads(shape.width),
    )


def choose(model, pretrain=None, given=frozenset(), rate=1e12, memory=0):
    return choose_training(
        model,
        pretrain or TrainConfig(),
        given,
        flops_per_second=lambda: rate,
        memory_bytes=memory,
    )


@pytest.mark.parametrize("size", DEPTHS)
def test_a_size_comes_to_these_numbers_and_its_name_to_within_15_percent(size):
    model = model_of(DEPTHS[size])
    training = choose(model)
    parameters = num_parameters(model)
    assert (
        model.num_layers, model.width, model.num_heads, model.feed_forward_width,
        model.context_length, model.vocab_size, parameters,
        training.tokens, training.settings["batch_size"],
    ) == COUNTS[size]  # fmt: skip
    named = float(size[:-1]) * {"m": 1e6, "b": 1e9}[size[-1]]
    assert 0.85 * named <= parameters <= 1.15 * named


@given(depth=st.integers(1, DEEPEST - 1))
@settings(max_examples=12, deadline=None)
def test_every_depth_is_a_model_and_a_deeper_one_is_more_of_everything(depth):
    model, deeper = model_of(depth), model_of(depth + 1)
    assert model.width == model.num_heads * model.head_width
    assert model.head_width == (32 if depth < 3 else 64)
    if depth >= 8:
        assert model.width == 64 * depth
    assert num_parameters(model) < num_parameters(deeper)
    assert flops_per_token(model) < flops_per_token(deeper)
    for key in ("width", "context_length", "vocab_size", "feed_forward_width"):
        assert getattr(model, key) <= getattr(deeper, key)
    few, many = choose(model), choose(deeper)
    assert few.tokens <= many.tokens  # of two digits
    batches = [
        choice.settings["batch_size"] * config.context_length
        for choice, config in ((few, model), (many, deeper))
    ]
    assert batches[0] <= batches[1]
    TrainConfig.model_validate(few.settings)


@given(tokens=st.floats(1, 1e13))
def test_a_batch_is_a_power_of_two_and_grows_with_the_tokens(tokens):
    batch = batch_tokens(tokens)
    assert batch & (batch - 1) == 0
    assert batch <= batch_tokens(2 * tokens)
    assert batch == pytest.approx(max(0.58 * tokens**0.571, 0.71), rel=0.415)


def test_the_batch_rule_gives_the_quickstarts_and_about_nanochats():
    assert batch_tokens(4.1e6) == 4096
    assert batch_tokens(11.2e9) == 262_144  # half of nanochat's for its depth 20
    assert batch_tokens(30e9) == 524_288


@given(steps=st.integers(1, 10**6))
def test_steps_come_to_the_tokens_whose_batch_makes_as_many_steps(steps):
    tokens = tokens_of_steps(steps)
    assert tokens / (0.58 * tokens**0.571) == pytest.approx(steps)


def test_without_a_budget_there_are_20_tokens_per_parameter():
    assert chinchilla_tokens(10_425_088) == 210_000_000
    assert choose(model_of(5)).settings["budget"] == "210M tokens"
    assert "budget" not in choose(model_of(5), TrainConfig(budget="1M tokens"), {"budget"}).settings


def test_a_faster_machine_has_larger_batches_in_the_same_time_and_otherwise_the_same_settings():
    model, timed = model_of(5), TrainConfig(budget="10 min")
    slow, fast = (choose(model, timed, {"budget"}, rate=rate).settings for rate in (1e11, 1e14))
    assert (slow.pop("batch_size"), fast.pop("batch_size")) == (2, 128)
    assert slow == fast
    tokens = 600 * 1e14 / flops_per_token(model)
    assert choose(model, timed, {"budget"}, rate=1e14).tokens == tokens


def test_nothing_is_measured_where_the_budget_is_no_time():
    def never() -> float:
        raise AssertionError

    for length in ({"budget": "1M tokens"}, {"budget": "2 epochs"}, {"max_steps": 10}, {}):
        config = TrainConfig(**length)
        choose_training(
            model_of(3), config, set(length), flops_per_second=never, memory_bytes=64 * GB
        )


def test_learning_rates_follow_the_width_and_a_batch_of_ones_own():
    wide = choose(model_of(12)).settings  # 768, three times the quickstart's 256
    assert wide["muon_learning_rate"] == 0.02
    assert wide["learning_rate"] == 0.03
    assert wide["embedding_learning_rate"] == pytest.approx(0.03 / 3**0.5, rel=2e-3)
    adamw = choose(model_of(12), TrainConfig(optimizer="adamw")).settings
    assert "muon_learning_rate" not in adamw
    assert adamw["learning_rate"] == pytest.approx(3e-3 * 384 / 768)
    assert adamw["embedding_learning_rate"] == pytest.approx(3e-3 * (384 / 768) ** 0.5, rel=2e-3)
    quarter = choose(model_of(12), TrainConfig(batch_size=32), {"batch_size"}).settings
    assert quarter["muon_learning_rate"] == pytest.approx(0.01)


def test_what_is_given_is_not_chosen():
    keys = {"batch_size", "learning_rate", "muon_learning_rate", "micro_batch_size", "max_steps"}
    assert choose(model_of(3), TrainConfig(), keys).settings == {}
    own_transfer = choose(model_of(3), TrainConfig(base_width=128), {"base_width"}).settings
    assert not [key for key in own_transfer if "rate" in key]


@pytest.mark.parametrize("ramp", [(), ((0.1, 24), (0.3, 48))])
def test_micro_batches_fit_the_memory_and_divide_every_batch(ramp):
    model = model_of(12)
    config = TrainConfig(batch_size=96, batch_ramp=ramp)
    assert choose(model, config, {"batch_size"}, memory=1000 * GB).settings["micro_batch_size"] == 0
    micro = choose(model, config, {"batch_size"}, memory=32 * GB).settings["micro_batch_size"]
    assert 1 < micro < 96
    assert not [size for size in (96, *(size for _, size in ramp)) if size % micro]
    tried = TrainConfig(batch_size=96, batch_ramp=ramp, micro_batch_size=micro)
    assert training_memory(model, tried, torch.float32) < MEMORY_SHARE * 32 * GB


def test_a_context_that_does_not_fit_is_one_line():
    model = model_of(3).model_copy(update={"context_length": 10**6})
    with pytest.raises(UsageError, match=r"model\.context_length 1000000: .* memory, and this mac"):
        check_context(model, TrainConfig(), 2 * GB)
    check_context(model, TrainConfig(), 0)  # unknown
    check_context(model_of(3), TrainConfig(), 2 * GB)
    with pytest.raises(UsageError, match=r"is longer than pretrain\.budget, 5k tokens"):
        choose(model, TrainConfig(budget="5k tokens"), {"budget"})


@given(width=st.integers(1, 4096), depth=st.integers(1, DEEPEST))
def test_heads_divide_any_width_that_can_be_divided(width, depth):
    heads = Shape.of_depth(depth).num_heads(width)
    assert width % heads == 0
    if width % 64 == 0 and depth > 2:
        assert heads == width // 64


def test_the_help_names_the_sizes_depths():
    depths = [str(depth) for depth in DEPTHS.values()]
    assert all(depth in (Recipe.model_fields["depth"].description or "") for depth in depths)
