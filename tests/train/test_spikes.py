import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.objectives import NextToken
from groundup.train import Loss
from groundup.train.spikes import SpikeError, SpikeGuard


def accept(guard, loss, grad_norm, factor=3.0, window=4, warn=lambda _line: None):
    return guard.accept(loss, grad_norm, factor=factor, window=window, warn=warn)


@pytest.fixture
def settled():
    """A guard that knows what is usual."""
    guard = SpikeGuard()
    assert all(accept(guard, 2.0, norm) for norm in (1.0, 9.0, 1.1, 0.9))
    return guard


def test_nothing_is_skipped_before_the_history_is_full():
    guard = SpikeGuard()
    assert all(accept(guard, 2.0, norm) for norm in (1.0, 100.0, 1.0, 10_000.0))


@pytest.mark.parametrize(
    ("loss", "norm", "reason"),
    [(2.0, 3.2, "gradient norm 3.2, usually 1.05"), (6.1, 1.0, "loss 6.1, usually 2")],
)
def test_a_step_far_over_the_median_is_skipped_and_does_not_enter_the_history(
    settled, loss, norm, reason
):
    lines, before = [], (list(settled.losses), list(settled.grad_norms))
    assert not accept(settled, loss, norm, warn=lines.append)
    assert lines == [f"a spike: {reason}; the step is skipped, 1 so far"]
    assert (settled.losses, settled.grad_norms) == before
    assert accept(settled, 2.0, 3.1)
    assert (settled.skipped, settled.in_a_row) == (1, 0)


def test_a_run_that_only_skips_stops(settled):
    for _ in range(3):
        assert not accept(settled, 2.0, 50.0)
    with pytest.raises(SpikeError, match="last 4 steps were all skipped") as raised:
        accept(settled, 2.0, 50.0)
    assert "\n" not in str(raised.value)


def test_with_a_shorter_window_than_before_spikes_are_still_seen(settled):
    assert not accept(settled, 2.0, 50.0, window=3)
    assert accept(settled, 2.0, 1.0, window=3)
    assert len(settled.losses) == 3
    settled.in_a_row = 7
    with pytest.raises(SpikeError, match="last 3 steps"):
        accept(settled, 2.0, float("nan"), window=3)


def test_factor_zero_accepts_every_step_and_remembers_none():
    guard = SpikeGuard()
    assert all(accept(guard, 1.0, 10.0**i, factor=0.0) for i in range(9))
    assert guard == SpikeGuard()


@given(st.lists(st.floats(0, 1e6), max_size=40), st.integers(2, 6))
def test_state_written_as_json_decides_alike(norms, window):
    def decide(guard, norm):
        try:
            return accept(guard, 1.0, norm, window=window)
        except SpikeError:
            return "stopped"

    guard = SpikeGuard()
    for norm in norms:
        twin = SpikeGuard(**json.loads(json.dumps(vars(guard))))
        assert decide(twin, norm) == decide(guard, norm)
        assert twin == guard
        assert len(guard.losses) <= window


def spiking(*steps):
    """An objective whose loss is a thousandfold at some training steps."""
    calls = 0

    def objective(model, batch):
        nonlocal calls
        calls += model.training
        loss = NextToken()(model, batch)
        return Loss(loss.sum * (1000.0 if model.training and calls in steps else 1.0), loss.count)

    return objective


SETTINGS = {"spike_factor": 4.0, "spike_window": 4, "schedule": "constant"}


def test_a_run_skips_a_spike_counts_it_and_resumes_as_if_never_stopped(train, tmp_path, read_lines):
    train("whole", objective=spiking(8, 13), **SETTINGS)
    lines = [line for line in read_lines(tmp_path / "whole/metrics.jsonl") if "loss" in line]
    assert [line["skipped"] for line in lines] == [0] * 7 + [1] * 5 + [2] * 12
    train("parts", objective=spiking(8), max_steps=9, **SETTINGS)
    train("parts", objective=spiking(13 - 9), **SETTINGS)
    again = [line for line in read_lines(tmp_path / "parts/metrics.jsonl") if "loss" in line]
    assert [line["loss"] for line in again] == [line["loss"] for line in lines]
    assert again[-1]["skipped"] == 2


def test_a_skipped_step_leaves_weights_and_optimizer_as_they_were(train, tiny_model):
    one, other = tiny_model(dropout=0.0), tiny_model(dropout=0.0)
    train("a", model=one, max_steps=8, objective=spiking(8), **SETTINGS)
    train("b", model=other, max_steps=7, **SETTINGS)
    for a, b in zip(one.parameters(), other.parameters(), strict=True):
        assert a.equal(b)
