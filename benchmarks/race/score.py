"""The one measure of all: nats of a text under a model, whatever its tokenizer.

Nothing here knows a contender. It sees ids, and a function from ids to logits.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Logits = Callable[[Tensor], Tensor]
"""(B, T) ids to (B, T, V) logits for the tokens that follow."""


def windows(num_tokens: int, context: int, stride: int) -> list[tuple[int, int, int]]:
    """Return (start, first, end) of windows in which each token but the first is scored once.

    A window's inputs begin at token ``start``; the tokens it scores are ``first`` up to ``end``.
    """
    cut, first = [], 1
    while first < num_tokens:
        end = min(context + 1 if first == 1 else first + stride, num_tokens)
        cut.append((max(end - 1 - context, 0), first, end))
        first = end
    return cut


@torch.no_grad()
def score(
    logits: Logits,
    ids: Tensor,
    *,
    context: int,
    vocab_size: int,
    stride: int | None = None,
    batch_tokens: int = 8192,
) -> Tensor:
    """Return the nats that each token costs, (N,) float64.

    A token is scored once, with ``context - stride`` tokens before it at least, or all there are;
    the stride is half a context unless said otherwise. The first, with nothing before it, costs
    ln V, so that the sum is the length of a code for the whole text.

    Args:
        logits: the model, without dropout.
        ids: of the text, (N,) int64.
        context: the most tokens the model reads at once.
        vocab_size: V.
        stride: tokens that a window moves on.
        batch_tokens: about how many are computed at once.

    Raises:
        ValueError: the logits are not finite, or those of a token change with a later one.
    """
    check_causal(logits, ids[:context])
    nats_N = torch.empty(len(ids), dtype=torch.float64)
    nats_N[0] = math.log(vocab_size)
    cut = windows(len(ids), context, stride or max(context // 2, 1))
    rows = max(batch_tokens // context, 1)
    for place in range(0, len(cut), rows):
        group = cut[place : place + rows]
        T = min(context, len(ids) - 1)
        inputs_BT = torch.stack([ids[start : start + T] for start, _, _ in group])
        targets_BT = torch.stack([ids[start + 1 : start + 1 + T] for start, _, _ in group])
        found = F.cross_entropy(
            logits(inputs_BT).float().flatten(0, 1), targets_BT.flatten(), reduction="none"
        )
        for (start, first, end), row_T in zip(group, found.view(-1, T), strict=True):
            nats_N[first:end] = row_T[first - start - 1 : end - start - 1].double()
    return nats_N


def check_causal(logits: Logits, ids: Tensor) -> None:
    """Raise ValueError if a model looks ahead, or computes no numbers: its score means nothing."""
    if len(ids) < 2:
        return
    changed = ids.clone()
    changed[-1] = (ids[-1] + 1) % (int(ids.max()) + 1)
    before, after = (logits(row[None])[0, :-1].float() for row in (ids, changed))
    if not before.isfinite().all():
        raise ValueError("the model's logits are not finite")
    if not torch.allclose(before, after, atol=1e-2, rtol=1e-2):
        raise ValueError("the model's logits depend on tokens that come later")
