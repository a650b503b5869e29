"""Parts of a batch side by side give what the whole batch gives, and always the same."""

import os
import subprocess
import sys
import time
from concurrent import futures

import pytest
import torch
from tiny_run import tiny_loader
from torch._inductor import codecache

from groundup.machine import has_compiler
from groundup.model import ModelConfig
from groundup.objectives import NextToken
from groundup.train import TrainConfig
from groundup.train.compile import compile_objective
from groundup.train.precision import Masters
from groundup.train.workers import Workers, most_parts

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def threads():
    """Let torch have four threads, whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


@pytest.fixture(params=["two operations", "one"])
def head(request, monkeypatch):
    """Take output head and loss as two operations, or as one with a kernel."""
    if request.param == "one":
        monkeypatch.setattr("groundup.objectives.pretrain.FUSED_FROM", 0)


def gradients(model, loader, workers, dtype=torch.float32, objective=None):
    """Return loss and gradients of the first batch."""
    masters = Masters(model, dtype)
    losses = workers.backward(objective or NextToken(), model, masters, loader.batch(0))
    found = {name: tensor.grad for name, tensor in masters.parameters().items()}
    masters.release()
    model.zero_grad()
    return sum(loss.sum for loss in losses) / sum(loss.count for loss in losses), found


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("architecture", ["qwen3", "gpt2", "rnn"])
@pytest.mark.parametrize("count", [4, 8])
@pytest.mark.usefixtures("head")
def test_the_parts_add_up_to_the_whole(tiny_model, loader, architecture, dtype, count):
    model = tiny_model(architecture=architecture, dropout=0.0)
    whole, split = Workers(1), Workers(count)
    loss, expected = gradients(model, loader, whole, dtype)
    split_loss, found = gradients(model, loader, split, dtype)
    tolerance = (
        {"rtol": 1e-5, "atol": 1e-5} if dtype == torch.float32 else {"rtol": 0.05, "atol": 0.05}
    )
    torch.testing.assert_close(split_loss, loss, **tolerance)
    assert found.keys() == expected.keys()
    for name, gradient in found.items():
        assert gradient.dtype == torch.float32
        torch.testing.assert_close(gradient, expected[name], **tolerance)
    assert torch.get_num_threads() == 4


@pytest.mark.usefixtures("head")
def test_dropout_is_the_same_each_time_and_another_for_each_part(tiny_model, loader):
    model = tiny_model(dropout=0.5)
    workers = Workers(2)
    runs = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        runs.append(gradients(model, loader, workers))
    assert runs[0][0] == runs[1][0]
    assert runs[0][0] != runs[2][0]
    assert all(torch.equal(runs[0][1][name], gradient) for name, gradient in runs[1][1].items())
    batch = loader.batch(0)
    for tensor in (batch.inputs, batch.targets, batch.loss_mask):
        tensor[2:] = tensor[:2]
    first, second = workers.backward(NextToken(), model, Masters(model, torch.float32), batch)
    assert first.sum != second.sum, "the same text, other elements dropped"


@pytest.mark.parametrize(
    ("count", "rows", "parts"),
    [(4, 4, 4), (8, 4, 4), (4, 1, 1), (1, 4, 1), (16, 8, 8), (4, 6, 2), (6, 8, 2), (3, 8, 1)],
)
def test_parts_are_equal_and_leave_few_threads_without_work(tokens, count, rows, parts):
    batch = tiny_loader(tokens, batch_size=rows).batch(0)
    found = Workers(count).parts(batch)
    assert len(found) == parts
    assert torch.equal(torch.cat([part.inputs for part in found]), batch.inputs)


def test_on_a_gpu_and_for_large_models_nothing_is_split(tiny_model, loader, monkeypatch):
    def parts(split, device=CPU):
        workers = Workers.of_run(TrainConfig(split_batch=split), tiny_model(), device)
        return len(workers.parts(loader.batch(0)))

    assert [parts("off"), parts("auto"), parts("on")] == [1, 4, 4]
    assert parts("on", torch.device("cuda")) == 1
    size = sum(parameter.numel() for parameter in tiny_model().parameters())
    monkeypatch.setattr("groundup.train.workers.MOST_GRADIENTS", 2 * size + 1)
    assert [parts("auto"), parts("on")] == [2, 4]
    monkeypatch.setattr("groundup.train.workers.MOST_GRADIENTS", size)
    assert [parts("auto"), parts("on")] == [1, 4]


def test_a_batch_whose_logits_the_loss_takes_in_parts_is_not_split(monkeypatch):
    config, model = TrainConfig(batch_size=8), ModelConfig(vocab_size=64, context_length=16)
    monkeypatch.setattr("groundup.train.workers.MOST_LOGITS", 8 * 16 * 64)
    assert most_parts(config, model, 1000, 2) == 2
    assert most_parts(config, model.model_copy(update={"vocab_size": 65}), 1000, 2) == 1
    few = config.model_copy(update={"micro_batch_size": 4})
    assert most_parts(few, model.model_copy(update={"vocab_size": 128}), 1000, 2) == 2


def test_ctrl_c_waits_for_the_parts(monkeypatch):
    """Otherwise the weights would be taken from under them."""
    workers, done, real = Workers(2), [], futures.wait
    interrupted = iter([True])

    def wait(pending):
        if next(interrupted, False):
            raise KeyboardInterrupt
        return real(pending)

    def work(number):
        time.sleep(0.2)
        done.append(number)

    monkeypatch.setattr("groundup.train.workers.wait", wait)
    with pytest.raises(KeyboardInterrupt):
        workers.for_each([0, 1], work)
    assert sorted(done) == [0, 1]
    assert torch.get_num_threads() == 4


def test_what_goes_wrong_in_a_part_is_raised(tiny_model, loader):
    def failing(model, batch):
        raise ValueError("no such thing")

    model = tiny_model()
    with pytest.raises(ValueError, match="no such thing"):
        gradients(model, loader, Workers(2), objective=failing)


@pytest.mark.usefixtures("head")
def test_two_runs_and_a_resumed_one_have_the_same_losses(train, tmp_path, read_lines):
    def losses(name):
        return [
            line["loss"] for line in read_lines(tmp_path / name / "metrics.jsonl") if "loss" in line
        ]

    for name in ("one", "two"):
        train(name, max_steps=12, split_batch="on")
    train("parts", max_steps=7, split_batch="on", schedule="constant")
    train("parts", max_steps=12, split_batch="on", schedule="constant")
    train("whole", max_steps=12, split_batch="on", schedule="constant")
    train("unsplit", max_steps=12, split_batch="off")
    assert losses("one") == losses("two")
    assert losses("one") != losses("unsplit"), "each part drops other elements"
    assert losses("parts") == losses("whole")


OUT_OF_RANGE = """
import torch
from groundup.train.compile import _let_others_run

