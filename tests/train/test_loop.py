import dataclasses
import json
import os
import random
import re
import signal
import time

import pytest
import torch

from groundup.errors import UserError
from groundup.objectives import NextToken
from groundup.train import Loss, NonFiniteError


def wait_for_step(folder, step, process):
    """Wait until ``metrics.jsonl`` tells of a step."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.is_alive():
        path = folder / "metrics.jsonl"
        if path.exists() and f'"step": {step},' in path.read_text():
            return
        time.sleep(0.002)
    pytest.fail(f"step {step} never came")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_run_learns_and_writes_down_every_step(train, tmp_path, tiny_model, dtype):
    model = tiny_model()
    result = train(model=model, dtype=dtype)
    lines = [json.loads(line) for line in (tmp_path / "run/metrics.jsonl").read_text().splitlines()]
    steps = [line for line in lines if "loss" in line]
    validations = [line for line in lines if "validation" in line]
    assert [line["step"] for line in steps] == list(range(1, 25))
    assert [line["step"] for line in validations] == [8, 16, 24]
    assert steps[0].keys() == {
        *("step", "loss", "grad_norm", "learning_rate", "progress", "elapsed"),
        *("tokens", "seconds", "data_seconds", "tokens_per_second", "compiled", "mfu"),
    }
    assert steps[0]["learning_rate"]["embeddings"] == pytest.approx(3e-3 / 4)
    assert steps[-1]["tokens"] == result.tokens == 24 * 4 * 16
    assert steps[-1]["loss"] < 0.9 * steps[0]["loss"]
    assert validations[-1]["validation"]["nats_per_token"] == result.last.nats_per_token
    assert result.best_step == 24
    assert result.best_checkpoint == result.checkpoint == tmp_path / "run/checkpoints/step-00000024"
    assert result.tokens_per_second == pytest.approx(result.tokens / result.seconds)
    assert not result.interrupted
    samples = (tmp_path / "run/samples.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in samples] == [6, 12, 18, 24]
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not model.training


def test_looking_at_a_run_does_not_change_it(train, tmp_path, read_lines):
    train("seen")
    train("unseen", eval_every=0, sample_every=0, checkpoint_every=0)
    losses = [
        [line["loss"] for line in read_lines(tmp_path / name / "metrics.jsonl") if "loss" in line]
        for name in ("seen", "unseen")
    ]
    assert losses[0] == losses[1]


def test_a_finished_run_is_not_trained_again(train):
    first = train()
    second = train(objective=lambda model, batch: pytest.fail("trained again"))
    assert second == first


def test_a_signal_at_the_very_end_is_not_forgotten(train):
    seen = []

    def sample(model):
        seen.append(model)
        if len(seen) == 4:  # the last
            signal.raise_signal(signal.SIGINT)
        return ""

    stopped = train(sample=sample)
    assert stopped.interrupted
    assert stopped.step == 24
    done = train(objective=lambda model, batch: pytest.fail("trained again"))
    assert done == dataclasses.replace(stopped, interrupted=False)


def test_the_learning_rate_that_is_noted_is_the_one_that_is_used(train, tmp_path, read_lines):
    train(base_batch_tokens=16, max_steps=4, schedule="constant", warmup_steps=0)
    lines = read_lines(tmp_path / "run/metrics.jsonl")
    rates = lines[0]["learning_rate"]
    assert rates["embeddings"] == pytest.approx(3e-3 * 2), "four times the batch, the root of it"


def test_a_run_can_be_made_longer(train, tmp_path, read_lines):
    train(max_steps=10, schedule="constant")
    train(max_steps=20, schedule="constant")
    train("whole", max_steps=20, schedule="constant")
    losses = [
        [line["loss"] for line in read_lines(tmp_path / name / "metrics.jsonl") if "loss" in line]
        for name in ("run", "whole")
    ]
    assert losses[0] == losses[1]
    with pytest.raises(UserError, match=r"already trained 20 steps, more than max_steps 15"):
        train(max_steps=15)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_killed_three_times_and_resumed_gives_identical_losses(
    start_run, tmp_path, read_lines, dtype
):
    whole = start_run(tmp_path / "whole", dtype=dtype)
    whole.join()
    assert whole.exitcode == 0

    killed, seed = tmp_path / "killed", random.randrange(10**6)
    for step in sorted(random.Random(seed).sample(range(1, 23), 3)):
        process = start_run(killed, seconds=0.02, dtype=dtype)
        wait_for_step(killed, step, process)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    process = start_run(killed, dtype=dtype)
    process.join()
    assert process.exitcode == 0
    for name in ("metrics.jsonl", "samples.jsonl"):
        assert read_lines(killed / name) == read_lines(tmp_path / "whole" / name), f"seed {seed}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_stops_and_the_run_goes_on_from_there(
    start_run, tmp_path, read_lines, train, number
):
    process = start_run(tmp_path / "stopped", seconds=0.05)
    wait_for_step(tmp_path / "stopped", 3, process)
    os.kill(process.pid, number)
    process.join()
    assert process.exitcode == 130
    steps = [line["step"] for line in read_lines(tmp_path / "stopped/metrics.jsonl")]
    assert steps[-1] < 24
    newest = max((tmp_path / "stopped/checkpoints").glob("step-*"))
    assert newest.name == f"step-{steps[-1]:08d}"

    train("stopped")
    train("whole")
    assert read_lines(tmp_path / "stopped/metrics.jsonl") == read_lines(
        tmp_path / "whole/metrics.jsonl"
    )


def not_finite_in(*steps):
    """Return an objective whose loss is not a number in these steps; nothing may be split."""
    calls = 0

    def objective(model, batch):
        nonlocal calls
        calls += model.training
        wrong = model.training and calls in steps
        loss = NextToken()(model, batch)
        return Loss(loss.sum * (float("nan") if wrong else 1.0), loss.count)

    return objective


def test_a_loss_that_is_not_finite_stops_with_step_documents_and_checkpoint(
    train, tmp_path, loader, tiny_model
):
    model = tiny_model()
    with pytest.raises(NonFiniteError) as raised:
        train(model=model, objective=not_finite_in(8), split_batch="off")
    message = str(raised.value)
    assert "\n" not in message
    assert message.startswith("step 8: loss nan")
    numbers = re.search(r"documents ([\d, ]+)\.", message)[1]
    assert [int(number) for number in numbers.split(", ")] == loader.documents_of(7)
    assert f"the run goes on from {tmp_path}/run/checkpoints/step-00000005" in message
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    train(model=tiny_model())  # goes on from step 5
    lines = (tmp_path / "run/metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines if "loss" in line] == list(range(1, 25))


def test_weights_whose_validation_is_not_finite_are_not_saved(train, tiny_model, tmp_path):
    validations = 0

    def objective(model, batch):
        nonlocal validations
        validations += not model.training
        loss = NextToken()(model, batch)
        ruined = not model.training and validations > batches
        return Loss(loss.sum * (float("inf") if ruined else 1.0), loss.count)

    batches = 10**9
    train("whole", objective=objective, max_steps=8)
    batches, validations = validations, 0  # of one validation
    with pytest.raises(NonFiniteError, match="step 16: the loss of held-out text is inf") as e:
        train(objective=objective, checkpoint_every=8)
    assert str(e.value).endswith(f"goes on from {tmp_path}/run/checkpoints/step-00000008")
    assert "Infinity" not in (tmp_path / "run/metrics.jsonl").read_text()


def test_where_spikes_are_skipped_so_is_a_loss_that_is_not_finite(
    train, tiny_model, read_lines, tmp_path
):
    model = tiny_model()
    settings = {"spike_factor": 1e9, "spike_window": 4, "split_batch": "off"}
    train(model=model, objective=not_finite_in(1, 8), **settings)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    lines = [line for line in read_lines(tmp_path / "run/metrics.jsonl") if "loss" in line]
    assert [line["step"] for line in lines] == list(range(1, 25))
    assert [line["step"] for line in lines if line["loss"] is None] == [1, 8]
    assert lines[-1]["skipped"] == 2


def test_a_checkpoint_is_taken_where_the_last_is_old(train, tmp_path, monkeypatch):
    train(max_steps=12, checkpoint_every=0, eval_every=0, checkpoint_minutes=0, keep_checkpoints=9)
    assert checkpointed(tmp_path / "run") == [12]
    clock = iter(range(10**6))
    monkeypatch.setattr("groundup.train.loop.time.monotonic", lambda: 60.0 * next(clock))
    options = {"checkpoint_every": 0, "eval_every": 0, "keep_checkpoints": 9}
    train("slow", max_steps=12, checkpoint_minutes=4, **options)
    # A minute goes by at each look at the clock: once a step, and once for a checkpoint.
    assert checkpointed(tmp_path / "slow") == [4, 8, 12]


def checkpointed(folder):
    """Return the steps of a run's checkpoints."""
    return sorted(int(path.name.partition("-")[2]) for path in folder.glob("checkpoints/step-*"))


def test_other_data_is_refused(train, tokens, loader):
    train(max_steps=5)
    loader.seed = 99
    with pytest.raises(UserError, match="trained with seed 1, but it is 99 now"):
        train(loader=loader)
