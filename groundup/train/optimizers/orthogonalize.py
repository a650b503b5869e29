"""A matrix into the nearest one whose singular values are all 1, about, by products alone."""

import torch
from torch import Tensor

Coefficients = tuple[tuple[float, float, float], ...]

JORDAN: Coefficients = ((3.4445, -4.7750, 2.0315),) * 5
"""Keller Jordan's: steepest at zero, settles between 0.7 and 1.2
(https://kellerjordan.github.io/posts/muon)."""

_EXPRESS = (
    (8.28721201814563, -23.595886519098837, 17.300387312530933),
    (4.107059111542203, -2.9478499167379106, 0.5448431082926601),
    (3.9486908534822946, -2.908902115962949, 0.5518191394370137),
    (3.3184196573706015, -2.488488024314874, 0.51004894012372),
    (2.300652019954817, -1.6689039845747493, 0.4188073119525673),
)
SAFETY = 1.01
"""The factor by which rounding may take singular values over the bound that a step is made for
(arXiv 2505.16932, section 4.4)."""

POLAR_EXPRESS: Coefficients = tuple(
    (a / SAFETY, b / SAFETY**3, c / SAFETY**5) for a, b, c in _EXPRESS
)
"""Each step's polynomial is the best for what the steps before left (arXiv 2505.16932, algorithm
1)."""

COEFFICIENTS = {"jordan": JORDAN, "polar-express": POLAR_EXPRESS}
SLACK = {"jordan": 1.0, "polar-express": SAFETY}
"""What the norm is multiplied by before a matrix is divided by it."""

EPS = 1e-7
"""Added to the norm, so that a zero matrix stays zero."""


def orthogonalize(x_NRC: Tensor, coefficients: Coefficients, slack: float = 1.0) -> Tensor:
    """Return X(XᵀX)^-½, about, for each matrix of a stack: Newton–Schulz with odd quintics.

    A step takes every singular value σ to aσ + bσ³ + cσ⁵. The smaller of the two Gram matrices is
    iterated on, from the side where it stands: nothing is transposed in memory.

    Args:
        x_NRC: N matrices of R rows and C columns, in the dtype to compute in.
        coefficients: (a, b, c) of each step.
        slack: the norm is taken to be this many times larger.

    Returns:
        (N, R, C), of the same dtype; a zero matrix stays zero.
    """
    tall = x_NRC.shape[1] > x_NRC.shape[2]
    # The Frobenius norm bounds the spectral one, and the polynomials are made for σ ≤ 1.
    norm_N11 = torch.linalg.vector_norm(x_NRC, dim=(1, 2), keepdim=True, dtype=torch.float32)
    x_NRC = x_NRC / (norm_N11 * slack + EPS).to(x_NRC.dtype)
    for a, b, c in coefficients:
        gram_Nkk = x_NRC.mT @ x_NRC if tall else x_NRC @ x_NRC.mT
        # Fused, a sum is rounded once: in bfloat16 the result is within 1 % of the exact one, where
        # products rounded before they are added gave 5 % and took 8 % less time on a CPU.
        poly_Nkk = torch.baddbmm(gram_Nkk, gram_Nkk, gram_Nkk, beta=b, alpha=c)
        left, right = (x_NRC, poly_Nkk) if tall else (poly_Nkk, x_NRC)
        x_NRC = torch.baddbmm(x_NRC, left, right, beta=a)
    return x_NRC
