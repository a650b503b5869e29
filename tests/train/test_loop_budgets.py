"""Whole runs by the clock and with ramps."""

import json
import os
import signal
import time
from types import SimpleNamespace

import pytest
import tiny_run
import torch

from groundup.data import Loader, TokenShards
from groundup.train import Recorded
from groundup.train.checkpoint import Checkpoints

RAMPS = {"batch_ramp": ((0.25, 1), (0.5, 2)), "length_ramp": ((0.3, 4), (0.6, 8))}
BY_CLOCK = {key: value for key, value in tiny_run.CONFIG.items() if key != "max_steps"}


def steps_of(folder):
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if "loss" in line]


def losses(folder):
    return [line["loss"] for line in steps_of(folder)]


@pytest.fixture
def by_clock(monkeypatch, train):
    """Train with a budget: ``by_clock("a", budget="2 s")``."""
    monkeypatch.setattr(tiny_run, "CONFIG", BY_CLOCK)
    return train


def test_a_run_by_the_clock_ends_annealed_in_time_and_says_how_many_steps_it_was(
    by_clock, tmp_path, capsys
):
    result = by_clock("run", budget="3 s", decay_fraction=1.0, warmup_steps=0)
    lines = steps_of(tmp_path / "run")
    assert result.step == len(lines) > 3
    shares = [line["progress"] for line in lines]
    assert shares == sorted(shares)
    assert shares[0] == 0
    rates = [line["learning_rate"]["embeddings"] / 3e-3 for line in lines]
    assert rates == pytest.approx([1 - share for share in shares])
    # Quiet machines leave less than two steps of the way; a pause of a busy one may add to that.
    assert rates[-1] < 0.25
    assert result.elapsed < 3 + 1.5
    assert not result.interrupted
    assert result.last is not None
    shown = capsys.readouterr().err
    assert f"max_steps = {result.step} instead of the budget gives one as long" in shown

    again = by_clock("run", budget="3 s", decay_fraction=1.0, warmup_steps=0)
    assert again == result, "a finished run is not trained again"
    longer = by_clock("run", budget="5 s", decay_fraction=1.0, warmup_steps=0)
    assert longer.step > result.step
    assert steps_of(tmp_path / "run")[result.step]["progress"] < 0.9


def test_a_better_model_near_the_end_is_not_saved_where_that_would_make_the_run_late(
    by_clock, monkeypatch, tmp_path
):
    saved, save = [], Checkpoints.save

    def slowly(self, step, tensors, state):
        time.sleep(1.5)
        saved.append(step)
        return save(self, step, tensors, state)

    monkeypatch.setattr(Checkpoints, "save", slowly)
    result = by_clock("run", budget="6 s", decay_fraction=1.0, eval_every=1)
    assert saved[0] < saved[-1] == result.step
    assert result.elapsed < 6 + 1.0


def test_a_run_by_the_clock_is_repeated_bit_for_bit_from_what_it_recorded(
    by_clock, tmp_path, monkeypatch
):
    # Its pauses, for one, are none of what is recorded.
    options = {
        "budget": "2 s",
        "eval_every": 3,
        "average_last": 7,
        "average_fraction": 1.0,
        **RAMPS,
    }
    first = by_clock("clock", **options)
    shares = [line["progress"] for line in steps_of(tmp_path / "clock")]
    fit = tiny_run.fit
    monkeypatch.setattr(
        tiny_run, "fit", lambda *given, **named: fit(*given, **named, horizon=Recorded(shares))
    )
    again = by_clock("again", **options)
    assert losses(tmp_path / "again") == losses(tmp_path / "clock")
    assert again.last == first.last


