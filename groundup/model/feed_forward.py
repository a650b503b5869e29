"""The feed-forward layer: each token alone, through a wider space and back."""

from torch import Tensor, nn
from torch.nn import functional as F

from groundup.model.config import ModelConfig


class FeedForward(nn.Module):
    """Up to F, a non-linearity, down to C.

    ``swiglu`` gates one product by another (arXiv 2002.05202, eq. 6), ``gelu`` is GPT-2's tanh form
    (arXiv 1606.08415, section 2), ``relu2`` squares a ReLU (Primer, arXiv 2109.08668).
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        C, width = config.width, config.feed_forward_width
        self.activation = config.activation
        gated = config.activation == "swiglu"
        self.gate_proj = nn.Linear(C, width, bias=config.bias) if gated else None
        self.up_proj = nn.Linear(C, width, bias=config.bias)
        self.down_proj = nn.Linear(width, C, bias=config.bias)

    def forward(self, x_BTC: Tensor) -> Tensor:
        """Return (B, T, C)."""
        up_BTF = self.up_proj(x_BTC)
        if self.gate_proj is not None:
            return self.down_proj(F.silu(self.gate_proj(x_BTC)) * up_BTF)
        if self.activation == "relu2":
            return self.down_proj(F.relu(up_BTF).square())
        return self.down_proj(F.gelu(up_BTF, approximate="tanh"))