torch.set_num_threads(1)
_let_others_run()
look_up = torch.compile(lambda table, ids: table[ids] * 2)
look_up(torch.zeros(4), torch.arange(4))
try:
    look_up(torch.zeros(4), torch.arange(4) + 1)
except RuntimeError as error:
    assert "index out of bounds" in str(error), error
    print("raised")
"""


@pytest.mark.skipif(not has_compiler(), reason="needs a C++ compiler")
def test_what_a_compiled_kernel_throws_is_an_error_and_not_the_end(tmp_path):
    environment = os.environ | {"TORCHINDUCTOR_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", OUT_OF_RANGE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "raised\n", done.stderr


@pytest.mark.skipif(not has_compiler(), reason="needs a C++ compiler")
@pytest.mark.usefixtures("head")
def test_compiled_parts_run_at_once_and_agree(tiny_model, loader, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    model = tiny_model(dropout=0.0)
    workers = Workers(2)
    _, expected = gradients(model, loader, workers)
    masters, warnings = Masters(model, torch.float32), []
    batch = loader.batch(0)
    compiled = compile_objective(NextToken(), model, batch, masters, warnings.append, workers)
    assert not warnings
    _, found = gradients(model, loader, workers, objective=compiled)
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name], rtol=1e-4, atol=1e-4)
    # This torch's kernels are called as compile.py expects, and so without the lock.
    assert "SaveThread" in codecache.CppPythonBindingsCodeCache.call_entry_function
    assert any("SaveThread" in path.read_text() for path in tmp_path.rglob("*.cpp"))
