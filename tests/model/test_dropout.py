import pytest
import torch

from groundup.model.dropout import drop


@pytest.mark.parametrize("share", [0.001, 0.1, 0.25, 0.9, 0.999])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_share_is_zeroed_and_the_sum_kept(share, dtype):
    torch.manual_seed(0)
    x = torch.ones(300, 1001, dtype=dtype)
    y = drop(x, share, training=True).float()
    rounded = min(max(round(256 * share), 1), 255) / 256
    deviation = (rounded * (1 - rounded) / x.numel()) ** 0.5
    assert (y == 0).float().mean().item() == pytest.approx(rounded, abs=5 * deviation)
    assert y.unique().tolist() == pytest.approx([0.0, 1 / (1 - rounded)], rel=0.004)
    columns, rows = (y == 0).float().mean(0), (y == 0).float().mean(1)
    assert (columns - rounded).abs().max() < 6 * (rounded * (1 - rounded) / 300) ** 0.5 + 1 / 300
    assert (rows - rounded).abs().max() < 6 * (rounded * (1 - rounded) / 1001) ** 0.5 + 1 / 1001


def test_neighbours_are_independent():
    torch.manual_seed(1)
    zero = (drop(torch.ones(1 << 18), 0.5, training=True) == 0).float() - 0.5
    for distance in (1, 2, 3, 4, 7, 8, 16, 64):
        correlation = 4 * (zero[distance:] * zero[:-distance]).mean().item()
        assert abs(correlation) < 0.012, distance


def test_the_gradient_passes_where_the_value_did():
    x = torch.randn(40, 33, requires_grad=True)
    y = drop(x, 0.3, training=True)
    y.backward(torch.ones_like(y))
    scale = 256 / (256 - round(0.3 * 256))
    assert torch.equal(x.grad, torch.where(y == 0, 0.0, torch.tensor(scale)))


def test_without_a_share_or_training_nothing_is_drawn():
    x, state = torch.randn(5), torch.get_rng_state()
    assert drop(x, 0.0, training=True) is x
    assert drop(x, 0.5, training=False) is x
    assert torch.equal(torch.get_rng_state(), state)


def test_the_global_seed_decides():
    x = torch.ones(3, 5)
    masks = []
    for seed in (7, 7, 8):
        torch.manual_seed(seed)
        masks.append(drop(x, 0.5, training=True))
    assert torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[0], masks[2])
