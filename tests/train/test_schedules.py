import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.train import TrainConfig
from groundup.train.schedules import multiplier


def curve(**options):
    config = TrainConfig(**options)
    return [multiplier(step, config) for step in range(config.max_steps)]


def test_warmup_rises_linearly_and_the_first_step_already_learns():
    rates = curve(schedule="constant", max_steps=6, warmup_steps=4)
    assert rates == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


def test_wsd_stays_then_falls_linearly_over_its_last_part():
    rates = curve(schedule="wsd", max_steps=10, warmup_steps=2, decay_fraction=0.4)
    assert rates == [0.5, 1, 1, 1, 1, 1, 1, 0.75, 0.5, 0.25]


def test_wsd_ends_one_step_before_its_final_fraction():
    rates = curve(max_steps=10, warmup_steps=0, decay_fraction=0.5, final_fraction=0.5)
    assert rates[5:] == pytest.approx([1.0, 0.9, 0.8, 0.7, 0.6])


def test_wsd_without_decay_is_constant():
    assert set(curve(max_steps=10, warmup_steps=0, decay_fraction=0.0)) == {1.0}


def test_cosine_is_half_a_cosine_after_warmup():
    rates = curve(schedule="cosine", max_steps=12, warmup_steps=2, final_fraction=0.1)
    for step in range(2, 12):
        expected = 0.1 + 0.9 * (1 + math.cos(math.pi * (step - 2) / 10)) / 2
        assert rates[step] == pytest.approx(expected)


@given(
    st.sampled_from(["cosine", "wsd", "constant"]),
    st.integers(1, 60),
    st.integers(0, 80),
)
def test_no_step_is_spent_at_rate_zero_or_above_the_peak(schedule, max_steps, warmup_steps):
    rates = curve(schedule=schedule, max_steps=max_steps, warmup_steps=warmup_steps)
    assert all(0 < rate <= 1 for rate in rates)
