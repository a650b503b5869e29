"""nanochat's Muon, step by step as in its nanochat/optim.py of July 2026, and its scaling rules."""

import math

import torch
from torch import Tensor

POLAR_EXPRESS = (
    (8.156554524902461, -22.48329292557795, 15.878769915207462),
    (4.042929935166739, -2.808917465908714, 0.5000178451051316),
    (3.8916678022926607, -2.772484153217685, 0.5060648178503393),
    (3.285753657755655, -2.3681294933425376, 0.46449024233003106),
    (2.3465413258596377, -1.7097828382687081, 0.42323551169305323),
)
"""Coefficients of five steps towards the nearest orthogonal matrix (arXiv:2505.16932)."""

SECOND_BETA = 0.9
"""Of the running mean of squares, NorMuon's (arXiv:2510.05491)."""

REFERENCE_TOKENS = 2**19
"""The batch that nanochat's rates are for, with a model of 12 layers and width 768."""


def batch_scaling(vocab: int, width: int, layers: int, batch_tokens: int) -> tuple[float, float]:
    """Return what base_train.py multiplies all rates by, and Muon's weight decay.

    Rates go with the root of the batch. Weight decay goes so too, and with the tokens that the
    reference model should see over those that this one should: so many per parameter of the
    blocks' matrices and the head.
    """

    def scaling_parameters(layers: int, width: int) -> int:
        return 12 * layers * width**2 + vocab * width  # without the gates, a thousandth of it

    rates = math.sqrt(batch_tokens / REFERENCE_TOKENS)
    return rates, rates * scaling_parameters(12, 768) / scaling_parameters(layers, width)


class Muon(torch.optim.Optimizer):
    """Momentum made orthogonal, equal shapes at once."""

    def __init__(
        self, matrices: list[Tensor], lr: float, decay: float, *, bfloat16: bool, compiled: bool
    ) -> None:
        shapes = sorted({tuple(matrix.shape) for matrix in matrices})
        groups = [[matrix for matrix in matrices if matrix.shape == shape] for shape in shapes]
        super().__init__([{"params": group} for group in groups], {"lr": lr})
        self.momentum, self.decay, self.bfloat16 = 0.95, decay, bfloat16
        self.update = torch.compile(_update, dynamic=False, fullgraph=True) if compiled else _update

    @torch.no_grad()
    def step(self) -> None:  # type: ignore[override]
        """Take a step with ``momentum`` and ``decay`` as they are now."""
        for group in self.param_groups:
            matrices = group["params"]
            weights = torch.stack(list(matrices))
            gradients = torch.stack([matrix.grad for matrix in matrices])
            rows, columns = weights.shape[-2:]
            along = -1 if rows >= columns else -2
            state = self.state[matrices[0]]
            if not state:
                state["momentum"] = torch.zeros_like(weights)
                state["squares"] = torch.zeros_like(weights.select(along, 0).unsqueeze(along))
            rate = group["lr"] * max(1.0, rows / columns) ** 0.5
            # Tensors, for a compiled function is compiled anew for each other float.
            numbers = (torch.tensor(number) for number in (self.momentum, rate, self.decay))
            self.update(
                weights, gradients, state["momentum"], state["squares"], *numbers, self.bfloat16
            )
            torch._foreach_copy_(list(matrices), list(weights.unbind(0)))


def _update(
    weights: Tensor,
    gradients: Tensor,
    buffer: Tensor,
    squares: Tensor,
    momentum: Tensor,
    rate: Tensor,
    decay: Tensor,
    bfloat16: bool,
) -> None:
    """Change (K, M, N) weights, and what is remembered of their gradients, in place."""
    rows, columns = weights.shape[-2:]
    along = -1 if rows >= columns else -2
    buffer.lerp_(gradients, 1 - momentum)
    x = gradients.lerp(buffer, momentum)
    x = x.bfloat16() if bfloat16 else x
    # Each row to the mean row's length first (MuonEq, arXiv:2603.28254) …
    lengths = x.float().norm(dim=-1, keepdim=True)
    mean = lengths.norm(dim=-2, keepdim=True) / rows**0.5
    x = orthogonal(x * (mean / lengths.clamp_min(1e-6)).to(x.dtype)).to(weights.dtype)
    # … and the whole to an orthogonal matrix's length after (Muon+, arXiv:2602.21545).
    length = x.norm(dim=(-2, -1), keepdim=True).clamp_min(1e-6)
    x = x * (min(rows, columns) ** 0.5 / length)
    # NorMuon: each row (or column) by its usual size, the whole as long as before.
    found = x.square().mean(dim=along, keepdim=True)
    squares.lerp_(found, 1 - SECOND_BETA)
    usual = squares.clamp_min(1e-10).rsqrt()
    before = found.sum(dim=(-2, -1), keepdim=True).sqrt()
    after = (found * usual.square()).sum(dim=(-2, -1), keepdim=True).sqrt()
    x = x * (usual * (before / after.clamp_min(1e-10)))
    agrees = x * weights >= 0  # weight decay only where the step goes the same way
    weights.sub_(rate * x + rate * decay * weights * agrees)


def orthogonal(x: Tensor) -> Tensor:
    """Return about the nearest orthogonal matrices to (…, M, N)."""
    x = x / (x.norm(dim=(-2, -1), keepdim=True) * 1.01 + 1e-6)
    tall = x.shape[-2] > x.shape[-1]
    for a, b, c in POLAR_EXPRESS:
        gram = x.mT @ x if tall else x @ x.mT
        gram = b * gram + c * (gram @ gram)
        x = a * x + (x @ gram if tall else gram @ x)
    return x
