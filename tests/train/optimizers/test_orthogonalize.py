import pytest
import torch

from groundup.train.optimizers.orthogonalize import JORDAN, POLAR_EXPRESS, orthogonalize


def skewed(rows, columns):
    """Matrices whose singular values span a factor of over thirty."""
    x = torch.randn(3, rows, columns, generator=torch.Generator().manual_seed(0))
    return x * torch.logspace(0, 1.5, columns)


@pytest.mark.parametrize("shape", [(24, 40), (40, 24), (32, 32)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(
    ("coefficients", "lowest", "highest"), [(JORDAN, 0.6, 1.25), (POLAR_EXPRESS, 0.8, 1.2)]
)
def test_large_singular_values_come_near_to_one(shape, dtype, coefficients, lowest, highest):
    x = skewed(*shape)
    u, values, vt = torch.linalg.svd(x, full_matrices=False)
    result = orthogonalize(x.to(dtype), coefficients)
    assert result.dtype == dtype
    # In the basis of the singular vectors the result is nearly diagonal, with the values near one.
    core = u.mT @ result.float() @ vt.mT
    after = core.diagonal(dim1=-2, dim2=-1)
    large = values > 0.03 * values.norm(dim=-1, keepdim=True)
    assert after[large].min() > lowest
    assert after.max() < highest
    rest = core - torch.diag_embed(after)
    assert rest.abs().max() < (1e-4 if dtype == torch.float32 else 0.1)


def test_polar_express_comes_nearer_than_jordan():
    x = torch.randn(4, 32, 64, generator=torch.Generator().manual_seed(0))
    errors = [
        (torch.linalg.svdvals(orthogonalize(x, coefficients)) - 1).abs().mean()
        for coefficients in (JORDAN, POLAR_EXPRESS)
    ]
    assert errors[1] < 0.5 * errors[0]


def test_a_zero_matrix_stays_zero():
    assert not orthogonalize(torch.zeros(2, 4, 6), JORDAN).any()
