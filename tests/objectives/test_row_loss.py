import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from groundup.objectives.row_loss import rows_loss


@pytest.fixture(autouse=True)
def threads():
    """Let torch have its threads back."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def plain(logits_RV, targets_R):
    logits_RV = logits_RV.double().requires_grad_()
    loss = F.cross_entropy(logits_RV, targets_R, reduction="sum", ignore_index=-1)
    loss.backward()
    return loss.item(), logits_RV.grad


@given(
    R=st.integers(1, 9),
    V=st.integers(1, 70),
    scale=st.sampled_from([1e-3, 1.0, 30.0, 1e4, 1e30]),
    dtype=st.sampled_from([torch.float32, torch.bfloat16]),
    count=st.integers(1, 4),
    seed=st.integers(0, 2**32),
)
def test_loss_and_gradient_are_those_of_torch(R, V, scale, dtype, count, seed):
    generator = torch.Generator().manual_seed(seed)
    logits_RV = (torch.randn(R, V, generator=generator) * scale).to(dtype)
    targets_R = torch.randint(-1, V, (R,), generator=generator)
    before = logits_RV.clone()
    expected, gradient_RV = plain(logits_RV, targets_R)
    # A row that is nearly certain has the loss log(1 + tiny): float32 knows it to a part of the 1.
    expected = pytest.approx(expected, rel=1e-5, abs=1e-6 * R)
    torch.set_num_threads(count)
    assert rows_loss(logits_RV, targets_R, differentiate=False) == expected
    assert torch.equal(logits_RV, before), "not asked for gradients, it leaves the logits alone"
    assert rows_loss(logits_RV, targets_R, differentiate=True) == expected
    rounding = 2**-8 if dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(logits_RV.double(), gradient_RV, rtol=rounding, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("wrong", ["nan", "-nan", "inf"])
def test_what_is_not_finite_shows_in_loss_and_gradient(dtype, wrong):
    logits_RV = torch.randn(3, 40, generator=torch.Generator().manual_seed(0)).to(dtype)
    logits_RV[1, 7] = float(wrong.lstrip("-"))
    if wrong == "-nan":
        logits_RV[1, 7].neg_()
    loss = rows_loss(logits_RV, torch.tensor([1, 2, 3]), differentiate=True)
    assert loss != loss
    assert logits_RV[1].isnan().all()
    assert logits_RV[0].isfinite().all()
    assert logits_RV[2].isfinite().all()


def test_a_logit_of_minus_infinity_has_no_probability():
    logits_RV = torch.tensor([[0.0, -float("inf"), 0.0]])
    loss = rows_loss(logits_RV, torch.tensor([0]), differentiate=True)
    assert loss == pytest.approx(0.6931472)
    torch.testing.assert_close(logits_RV, torch.tensor([[-0.5, 0.0, 0.5]]))


def test_a_target_out_of_the_vocabulary_is_refused():
    with pytest.raises(IndexError, match="target 5 in a vocabulary of 5"):
        rows_loss(torch.zeros(2, 5), torch.tensor([0, 5]), differentiate=True)
