import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.train import TrainConfig
from groundup.train.schedules import Progress, batch_multiplier, multiplier, ramp


def curve(**options):
    config = TrainConfig(**options)
    steps = range(config.max_steps)
    return [multiplier(Progress.in_steps(step, config.max_steps), config) for step in steps]


def curve_by_clock(shares, **options):
    config = TrainConfig(budget="10 min", **options)
    return [multiplier(Progress(step, share), config) for step, share in enumerate(shares)]


def before(step, config):
    """The schedules as they were when only steps were counted: their bits are to stay."""
    final, left = config.final_fraction, config.max_steps - step
    warm = min(1.0, (step + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    if config.schedule == "constant":
        return warm
    if config.schedule == "cosine":
        share = min(1.0, left / max(1, config.max_steps - config.warmup_steps))
        return min(warm, final + (1 - final) * (1 - math.cos(math.pi * share)) / 2)
    share = min(1.0, left / max(1, round(config.decay_fraction * config.max_steps)))
    return min(warm, final + (1 - final) * share)


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


@given(
    st.sampled_from(["cosine", "wsd", "constant"]),
    st.integers(1, 300),
    st.integers(0, 80),
    st.floats(0, 1),
)
def test_schedules_counted_in_steps_keep_their_bits(schedule, max_steps, warmup_steps, fraction):
    options = {"schedule": schedule, "max_steps": max_steps, "warmup_steps": warmup_steps}
    if schedule == "wsd":
        options["decay_fraction"] = fraction
    if schedule != "constant":
        options["final_fraction"] = fraction / 2
    config = TrainConfig(**options)
    assert curve(**options) == [before(step, config) for step in range(max_steps)]


def test_warmup_may_be_a_share_of_the_run():
    rates = curve(schedule="constant", max_steps=40, warmup_fraction=0.1)
    assert rates == curve(schedule="constant", max_steps=40, warmup_steps=4)
    shares = [0, 0.05, 0.1, 0.5]
    rates = curve_by_clock(shares, schedule="constant", warmup_fraction=0.1)
    assert rates == pytest.approx([0.01, 0.5, 1, 1])


def test_inverse_sqrt_falls_with_the_root_of_the_step():
    rates = curve(schedule="inverse_sqrt", max_steps=64, warmup_steps=4)
    assert rates[3] == 1.0
    assert rates[15] == pytest.approx(0.5)
    assert rates[63] == pytest.approx(0.25)
    shares = [0.0, 0.1, 0.4]
    rates = curve_by_clock(shares, schedule="inverse_sqrt", warmup_fraction=0.1)
    assert rates == pytest.approx([0.01, 1.0, 0.5])


def test_by_the_clock_the_rate_falls_with_the_share_of_time_left():
    shares = [0, 0.3, 0.6, 0.7, 0.9, 0.999]
    rates = curve_by_clock(shares, warmup_steps=2, decay_fraction=0.4)
    assert rates == pytest.approx([0.5, 1, 1, 0.75, 0.25, 0.0025])
    rates = curve_by_clock(shares, warmup_steps=0, schedule="cosine")
    assert rates == pytest.approx([(1 + math.cos(math.pi * share)) / 2 for share in shares])


@given(
    st.sampled_from(["cosine", "wsd", "constant", "inverse_sqrt"]),
    st.integers(1, 100),
    st.floats(0, 1 - 1e-6),
    st.integers(0, 1000),
)
def test_by_the_clock_no_step_is_spent_at_rate_zero(schedule, warmup_steps, share, step):
    config = TrainConfig(budget="1 h", schedule=schedule, warmup_steps=warmup_steps)
    assert 0 < multiplier(Progress(step, share), config) <= 1


def test_a_ramp_holds_each_value_until_its_end():
    stages = ((0.1, 8), (0.3, 16))
    assert [ramp(stages, share, 32) for share in (0, 0.09, 0.1, 0.29, 0.3, 1)] == [
        *(8, 8, 16, 16, 32, 32)
    ]
    assert ramp((), 0.0, 32) == 32


def test_a_smaller_batch_learns_at_the_root_of_its_share():
    config = TrainConfig(batch_size=32)
    assert [batch_multiplier(size, config) for size in (32, 8, 2)] == [1.0, 0.5, 0.25]
