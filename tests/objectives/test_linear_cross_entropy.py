import pytest
import torch
from torch.nn import functional as F

from groundup.data import Batch
from groundup.machine import has_compiler
from groundup.model import ModelConfig, build_model
from groundup.objectives import NextToken, pretrain
from groundup.objectives import linear_cross_entropy as module
from groundup.objectives.linear_cross_entropy import linear_cross_entropy

N, C, V = 37, 16, 53


def plain(hidden_NC, weight_VC, targets_N, soft_cap=None):
    """The loss as it is written down, with all logits in float32."""
    logits_NV = F.linear(hidden_NC, weight_VC.to(hidden_NC.dtype)).float()
    if soft_cap is not None:
        logits_NV = soft_cap * torch.tanh(logits_NV / soft_cap)
    return F.cross_entropy(logits_NV, targets_N, reduction="sum", ignore_index=-100)


def inputs(dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    hidden_NC = torch.randn(N, C, generator=generator).to(dtype).requires_grad_()
    weight_VC = torch.randn(V, C, generator=generator).requires_grad_()
    targets_N = torch.randint(V, (N,), generator=generator)
    targets_N[::5] = -100
    return hidden_NC, weight_VC, targets_N


def loss_and_gradients(function, hidden_NC, weight_VC, targets_N, soft_cap):
    loss = function(hidden_NC, weight_VC, targets_N, soft_cap)
    return loss, *torch.autograd.grad(loss * 0.7, (hidden_NC, weight_VC))


@pytest.fixture(
    params=[(1024, 2**20, True), (8, 2**20, True), (8, 2**20, False), (8, 3 * V, False)],
    ids=["whole", "chunks", "chunks, torch's operations", "blocks"],
)
def sizes(request, monkeypatch):
    """Cut the rows in no, five, or fifteen pieces."""
    rows, block, kernel = request.param
    monkeypatch.setattr(module, "KERNEL_DTYPES", module.KERNEL_DTYPES if kernel else ())
    monkeypatch.setattr(module, "CHUNK_ROWS", rows)
    monkeypatch.setattr(module, "CHUNK_LOGITS", rows * V)
    monkeypatch.setattr(module, "BLOCK_LOGITS", block)


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("soft_cap", [None, 2.0])
def test_loss_and_gradients_are_those_of_plain_cross_entropy(soft_cap):
    found = loss_and_gradients(linear_cross_entropy, *inputs(), soft_cap)
    expected = loss_and_gradients(plain, *inputs(), soft_cap)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.usefixtures("sizes")
def test_bfloat16_states_with_a_float32_head_give_float32_losses_and_head_gradients():
    loss, hidden_grad, weight_grad = loss_and_gradients(
        linear_cross_entropy, *inputs(torch.bfloat16), None
    )
    assert (loss.dtype, hidden_grad.dtype) == (torch.float32, torch.bfloat16)
    assert weight_grad.dtype == torch.float32
    expected = loss_and_gradients(plain, *inputs(torch.bfloat16), None)
    torch.testing.assert_close(loss, expected[0], atol=1e-4, rtol=1e-5)
    torch.testing.assert_close(hidden_grad, expected[1], atol=0.03, rtol=0.03)
    torch.testing.assert_close(weight_grad, expected[2], atol=0.03, rtol=0.03)


def test_rows_without_a_target_have_no_gradient():
    hidden_NC, weight_VC, targets_N = inputs()
    linear_cross_entropy(hidden_NC, weight_VC, targets_N).backward()
    assert hidden_NC.grad[::5].eq(0).all()
    assert hidden_NC.grad[1].ne(0).any()


def test_without_gradients_the_loss_is_the_same():
    with_gradients = linear_cross_entropy(*inputs())
    with torch.no_grad():
        without = linear_cross_entropy(*inputs())
    assert torch.equal(with_gradients.detach(), without)
    assert not without.requires_grad


def test_a_probability_that_underflows_has_a_finite_loss():
    hidden_NC, weight_VC = torch.tensor([[1.0]]), torch.tensor([[0.0], [500.0]])
    assert linear_cross_entropy(hidden_NC, weight_VC, torch.tensor([0])).item() == 500.0


def test_torch_can_trace_the_operation():
    torch.library.opcheck(torch.ops.groundup.linear_cross_entropy.default, (*inputs(), 2.0, True))


@pytest.fixture
def batch():
    ids = torch.randint(V, (3, 9), generator=torch.Generator().manual_seed(0))
    return Batch(ids[:, :-1], ids[:, 1:], torch.ones(3, 8, dtype=torch.bool))


@pytest.mark.parametrize(
    "options",
    [{}, {"tie_embeddings": False}, {"logit_soft_cap": 2.0}, {"architecture": "rnn"}],
    ids=["tied", "untied", "capped", "rnn"],
)
def test_the_objective_is_the_same_by_both_routes(options, batch, monkeypatch):
    shape = {"vocab_size": V, "context_length": 8, "num_layers": 1, "width": 24}
    model = build_model(ModelConfig(**(shape | options)), seed=0)
    results = []
    for fused_from in (0, 2**62):
        monkeypatch.setattr(pretrain, "FUSED_FROM", fused_from)
        loss = NextToken()(model, batch)
        gradients = torch.autograd.grad(loss.sum, list(model.parameters()))
        results.append((loss.sum, *gradients))
    for fused, written_out in zip(*results, strict=True):
        torch.testing.assert_close(fused, written_out, atol=1e-5, rtol=1e-5)


@pytest.mark.slow
@pytest.mark.skipif(not has_compiler(), reason="torch.compile needs a C++ compiler here")
def test_compiled_without_a_graph_break_the_gradients_are_the_same():
    compiled = torch.compile(linear_cross_entropy, fullgraph=True)
    found = loss_and_gradients(compiled, *inputs(), None)
    expected = loss_and_gradients(linear_cross_entropy, *inputs(), None)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_a_gpu_the_loss_and_gradients_are_those_of_the_cpu():
    hidden_NC, weight_VC, targets_N = (tensor.detach().cuda() for tensor in inputs())
    hidden_NC.requires_grad_(), weight_VC.requires_grad_()
    found = loss_and_gradients(linear_cross_entropy, hidden_NC, weight_VC, targets_N, None)
    expected = loss_and_gradients(plain, *inputs(), None)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.cpu(), theirs, atol=1e-4, rtol=1e-4)
