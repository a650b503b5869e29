"""Attention written three times: in the open, in tiles, and the routes that training takes."""

import math

import pytest
import torch

from groundup.model import attention as trained
from groundup.model.attention import visible
from groundup.reference.attention import attend, flash_attention, flash_forward

SHAPES = [
    (1, 1, 1, 1, 2),
    (2, 2, 2, 5, 4),
    (2, 4, 2, 33, 8),
    (1, 6, 1, 64, 16),
    (2, 3, 3, 100, 8),
    (1, 2, 1, 300, 8),
]


def random_inputs(B, H, K, T, D, dtype=torch.float32, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shapes = (B, H, T, D), (B, K, T, D), (B, K, T, D)
    return [
        torch.randn(shape, generator=generator, dtype=dtype).requires_grad_() for shape in shapes
    ]


def output_and_gradients(function, inputs):
    y = function(*inputs)
    signal = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=y.dtype)
    return [y.detach(), *torch.autograd.grad((y * signal).sum(), inputs)]


def assert_equal(found, expected, tolerance=1e-5):
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance)


def by_fused_kernel(q_BHTD, k_BKSD, v_BKSD, mask=None):
    """What training runs in float32."""
    return trained.attend(q_BHTD, k_BKSD, v_BKSD, mask)


def by_products(q_BHTD, k_BKSD, v_BKSD, mask=None):
    """What training runs in bfloat16 on a CPU, here in float32."""
    k, v = (t.repeat_interleave(q_BHTD.shape[1] // t.shape[1], dim=1) for t in (k_BKSD, v_BKSD))
    return trained._attend_in_tiles(q_BHTD, k, v, mask, 0.0)


both_routes = pytest.mark.parametrize("route", [by_fused_kernel, by_products])


@both_routes
@pytest.mark.parametrize("shape", SHAPES)
def test_open_attention_equals_the_one_in_training(shape, route):
    inputs = random_inputs(*shape)
    assert_equal(output_and_gradients(route, inputs), output_and_gradients(attend, inputs))


@pytest.mark.parametrize("shape", SHAPES[:-1])
@pytest.mark.parametrize("tile", [1, 7, 16, 64])
def test_tiled_attention_equals_the_open_one(shape, tile):
    inputs = random_inputs(*shape)
    found = output_and_gradients(lambda q, k, v: flash_attention(q, k, v, tile), inputs)
    assert_equal(found, output_and_gradients(attend, inputs))


@both_routes
@pytest.mark.parametrize("shape", SHAPES)
def test_tiled_attention_equals_the_one_in_training(shape, route):
    inputs = random_inputs(*shape)
    assert_equal(output_and_gradients(flash_attention, inputs), output_and_gradients(route, inputs))


@both_routes
@pytest.mark.parametrize("window", [1, 3, 200])
def test_sliding_windows_and_documents_agree(window, route):
    T = 150
    inputs = random_inputs(2, 4, 2, T, 8)
    places = torch.arange(T)
    documents_BT = torch.stack([places // 10, places // 70])
    same = documents_BT[:, None, :, None] == documents_BT[:, None, None, :]
    mask = visible(places, places, window)[None, None] & same
    expected = output_and_gradients(lambda q, k, v: attend(q, k, v, mask), inputs)
    assert_equal(output_and_gradients(lambda q, k, v: route(q, k, v, mask), inputs), expected)


@both_routes
@pytest.mark.parametrize("T", [1, 2, 140])
def test_queries_after_a_cached_past_agree(T, route):
    S = 150
    q, k, v = (t.detach() for t in random_inputs(1, 4, 2, S, 8))
    mask = visible(torch.arange(S - T, S), torch.arange(S), None)
    expected = attend(q, k, v)[:, :, S - T :]
    assert_equal([attend(q[:, :, S - T :], k, v, mask)], [expected])
    assert_equal([route(q[:, :, S - T :], k, v, mask)], [expected])


@pytest.mark.parametrize("T", [1, 5, 300, trained.FUSED_FROM])
def test_attention_in_bfloat16_is_near(T):
    q, k, v = (t.detach() for t in random_inputs(1, 2, 1, T, 8))
    found = trained.attend(q.bfloat16(), k.bfloat16(), v.bfloat16(), None)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), attend(q, k, v), atol=0.03, rtol=0.03)


def test_gradients_of_tiled_attention_are_those_of_finite_differences():
    inputs = random_inputs(1, 2, 1, 5, 2, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda q, k, v: flash_attention(q, k, v, 2), inputs)


def test_running_softmax_survives_scores_that_overflow_an_exponential():
    q, k, v = (t.detach() for t in random_inputs(1, 1, 1, 32, 4))
    y, log_sum = flash_forward(q * 1000, k, v, 8)
    assert_equal([y], [attend(q * 1000, k, v)])
    assert log_sum.isfinite().all()
    assert log_sum.max() > math.log(torch.finfo(torch.float32).max)


def test_the_log_sum_is_that_of_the_whole_row():
    q, k, v = (t.detach() for t in random_inputs(1, 1, 1, 10, 4))
    scores = (q @ k.transpose(-2, -1) / 2).masked_fill(~torch.ones(10, 10).tril().bool(), -math.inf)
    assert_equal([flash_forward(q, k, v, 3)[1]], [scores.logsumexp(-1)])