def test_a_stopped_run_by_the_clock_goes_on_from_the_time_it_had_used(by_clock, tmp_path):
    calls = 0

    def sample(model):
        nonlocal calls
        calls += 1
        if calls == 3:  # the first is the rehearsal of the end
            os.kill(os.getpid(), signal.SIGINT)
        return "text"

    # Its dropout is drawn from generators that go on too.
    first = by_clock("run", budget="6 s", sample=sample, sample_every=4, **RAMPS)
    assert first.interrupted
    assert 0 < first.elapsed < 6
    second = by_clock("run", budget="6 s", sample_every=0, eval_every=0, **RAMPS)
    assert not second.interrupted
    assert second.step > first.step
    assert second.elapsed < 6 + 1.5
    shares = [line["progress"] for line in steps_of(tmp_path / "run")]
    assert shares == sorted(shares)
    elapsed = [line["elapsed"] for line in steps_of(tmp_path / "run")]
    assert elapsed == sorted(elapsed)
    state = json.loads((second.checkpoint / "state.json").read_text())
    sizes = [stage[2:] for stage in state["loader"]["stages"]]
    assert sizes[0] == [1, 4]
    assert sizes[-1] == [4, 16]


def test_ramps_change_the_size_of_steps_and_count_their_tokens(train, tmp_path):
    seen = []

    def objective(model, batch):
        if model.training:
            seen.append(tuple(batch.inputs.shape))
        return tiny_run.NextToken()(model, batch)

    result = train(objective=objective, max_steps=20, **RAMPS)
    assert seen == [(4, 4)] * 5 + [(8, 4)] + [(4, 8)] * 4 + [(8, 8)] * 2 + [(4, 16)] * 8
    lines = steps_of(tmp_path / "run")
    assert lines[4]["tokens"] == 5 * 16
    assert result.tokens == (5 * 1 + 5 * 2 + 10 * 4) * 16
    # At a quarter of the batch half the rate; warm-up is over after four steps.
    rates = [lines[n]["learning_rate"]["embeddings"] / 3e-3 for n in (4, 9, 10)]
    assert rates == pytest.approx([0.5, 0.5**0.5, 1])


def test_micro_batches_of_shorter_rows_have_as_many_tokens(train, tmp_path):
    shapes = []

    def objective(model, batch):
        if model.training:
            shapes.append(tuple(batch.inputs.shape))
        return tiny_run.NextToken()(model, batch)

    ramp = {"length_ramp": ((0.5, 4),), "max_steps": 4}
    model = tiny_run.tiny_model(dropout=0.0)
    train("whole", model=model, **ramp)
    model = tiny_run.tiny_model(dropout=0.0)
    train("parts", model=model, objective=objective, micro_batch_size=2, **ramp)
    assert set(shapes) == {(8, 4), (2, 16)}
    assert losses(tmp_path / "parts") == pytest.approx(losses(tmp_path / "whole"), rel=1e-5)


@pytest.mark.parametrize("packing", ["stream", "best_fit"])
def test_a_ramped_run_stopped_and_resumed_has_identical_losses(train, tokens, tmp_path, packing):
    def loader():
        shards = TokenShards.open(tokens, "train")
        return Loader(shards, batch_size=4, context_length=16, seed=1, packing=packing)

    options = {"max_steps": 20, "packing": packing, **RAMPS}
    train("whole", loader=loader(), **options)

    def stop(model):
        os.kill(os.getpid(), signal.SIGINT)
        return "stopped"

    stopped = 0
    while train("parts", loader=loader(), sample=stop, sample_every=3, **options).interrupted:
        stopped += 1
    assert stopped == 6 + 1, "and once at the end"
    assert losses(tmp_path / "parts") == losses(tmp_path / "whole")


def test_compiling_for_each_shape_happens_outside_the_steps(train, tmp_path, monkeypatch):
    compiled = []

    def fake(objective, model, batch, masters, warn, workers):
        compiled.append(tuple(batch.inputs.shape))
        return objective

    def clock():  # on which compiling takes 1,000 seconds
        return time.monotonic() + 1000 * len(compiled)

    monkeypatch.setattr("groundup.train.compile.compile_objective", fake)
    fake_time = SimpleNamespace(perf_counter=clock, monotonic=time.monotonic)
    monkeypatch.setattr("groundup.train.loop.time", fake_time)
    train("ramped", max_steps=20, compile="on", **RAMPS)
    assert compiled == [(4, 4), (8, 4), (4, 8), (8, 8), (4, 16)]
    lines = steps_of(tmp_path / "ramped")
    assert torch.isfinite(torch.tensor([line["loss"] for line in lines])).all()
    assert lines[-1]["seconds"] < 1000, "of the steps"
