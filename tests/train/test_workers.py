"""Parts of a batch side by side give what the whole batch gives, and always the same."""

import pytest
import torch
from torch._inductor import codecache

from groundup.machine import has_compiler
from groundup.objectives import NextToken
from groundup.train import TrainConfig
from groundup.train.compile import compile_objective
from groundup.train.precision import Masters
from groundup.train.workers import Workers

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def threads():
    """Let torch have four threads, whatever the machine has."""
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


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
def test_the_parts_add_up_to_the_whole(tiny_model, loader, architecture, dtype):
    model = tiny_model(architecture=architecture, dropout=0.0)
    whole, split = Workers(1), Workers(4)
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
    ("threads", "rows", "parts"), [(4, 4, 4), (3, 4, 2), (8, 4, 4), (4, 1, 1), (1, 4, 1)]
)
def test_parts_are_equal_and_no_more_than_threads(loader, threads, rows, parts):
    batch = loader.batch(0).rows(slice(0, rows))
    found = Workers(threads).parts(batch)
    assert len(found) == parts
    assert torch.equal(torch.cat([part.inputs for part in found]), batch.inputs)


def test_on_a_gpu_and_for_large_models_nothing_is_split(tiny_model, loader, monkeypatch):
    def parts(split, device=CPU):
        workers = Workers.of_run(TrainConfig(split_batch=split), tiny_model(), device)
        return len(workers.parts(loader.batch(0)))

    assert [parts("off"), parts("auto"), parts("on")] == [1, 4, 4]
    assert parts("on", torch.device("cuda")) == 1
    monkeypatch.setattr("groundup.train.workers.MOST_PARAMETERS", 10)
    assert [parts("auto"), parts("on")] == [1, 4]


def test_what_goes_wrong_in_a_part_is_raised(tiny_model, loader):
    def failing(model, batch):
        raise ValueError("no such thing")

    model = tiny_model()
    with pytest.raises(ValueError, match="no such thing"):
        gradients(model, loader, Workers(2), objective=failing)


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


@pytest.mark.skipif(not has_compiler(), reason="needs a C++ compiler")
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
    assert "ALLOW_THREADS" in codecache.CppPythonBindingsCodeCache.call_entry_function
    assert any("ALLOW_THREADS" in path.read_text() for path in tmp_path.rglob("*.cpp"))
