import pytest
import torch

from groundup.data import Batch
from groundup.objectives import NextToken
from groundup.train import Loss, TrainConfig
from groundup.train.optimizers import Optimizers, group_parameters
from groundup.train.precision import Masters
from groundup.train.step import micro_batches, train_step


class Recorder:
    """Stands in for the optimizers and keeps the gradients it was given."""

    def __init__(self, model):
        self.model = model

    def step(self, multiplier):
        gradients = [p.grad.flatten() for p in self.model.parameters() if p.grad is not None]
        self.gradient = torch.cat(gradients)


def step(model, batch, objective=None, dtype=torch.float32, optimizers=None, **options):
    masters = Masters(model.train(), dtype)
    config = TrainConfig(optimizer="adamw")
    groups = group_parameters(model, masters.parameters(), config)
    optimizers = optimizers or Optimizers(groups, config)
    settings = {"micro_batch_size": 0, "clip_norm": 1.0, "multiplier": 1.0} | options
    result = train_step(model, objective or NextToken(), masters, optimizers, batch, **settings)
    masters.release()
    return result


@pytest.fixture
def batch(loader):
    """A batch whose sequences have unequal numbers of targets."""
    whole = loader.batch(0)
    mask = whole.loss_mask.clone()
    mask[0, 3:] = False
    mask[1, :9] = False
    return Batch(whole.inputs, whole.targets, mask)


@pytest.mark.parametrize("size", [1, 2])
def test_micro_batches_equal_one_big_batch(tiny_model, batch, size):
    model = tiny_model(dropout=0.0)
    one, many = Recorder(model), Recorder(model)
    whole = step(model, batch, optimizers=one)
    parts = step(model, batch, optimizers=many, micro_batch_size=size)
    assert parts.loss == pytest.approx(whole.loss, rel=1e-6)
    assert parts.grad_norm == pytest.approx(whole.grad_norm, rel=1e-6)
    torch.testing.assert_close(many.gradient, one.gradient, atol=1e-6, rtol=0)


def test_loss_and_gradient_norm_are_those_of_the_mean(tiny_model, batch):
    model = tiny_model(dropout=0.0)
    loss = NextToken()(model, batch)
    mean = loss.sum / loss.count
    gradients = torch.autograd.grad(mean, list(model.parameters()))
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    result = step(model, batch)
    assert result.loss == pytest.approx(mean.item(), rel=1e-6)
    assert result.grad_norm == pytest.approx(norm.item(), rel=1e-5)


def test_clipping_scales_the_gradient_to_the_norm(tiny_model, batch):
    model = tiny_model(dropout=0.0)
    for clip_norm, expected in ((0.01, 0.01), (1e6, None), (0.0, None)):
        recorder = Recorder(model)
        result = step(model, batch, optimizers=recorder, clip_norm=clip_norm)
        norm = recorder.gradient.norm().item()
        assert norm == pytest.approx(expected or result.grad_norm, rel=1e-3)


def test_metrics_are_divided_by_the_global_count(tiny_model, batch):
    def objective(model, part):
        loss = NextToken()(model, part)
        return Loss(loss.sum, loss.count, {"count": loss.count, "two": 2.0 * int(loss.count)})

    result = step(tiny_model(), batch, objective, micro_batch_size=1)
    assert result.metrics == {"count": 1.0, "two": 2.0}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_step_that_is_not_finite_updates_nothing(tiny_model, batch, value, where):
    def objective(model, part):
        loss = NextToken()(model, part)
        if where == "loss":
            return Loss(loss.sum * value, loss.count)
        loss.sum.register_hook(lambda gradient: gradient * value)
        return loss

    model = tiny_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert not step(model, batch, objective).finite
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_bfloat16_takes_nearly_the_same_step(tiny_model, batch):
    models = [tiny_model(dropout=0.0) for _ in range(2)]
    exact = step(models[0], batch)
    rounded = step(models[1], batch, dtype=torch.bfloat16)
    assert rounded.loss == pytest.approx(exact.loss, rel=1e-2)
    assert rounded.grad_norm == pytest.approx(exact.grad_norm, rel=3e-2)


def test_micro_batches_cover_the_batch_once(batch):
    parts = list(micro_batches(batch, 2))
    assert torch.equal(torch.cat([part.inputs for part in parts]), batch.inputs)
    assert len(list(micro_batches(batch, 0))) == 1
