"""How much arithmetic a token costs."""

from torch import nn

from groundup.model import RNN, Transformer


def flops_per_token(model: nn.Module, context_length: int) -> int:
    """Return the FLOPs of one token's forward and backward pass (PaLM, arXiv 2204.02311, app. B).

    6 per weight of a matrix product (2 forward, 4 backward; looking up an embedding is free, the
    head counts), plus 12 L H D T for attention's two products. Like everyone who reports MFU, this
    counts the full T×T square, though a causal model needs only half of it; a sliding window
    counts as its width.

    Args:
        model: any; attention is counted in a ``Transformer``.
        context_length: T, tokens.
    """
    weights = sum(m.weight.numel() for m in model.modules() if isinstance(m, nn.Linear))
    if isinstance(model, Transformer | RNN) and model.lm_head is None:
        weights += model.head_weight.numel()
    attention = 0
    if isinstance(model, Transformer):
        config = model.config
        span = min(context_length, config.sliding_window or context_length)
        attention = 12 * config.num_layers * config.num_heads * config.head_width * span
    return 6 * weights + attention
