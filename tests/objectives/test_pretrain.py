import pytest
import torch

from groundup.data import Batch
from groundup.model import ModelConfig, build_model
from groundup.objectives import NextToken


@pytest.fixture
def make_model():
    shape = {"vocab_size": 29, "context_length": 16, "num_layers": 1, "width": 24}
    return lambda **options: build_model(ModelConfig(**(shape | options)), seed=0)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    ids = torch.randint(0, 29, (3, 9), generator=generator)
    mask = torch.rand(3, 8, generator=generator) < 0.6
    return Batch(inputs=ids[:, :-1], targets=ids[:, 1:], loss_mask=mask)


@pytest.mark.parametrize("options", [{}, {"logit_soft_cap": 2.0}, {"architecture": "rnn"}])
def test_the_loss_is_minus_the_log_probability_of_the_marked_targets(make_model, batch, options):
    model = make_model(**options)
    loss = NextToken()(model, batch)
    log_probs_BTV = model(batch.inputs).log_softmax(-1)
    expected = sum(
        -log_probs_BTV[b, t, batch.targets[b, t]].item() for b, t in batch.loss_mask.nonzero()
    )
    assert loss.sum.item() == pytest.approx(expected, rel=1e-5)
    assert int(loss.count) == int(batch.loss_mask.sum())


def test_targets_outside_the_mask_have_no_say(make_model, batch):
    model = make_model()
    other = torch.where(batch.loss_mask, batch.targets, (batch.targets + 1) % 29)
    changed = Batch(batch.inputs, other, batch.loss_mask)
    assert NextToken()(model, changed).sum == NextToken()(model, batch).sum


def test_a_batch_without_targets_costs_nothing(make_model, batch):
    nothing = Batch(batch.inputs, batch.targets, torch.zeros_like(batch.loss_mask))
    loss = NextToken()(make_model(), nothing)
    assert (loss.sum.item(), int(loss.count)) == (0.0, 0)


def test_documents_and_positions_reach_the_model(make_model, batch):
    model = make_model()
    ids = torch.tensor([[0, 0, 0, 1, 1, 1, 1, 1]]).expand(3, -1)
    positions = torch.tensor([[0, 1, 2, 0, 1, 2, 3, 4]]).expand(3, -1)
    apart = Batch(batch.inputs, batch.targets, batch.loss_mask, ids, positions)
    first, second = (
        NextToken()(
            model, Batch(*(t[:, part] for t in (batch.inputs, batch.targets, batch.loss_mask)))
        )
        for part in (slice(0, 3), slice(3, 8))
    )
    expected = (first.sum + second.sum).item()
    assert NextToken()(model, apart).sum.item() == pytest.approx(expected, rel=1e-5)
    assert NextToken()(model, batch).sum.item() != pytest.approx(expected, rel=1e-5)


def test_the_loss_of_a_bfloat16_model_is_float32(make_model, batch):
    loss = NextToken()(make_model().bfloat16(), batch)
    assert loss.sum.dtype == torch.float32
