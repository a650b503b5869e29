"""Attention in the open: once as the formula says it, once tile by tile as fast kernels do it."""

import math

import torch
from torch import Tensor


def attend(q_BHTD: Tensor, k_BKSD: Tensor, v_BKSD: Tensor, mask_TS: Tensor | None = None) -> Tensor:
    """Causal attention, written out (Vaswani et al. 2017, eq. 1).

    Each token looks at itself and the past: scores of what it may not see become -inf before the
    softmax, so that their weights are zero.

    Args:
        q_BHTD: queries.
        k_BKSD: keys; each of the K heads serves H/K query heads (arXiv 2305.13245).
        v_BKSD: values.
        mask_TS: True where a query may look, broadcastable to (B, H, T, S); by default the past.

    Returns:
        For each query the average of the values, weighted by how well their keys fit: (B, H, T, D).
    """
    H, T, D = q_BHTD.shape[1:]
    K, S = k_BKSD.shape[1:3]
    k_BHSD = k_BKSD.repeat_interleave(H // K, dim=1)
    v_BHSD = v_BKSD.repeat_interleave(H // K, dim=1)
    if mask_TS is None:
        mask_TS = torch.ones(T, S, dtype=torch.bool, device=q_BHTD.device).tril()
    scores_BHTS = q_BHTD @ k_BHSD.transpose(-2, -1) / math.sqrt(D)
    weights_BHTS = scores_BHTS.masked_fill(~mask_TS, -math.inf).softmax(-1)
    return weights_BHTS @ v_BHSD


def flash_attention(q_BHTD: Tensor, k_BKSD: Tensor, v_BKSD: Tensor, tile: int = 64) -> Tensor:
    """Causal attention that never holds the T × T scores, with its gradient.

    The same numbers as ``attend``, from tiles small enough for a processor's fast memory
    (FlashAttention, arXiv 2205.14135; order of loops from FlashAttention-2, arXiv 2307.08691).

    Args:
        q_BHTD: queries.
        k_BKSD: keys, as many as queries (S = T); K divides H.
        v_BKSD: values.
        tile: queries, and keys, handled at once.
    """
    H, K = q_BHTD.shape[1], k_BKSD.shape[1]
    k_BHTD = k_BKSD.repeat_interleave(H // K, dim=1)
    v_BHTD = v_BKSD.repeat_interleave(H // K, dim=1)
    return _FlashAttention.apply(q_BHTD, k_BHTD, v_BHTD, tile)


class _FlashAttention(torch.autograd.Function):
    """Tells torch which backward belongs to which forward."""

    @staticmethod
    def forward(ctx, q, k, v, tile):  # type: ignore[no-untyped-def]
        y, log_sum = flash_forward(q, k, v, tile)
        ctx.save_for_backward(q, k, v, y, log_sum)
        ctx.tile = tile
        return y

    @staticmethod
    def backward(ctx, y_grad):  # type: ignore[no-untyped-def]
        q, k, v, y, log_sum = ctx.saved_tensors
        return *flash_backward(y_grad, q, k, v, y, log_sum, ctx.tile), None


def flash_forward(
    q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor, tile: int
) -> tuple[Tensor, Tensor]:
    """Attend tile by tile with a running softmax (arXiv 2307.08691, algorithm 1).

    A softmax needs the largest score and the sum of all exponentials. Both can be kept up to date
    while the keys stream past: whenever a larger score turns up, what was summed so far shrinks by
    ``exp(old largest - new largest)``.

    Returns:
        The output (B, H, T, D), and the log of each query's sum of exponentials (B, H, T), which
        is all that the backward pass needs to know of the softmax.
    """
    T, D = q_BHTD.shape[-2:]
    y_BHTD = torch.empty_like(q_BHTD)
    log_sum_BHT = q_BHTD.new_empty(q_BHTD.shape[:-1])
    for start in range(0, T, tile):
        rows = slice(start, start + tile)
        q = q_BHTD[:, :, rows] / math.sqrt(D)  # (B, H, tile, D)
        largest = q.new_full((*q.shape[:-1], 1), -math.inf)  # (B, H, tile, 1)
        total = torch.zeros_like(largest)
        y = torch.zeros_like(q)
        for key_start in range(0, start + tile, tile):  # keys after the queries: all masked
            columns = slice(key_start, key_start + tile)
            scores = q @ k_BHTD[:, :, columns].transpose(-2, -1)  # (B, H, tile, tile)
            scores = _hide_future(scores, start, key_start)
            new_largest = torch.maximum(largest, scores.amax(-1, keepdim=True))
            shrink = (largest - new_largest).exp()
            weights = (scores - new_largest).exp()
            total = shrink * total + weights.sum(-1, keepdim=True)
            y = shrink * y + weights @ v_BHTD[:, :, columns]
            largest = new_largest
        y_BHTD[:, :, rows] = y / total
        log_sum_BHT[:, :, rows] = (largest + total.log()).squeeze(-1)
    return y_BHTD, log_sum_BHT


def flash_backward(
    y_grad_BHTD: Tensor,
    q_BHTD: Tensor,
    k_BHTD: Tensor,
    v_BHTD: Tensor,
    y_BHTD: Tensor,
    log_sum_BHT: Tensor,
    tile: int,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of queries, keys and values (arXiv 2307.08691, algorithm 2).

    The weights were never stored; each tile of them is computed again from ``log_sum_BHT``, which
    costs less than reading them back would.
    """
    T, D = q_BHTD.shape[-2:]
    q_grad = torch.zeros_like(q_BHTD)
    k_grad = torch.zeros_like(k_BHTD)
    v_grad = torch.zeros_like(v_BHTD)
    # The softmax's gradient subtracts from each weight's gradient their weighted mean over the
    # row. That mean is the dot product of output and output gradient: no need for the row.
    mean_BHT = (y_grad_BHTD * y_BHTD).sum(-1)
    for key_start in range(0, T, tile):
        columns = slice(key_start, key_start + tile)
        k, v = k_BHTD[:, :, columns], v_BHTD[:, :, columns]
        for start in range(key_start, T, tile):  # queries before the keys: all masked
            rows = slice(start, start + tile)
            q, y_grad = q_BHTD[:, :, rows], y_grad_BHTD[:, :, rows]
            scores = _hide_future(q @ k.transpose(-2, -1) / math.sqrt(D), start, key_start)
            weights = (scores - log_sum_BHT[:, :, rows, None]).exp()  # (B, H, tile, tile)
            weights_grad = y_grad @ v.transpose(-2, -1)
            scores_grad = weights * (weights_grad - mean_BHT[:, :, rows, None]) / math.sqrt(D)
            v_grad[:, :, columns] += weights.transpose(-2, -1) @ y_grad
            k_grad[:, :, columns] += scores_grad.transpose(-2, -1) @ q
            q_grad[:, :, rows] += scores_grad @ k
    return q_grad, k_grad, v_grad


def _hide_future(scores: Tensor, start: int, key_start: int) -> Tensor:
    """Set to -inf the scores of keys after their query, in a tile that begins at those offsets."""
    queries = start + torch.arange(scores.shape[-2], device=scores.device)
    keys = key_start + torch.arange(scores.shape[-1], device=scores.device)
    return scores.masked_fill(keys > queries[:, None], -math.inf)
