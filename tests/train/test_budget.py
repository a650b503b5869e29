import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UsageError
from groundup.train import TrainConfig, settle
from groundup.train.budget import num_sequences, sizes_at, step_sizes, steps_for

RAMPED = TrainConfig(batch_size=32, batch_ramp=((0.1, 8), (0.3, 16)), length_ramp=((0.2, 64),))
DATA = {"context_length": 256, "tokens_per_sequence": 256, "sequences_per_epoch": 1000}


def steps(**options):
    return settle(TrainConfig(**options), **DATA).max_steps


def test_budgets_become_steps():
    assert steps(budget="50 steps") == 50
    assert steps(max_steps=50) == 50
    assert steps(budget="81_920 tokens") == 10  # 32 × 256 per step
    assert steps(budget="81_921 tokens") == 11
    assert steps(budget="1 token") == 1
    assert steps(budget="3 epochs") == 94  # 3,000 sequences, 32 per step
    assert steps(budget="0.5 epochs", batch_size=500) == 1
    settled = settle(TrainConfig(budget="3 epochs"), **DATA)
    assert settled.budget == ""
    by_clock = TrainConfig(budget="10 min")
    assert settle(by_clock, **DATA) is by_clock


@pytest.mark.parametrize("length", [100, 256, 512])
def test_rows_must_divide_the_context(length):
    with pytest.raises(UsageError, match=f"{length} tokens should be a smaller divisor of model"):
        settle(TrainConfig(length_ramp=((0.5, length),)), **DATA)


def test_ramps_give_the_sizes_of_the_steps():
    sizes = step_sizes(RAMPED, 100, 256)
    assert [(size.steps, size.sequences, size.length) for size in sizes] == [
        *((10, 8, 64), (10, 16, 64), (10, 16, 256), (70, 32, 256))
    ]
    assert num_sequences(RAMPED, 100) == 10 * 8 + 20 * 16 + 70 * 32


@given(st.integers(1, 2000))
def test_planned_sizes_are_those_that_each_step_will_take(num_steps):
    planned = [
        (size.sequences, size.length)
        for size in step_sizes(RAMPED, num_steps, 256)
        for _ in range(size.steps)
    ]
    assert planned == [sizes_at(RAMPED, step / num_steps, 256) for step in range(num_steps)]


@given(st.floats(0.001, 1e6))
def test_the_fewest_steps_that_read_so_much(sequences):
    found = steps_for(RAMPED, sequences)
    assert num_sequences(RAMPED, found) >= sequences
    assert found == 1 or num_sequences(RAMPED, found - 1) < sequences
