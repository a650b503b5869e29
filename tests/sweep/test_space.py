"""Values of keys: how they are written, combined and drawn."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UsageError
from groundup.sweep.space import Range, draws, grid, in_words, nested, parse_over


def test_values_are_read_as_toml_reads_them_and_words_need_no_quotes():
    over = parse_over(
        [
            "pretrain.learning-rate=0.01,3e-2",
            "pretrain.batch_size=8,16",
            "pretrain.optimizer=adamw, muon",
            "model.bias=true,false",
            "pretrain.batch_ramp=[],[[0.1, 4], [0.2, 8]]",
            'pretrain.sample_prompt="a, b",c',
            "pretrain.budget=10 s,1 min",
        ]
    )
    assert over == {
        "pretrain.learning_rate": (0.01, 0.03),
        "pretrain.batch_size": (8, 16),
        "pretrain.optimizer": ("adamw", "muon"),
        "model.bias": (True, False),
        "pretrain.batch_ramp": ([], [[0.1, 4], [0.2, 8]]),
        "pretrain.sample_prompt": ("a, b", "c"),
        "pretrain.budget": ("10 s", "1 min"),
    }
    assert type(over["pretrain.batch_size"][0]) is int


def test_ranges_are_read():
    over = parse_over(["a.b=1e-3..1e-1 log", "a.c=8..64", "a.d=0.5..1.0"])
    assert over == {"a.b": Range(1e-3, 1e-1, log=True), "a.c": Range(8, 64), "a.d": Range(0.5, 1.0)}


def test_two_dots_within_a_value_are_no_range():
    over = parse_over(["corpus.sources=['../a.txt'],['../b.txt']", 'a.b="x..y",1'])
    assert over == {"corpus.sources": (["../a.txt"], ["../b.txt"]), "a.b": ("x..y", 1)}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["pretrain.batch_size"], "should be KEY=VALUE"),
        (["=3"], "should be KEY=VALUE"),
        (["a.b=1,2", "a.b=3"], "given twice"),
        (["a.b=1..2 lin"], "a range is LOW..HIGH"),
        (["a.b=x..y"], "a range is LOW..HIGH"),
        (["a.b=2..1"], "should rise"),
        (["a.b=1..nan"], "should rise"),
        (["a.b=0..1 log"], "should begin above 0"),
    ],
)
def test_a_mistake_is_one_line(texts, message):
    with pytest.raises(UsageError, match=message.replace("(", r"\(")):
        parse_over(texts)


def test_a_grid_is_every_combination_the_last_key_fastest():
    over = {"a.b": (1, 2), "a.c": ("x", "y")}
    assert [tuple(setting.values()) for setting in grid(over)] == [
        (1, "x"), (1, "y"), (2, "x"), (2, "y"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="a range is drawn from"):
        grid({"a.b": Range(1, 2)})


def test_draws_are_the_same_for_a_seed_and_more_begin_with_the_fewer():
    over = {"a.b": Range(1e-3, 1e-1, log=True), "a.c": (8, 16)}
    assert draws(over, 20, seed=0)[:7] == draws(over, 7, seed=0)
    assert draws(over, 7, seed=0) != draws(over, 7, seed=1)


def test_draws_differ_from_one_another_and_end_where_there_are_no_more():
    over = {"a.b": Range(1, 3), "a.c": ("x", "y")}
    found = draws(over, 6, seed=0)
    assert len({tuple(setting.values()) for setting in found}) == 6
    with pytest.raises(UsageError, match="only 6 different"):
        draws(over, 7, seed=0)


def test_a_logarithmic_range_gives_each_power_of_ten_as_much():
    found = draws({"a.b": Range(1e-4, 1e-1, log=True)}, 600, seed=0)
    powers = [math.floor(math.log10(setting["a.b"] * 1.0000001)) for setting in found]
    assert all(150 < powers.count(power) < 250 for power in (-4, -3, -2))


@given(st.integers(1, 50), st.integers(1, 50), st.booleans(), st.integers(0, 99))
def test_whole_ranges_give_whole_numbers_within_their_ends(low, more, log, seed):
    [setting] = draws({"a.b": Range(low, low + more, log=log)}, 1, seed)
    assert type(setting["a.b"]) is int
    assert low <= setting["a.b"] <= low + more


def test_a_setting_as_tables_and_in_words():
    setting = {"a.b": 1, "a.c.d": "x", "e.b": None}
    assert nested(setting) == {"a": {"b": 1, "c": {"d": "x"}}, "e": {"b": None}}
    assert in_words(setting) == 'a.b = 1, d = "x", e.b = "off"'
