import pytest
import torch

from groundup.model.norm import LayerNorm, RMSNorm

X = torch.randn(3, 5, 16, generator=torch.Generator().manual_seed(0)) * 4 + 1
WEIGHT = torch.randn(16, generator=torch.Generator().manual_seed(1))
BIAS = torch.randn(16, generator=torch.Generator().manual_seed(2))


def copy(ours, theirs):
    with torch.no_grad():
        for norm in (ours, theirs):
            norm.weight.copy_(WEIGHT)
            if norm is theirs and getattr(theirs, "bias", None) is None:
                continue
            if getattr(norm, "bias", None) is not None:
                norm.bias.copy_(BIAS)


def assert_same_output_and_gradients(ours, theirs):
    copy(ours, theirs)
    x, y = X.clone().requires_grad_(), X.clone().requires_grad_()
    torch.testing.assert_close(ours(x), theirs(y), atol=1e-5, rtol=1e-5)
    (ours(x) * X).sum().backward()
    (theirs(y) * X).sum().backward()
    torch.testing.assert_close(x.grad, y.grad, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(ours.weight.grad, theirs.weight.grad, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("eps", [1e-6, 0.1])
def test_rms_norm_is_torchs(eps):
    assert_same_output_and_gradients(RMSNorm(16, eps), torch.nn.RMSNorm(16, eps))


def test_rms_norms_gradient_is_that_of_its_formula():
    def formula(x, weight):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-3) * weight

    norm = RMSNorm(16, 1e-3)
    inputs = X.clone().requires_grad_(), norm.weight
    y_grad = torch.randn(X.shape, generator=torch.Generator().manual_seed(3))
    before = y_grad.clone()
    found = torch.autograd.grad(norm(inputs[0]), inputs, y_grad)
    expected = torch.autograd.grad(formula(*inputs), inputs, y_grad)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
    assert torch.equal(y_grad, before)  # in float32 casts are no copies


@pytest.mark.parametrize("bias", [True, False])
def test_layer_norm_is_torchs(bias):
    assert_same_output_and_gradients(
        LayerNorm(16, 1e-5, bias), torch.nn.LayerNorm(16, 1e-5, bias=bias)
    )


@pytest.mark.parametrize("norm", [RMSNorm(16, 1e-6), LayerNorm(16, 1e-5, True)])
def test_the_output_has_the_inputs_dtype(norm):
    assert norm(X.bfloat16()).dtype == torch.bfloat16
    torch.testing.assert_close(norm(X.bfloat16()).float(), norm(X), atol=0.05, rtol=0.02)
