import os

import pytest
import torch

from groundup.machine import has_compiler
from groundup.model import attention
from groundup.model.dropout import drop
from groundup.objectives import NextToken
from groundup.train import compile as compiling
from groundup.train.compile import compile_objective, compile_obstacle
from groundup.train.precision import Masters

CPU = torch.device("cpu")


def test_what_auto_may_compile(tiny_model, monkeypatch):
    transformer, recurrent = tiny_model(), tiny_model(architecture="rnn")
    monkeypatch.setattr(compiling, "has_compiler", lambda: True)
    assert compile_obstacle(transformer, CPU) == ""
    assert "recurrent" in compile_obstacle(recurrent, CPU)
    assert "mps" in compile_obstacle(transformer, torch.device("mps"))
    monkeypatch.setattr(compiling, "has_compiler", lambda: False)
    assert "no C++ compiler" in compile_obstacle(transformer, CPU)
    assert compile_obstacle(transformer, torch.device("cuda")) == ""


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("C++ compile error\nlong listing", "C++ compile error"),
        ("backend='inductor' raised:\nno g++\nlisting", "backend='inductor' raised: no g++"),
    ],
)
def test_a_compiler_that_fails_leaves_the_eager_objective_and_one_warning(
    tiny_model, loader, monkeypatch, message, reason
):
    def failing(objective, **options):
        def call(model, batch):
            torch.rand(5)
            raise RuntimeError(message)

        return call

    monkeypatch.setattr(torch, "compile", failing)
    model, objective, warnings = tiny_model(), NextToken(), []
    before = torch.get_rng_state()
    masters = Masters(model, torch.float32)
    chosen = compile_objective(objective, model, loader.batch(0), masters, warnings.append)
    assert chosen is objective
    assert warnings == [f"torch.compile failed ({reason}); training goes on without it"]
    assert torch.equal(torch.get_rng_state(), before)
    assert masters.gradients() == []


def test_compiled_code_is_kept_in_the_users_cache_or_where_the_user_says(
    tiny_model, loader, monkeypatch, tmp_path
):
    monkeypatch.setattr(torch, "compile", lambda objective, **options: objective)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model, batch = tiny_model(), loader.batch(0)
    masters = Masters(model, torch.float32)
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "")  # so that it is put back as it was
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR")
    compile_objective(NextToken(), model, batch, masters, print)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "groundup" / "compiled")
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", "mine")
    compile_objective(NextToken(), model, batch, masters, print)
    assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == "mine"


@pytest.mark.slow
@pytest.mark.skipif(not has_compiler(), reason="torch.compile needs a C++ compiler here")
def test_compiled_the_loss_and_its_gradients_are_the_same(tiny_model, loader):
    model, batch, warnings = tiny_model(dropout=0.0), loader.batch(0), []
    masters = Masters(model, torch.float32)
    compiled = compile_objective(NextToken(), model, batch, masters, warnings.append)
    assert warnings == []
    assert masters.gradients() == []
    found = []
    for objective in (compiled, NextToken()):
        loss = objective(model, batch).sum
        found.append((loss, *torch.autograd.grad(loss, list(model.parameters()))))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(not has_compiler(), reason="torch.compile needs a C++ compiler here")
@pytest.mark.parametrize("documents", [False, True])
def test_compiled_in_bfloat16_logits_and_gradients_are_as_near_to_the_exact_ones(
    tiny_model, documents, monkeypatch
):
    monkeypatch.setattr(attention, "TILE", 5)
    model = tiny_model(dropout=0.0, num_layers=2)
    inputs, T = torch.arange(64).view(4, 16) % 31, 16
    ids = (torch.arange(T) // 6).expand(4, T) if documents else None

    def found(call):
        logits = call(inputs, document_ids_BT=ids).float()
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), inputs.roll(1, 1).flatten())
        return [logits, *torch.autograd.grad(loss, list(model.parameters()))]

    exact = found(model)
    model.bfloat16()
    eager, compiled = found(model), found(torch.compile(model, fullgraph=True, dynamic=False))
    for true, one, other in zip(exact, eager, compiled, strict=True):
        assert (other.float() - true).norm() <= 1.5 * (one.float() - true).norm()


@pytest.mark.slow
@pytest.mark.skipif(not has_compiler(), reason="torch.compile needs a C++ compiler here")
def test_dropout_does_not_break_the_compiled_graph(tiny_model, loader):
    model = tiny_model(dropout=0.2).train()
    compiled = torch.compile(NextToken(), fullgraph=True, dynamic=False)
    losses = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        loss = compiled(model, loader.batch(0)).sum
        loss.backward()
        losses.append(loss.item())
    assert losses[0] == losses[1] != losses[2]


@pytest.mark.slow
@pytest.mark.skipif(not has_compiler(), reason="torch.compile needs a C++ compiler here")
def test_compiled_dropout_draws_anew_each_time_and_drops_as_much(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path))
    ones = torch.ones(64, 65, requires_grad=True)

    def twice(numbers):
        return drop(numbers, 0.25, training=True), drop(numbers, 0.25, training=True)

    first, second = torch.compile(twice, dynamic=False)(ones)
    assert not torch.equal(first, second)
    for dropped in (first, second):
        assert (dropped == 0).float().mean().item() == pytest.approx(0.25, abs=0.03)
        kept = dropped[dropped != 0]
        assert torch.equal(kept, torch.full_like(kept, kept[0].item()))
        (gradient,) = torch.autograd.grad(dropped.sum(), ones, retain_graph=True)
        assert torch.equal(gradient, dropped.detach()), "backward drops what forward dropped"


@pytest.mark.slow
@pytest.mark.skipif(not has_compiler(), reason="torch.compile needs a C++ compiler here")
def test_any_number_of_shapes_and_trainings_can_be_compiled(tiny_model, loader):
    from torch._dynamo import config, utils

    model, graphs = tiny_model(), utils.counters["stats"]
    masters = Masters(model, torch.float32)
    with config.patch(recompile_limit=1):
        for rows in (1, 2, 3):
            before = graphs["unique_graphs"]
            batch = loader.batch(0).rows(slice(0, rows))
            compile_objective(NextToken(), model, batch, masters, pytest.fail)
            assert graphs["unique_graphs"] == before + 1
