import pytest
import torch
from torch import nn

from groundup.errors import UsageError
from groundup.model import ModelConfig
from groundup.train.float8 import (
    GRADIENTS,
    WEIGHTS,
    Float8Linear,
    check_float8,
    float8_products,
    quantize,
)


@pytest.fixture
def normal():
    generator = torch.Generator().manual_seed(0)
    return lambda *shape, scale=1.0: scale * torch.randn(*shape, generator=generator)


def relative_error(found, expected):
    return ((found.float() - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize(("dtype", "error"), [(WEIGHTS, 2**-4), (GRADIENTS, 2**-3)])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_a_number_is_rounded_by_no_more_than_its_format_must(dtype, error, scale, normal):
    x = normal(64, 64, scale=scale)
    rounded, factor = quantize(x, dtype)
    assert rounded.dtype == dtype
    assert rounded.float().abs().max() == torch.finfo(dtype).max
    back = rounded.float() * factor
    normal_numbers = x.abs() > x.abs().max() * 2**-13  # smaller ones round to a fixed grid
    assert ((back - x).abs() <= error * x.abs() * 1.001)[normal_numbers].all()


def test_zeros_stay_zeros():
    rounded, scale = quantize(torch.zeros(4, 4), WEIGHTS)
    assert torch.equal(rounded.float() * scale, torch.zeros(4, 4))


@pytest.mark.parametrize("bias", [False, True])
def test_output_and_gradients_are_those_of_a_linear_layer_to_three_bits(bias, normal):
    torch.manual_seed(0)
    plain = nn.Linear(64, 96, bias=bias)
    layer = Float8Linear(64, 96, bias=bias)
    layer.load_state_dict(plain.state_dict())
    layer.to(torch.bfloat16)
    x, gradient = normal(4, 8, 64), normal(4, 8, 96, scale=1e-3)
    results = []
    for module, dtype in ((plain, torch.float32), (layer, torch.bfloat16)):
        inputs = x.detach().to(dtype, copy=True).requires_grad_()
        output = module(inputs)
        output.backward(gradient.to(dtype))
        grads = [parameter.grad for parameter in module.parameters()]
        results.append([output.detach(), inputs.grad, *grads])
    for expected, found in zip(*results, strict=True):
        assert relative_error(found, expected) < 0.08
    assert relative_error(results[1][0], results[0][0]) > 0.01, "it was float8"


def test_only_training_multiplies_in_float8(normal):
    layer = Float8Linear(32, 32).eval()
    x = normal(16, 32)
    assert torch.equal(layer(x), nn.functional.linear(x, layer.weight, layer.bias))


def test_blocks_multiply_in_float8_inside_and_as_before_outside(tiny_model):
    model = tiny_model(vocab_size=40)
    names = [name for name, _ in model.named_parameters()]
    with float8_products(model):
        kinds = {name: type(m) for name, m in model.named_modules() if isinstance(m, nn.Linear)}
        assert set(kinds.values()) == {Float8Linear}
        assert "blocks.0.attention.q_proj" in kinds
        assert [name for name, _ in model.named_parameters()] == names
    assert not any(isinstance(module, Float8Linear) for module in model.modules())
    with float8_products(model, on=False):
        assert not any(isinstance(module, Float8Linear) for module in model.modules())


def test_a_run_in_float8_learns_as_one_in_bfloat16(train):
    options = {"dtype": torch.bfloat16, "max_steps": 24, "learning_rate": 0.01}
    plain = train("plain", **options)
    eighth = train("float8", float8=True, **options)
    assert eighth.last.bits_per_byte != plain.last.bits_per_byte
    assert eighth.last.bits_per_byte == pytest.approx(plain.last.bits_per_byte, rel=0.05)


def test_float8_is_refused_where_it_is_not_fast(monkeypatch):
    shape = ModelConfig(width=64, num_heads=2)
    with pytest.raises(UsageError, match="compute capability"):
        check_float8(shape, torch.device("cpu"), torch.bfloat16)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (8, 0))
    with pytest.raises(UsageError, match="compute capability"):
        check_float8(shape, torch.device("cuda"), torch.bfloat16)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    check_float8(shape, torch.device("cuda"), torch.bfloat16)
    with pytest.raises(UsageError, match="precision"):
        check_float8(shape, torch.device("cuda"), torch.float32)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ({"architecture": "rnn", "width": 64}, "leave it out for an rnn"),
        ({"width": 72, "num_heads": 2}, "model.width is 72"),
        ({"width": 64, "num_heads": 2, "feed_forward_width": 100}, "feed_forward_width is 100"),
        ({"width": 64, "num_heads": 3, "head_width": 8}, "num_heads x head_width is 24"),
    ],
)
def test_float8_is_refused_where_no_product_could_have_it(monkeypatch, shape, said):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (9, 0))
    with pytest.raises(UsageError, match=said):
        check_float8(ModelConfig(**shape), torch.device("cuda"), torch.bfloat16)
