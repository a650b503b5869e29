import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb

from groundup.model.rope import rope_tables, rotate


def turned(x_BTHD, positions, theta=10_000.0):
    cos, sin = rope_tables(positions, x_BTHD.shape[-1], theta)
    return rotate(x_BTHD, cos[..., None, :], sin[..., None, :])


@pytest.mark.parametrize("theta", [10_000.0, 1_000_000.0])
def test_rotation_is_that_of_transformers(theta):
    q_BTHD, k_BTHD = torch.randn(2, 2, 9, 3, 8, generator=torch.Generator().manual_seed(0))
    positions_BT = torch.stack([torch.arange(9), torch.arange(9) + 1000])
    config = LlamaConfig(head_dim=8, rope_parameters={"rope_theta": theta, "rope_type": "default"})
    cos, sin = LlamaRotaryEmbedding(config)(q_BTHD, positions_BT)
    expected = apply_rotary_pos_emb(q_BTHD, k_BTHD, cos, sin, unsqueeze_dim=2)
    for x, y in zip((q_BTHD, k_BTHD), expected, strict=True):
        torch.testing.assert_close(turned(x, positions_BT, theta), y, atol=1e-5, rtol=1e-5)


def test_the_first_pair_turns_by_one_radian_a_position():
    x = torch.zeros(1, 1, 1, 4)
    x[..., 0] = 1
    turned_once = turned(x, torch.tensor([1])).flatten()
    expected = torch.tensor([math.cos(1), 0, math.sin(1), 0])
    torch.testing.assert_close(turned_once, expected)


@given(distance=st.integers(-50, 50), start=st.integers(50, 500))
def test_a_score_depends_on_distance_alone(distance, start):
    q, k = torch.randn(2, 1, 1, 1, 8, generator=torch.Generator().manual_seed(3))

    def score(first, second):
        return (turned(q, torch.tensor([first])) * turned(k, torch.tensor([second]))).sum()

    expected = score(50, 50 + distance)
    torch.testing.assert_close(score(start, start + distance), expected, atol=1e-3, rtol=1e-3)


def test_rotation_keeps_dtype_and_length():
    x = torch.randn(1, 5, 2, 8, generator=torch.Generator().manual_seed(0))
    assert turned(x.bfloat16(), torch.arange(5)).dtype == torch.bfloat16
    torch.testing.assert_close(turned(x, torch.arange(5)).norm(dim=-1), x.norm(dim=-1))


def test_the_gradient_is_that_of_the_four_products():
    x = torch.randn(2, 5, 2, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    cos, sin = (t[:, None] for t in rope_tables(torch.arange(5), 8, 10_000.0))
    a, b = x.split(4, dim=-1)
    written_out = torch.cat((a * cos - b * sin, b * cos + a * sin), -1)
    weights = torch.arange(1.0, 9.0)
    expected = torch.autograd.grad((written_out * weights).sum(), x)
    (gradient,) = torch.autograd.grad((rotate(x, cos, sin) * weights).sum(), x)
    torch.testing.assert_close(gradient, *expected)
