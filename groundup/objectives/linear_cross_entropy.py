"""The output head and its cross-entropy as one operation that never holds all logits.

With a large vocabulary the logits are the largest tensors of a training step, and plain
cross-entropy holds them several times over, in float32. Here some rows at a time are multiplied,
compared with their targets and turned into gradients at once, in the forward pass (Liger Kernel,
arXiv 2410.10989, section 3.2): what is kept for the backward pass has the size of the hidden
states and of the head. To recompute logits backward instead would be a fourth matrix product.
"""

import torch
from torch import Tensor

from groundup.objectives.row_loss import rows_loss

CHUNK_LOGITS = 2**25
"""Logits held at a time, 64 MB in bfloat16, where that is at least ``CHUNK_ROWS`` rows."""

CHUNK_ROWS = 1024
"""Fewest rows of a chunk. Each chunk adds its share to the head's gradient in float32: by count of
bytes and products some 7 % of its time at this number, twice that at half of it (not measured)."""

KERNEL_DTYPES = (torch.bfloat16, torch.float32)
"""Of logits that ``rows_loss`` takes."""

BLOCK_LOGITS = 2**20
"""Logits that a CPU otherwise takes at a time: 4 MB in float32, which stay in its cache."""


def linear_cross_entropy(
    hidden_NC: Tensor, weight_VC: Tensor, targets_N: Tensor, soft_cap: float | None = None
) -> Tensor:
    """Return the summed cross-entropy of ``hidden @ weight.T``, float32, in nats.

    Equal to ``F.cross_entropy(logits.float(), targets, reduction="sum")`` to float32's rounding,
    and so are both gradients. It cannot be differentiated twice. To torch.compile it is one
    operation whose inside is not looked at.

    Args:
        hidden_NC: last hidden states, in the dtype of matrix products.
        weight_VC: head, or the token embedding tied to it; cast to the hidden states' dtype, its
            gradient is in its own.
        targets_N: token ids; rows with a negative one have no loss and no gradient.
        soft_cap: logits are squashed to ±cap by cap·tanh(logits/cap) first.
    """
    differentiate = torch.is_grad_enabled()
    loss: Tensor = _loss_and_gradients(hidden_NC, weight_VC, targets_N, soft_cap, differentiate)[0]
    return loss


@torch.library.custom_op("groundup::linear_cross_entropy", mutates_args=())
def _loss_and_gradients(
    hidden_NC: Tensor,
    weight_VC: Tensor,
    targets_N: Tensor,
    soft_cap: float | None,
    differentiate: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss and its gradients by hidden states and weight; empty ones if not asked."""
    N, V = hidden_NC.shape[0], weight_VC.shape[0]
    cast_VC = weight_VC.to(hidden_NC.dtype)
    loss = hidden_NC.new_zeros((), dtype=torch.float32)
    hidden_grad_NC = torch.empty_like(hidden_NC) if differentiate else hidden_NC.new_empty(0)
    weight_grad_VC: Tensor | None = None
    num_rows = max(CHUNK_ROWS, CHUNK_LOGITS // V)
    for start in range(0, N, num_rows):
        rows = slice(start, start + num_rows)
        logits_RV = hidden_NC[rows] @ cast_VC.T
        loss += _chunk_loss(logits_RV, targets_N[rows], soft_cap, differentiate)
        if differentiate:  # from here on logits_RV holds the gradient of the logits
            torch.mm(logits_RV, cast_VC, out=hidden_grad_NC[rows])
            share_VC = logits_RV.T @ hidden_NC[rows]
            if weight_grad_VC is None:
                weight_grad_VC = share_VC.to(weight_VC.dtype if num_rows >= N else torch.float32)
            else:
                weight_grad_VC += share_VC
    if weight_grad_VC is None:
        return loss, hidden_grad_NC, weight_VC.new_empty(0)
    return loss, hidden_grad_NC, weight_grad_VC.to(weight_VC.dtype)


def _chunk_loss(
    logits_RV: Tensor, targets_R: Tensor, soft_cap: float | None, differentiate: bool
) -> Tensor | float:
    """Return the summed loss of some rows; overwrite their logits with its gradient if asked."""
    if logits_RV.device.type != "cpu":
        return _block_loss(logits_RV, targets_R, soft_cap, differentiate)
    if soft_cap is None and logits_RV.dtype in KERNEL_DTYPES:
        return rows_loss(logits_RV, targets_R, differentiate=differentiate)
    block_rows = max(1, BLOCK_LOGITS // logits_RV.shape[1])
    blocks = zip(logits_RV.split(block_rows), targets_R.split(block_rows), strict=True)
    return sum(_block_loss(*block, soft_cap, differentiate) for block in blocks)


def _block_loss(
    logits_RV: Tensor, targets_R: Tensor, soft_cap: float | None, differentiate: bool
) -> Tensor:
    """The same, by torch's operations."""
    logits32_RV = logits_RV.float()
    if soft_cap is not None:
        logits32_RV = soft_cap * torch.tanh(logits32_RV / soft_cap)
    counted_R1 = (targets_R >= 0).float()[:, None]
    targets_R1 = targets_R.clamp(min=0)[:, None]
    # One exponential per logit gives loss and gradient; log_softmax and its exp would take two.
    largest_R1 = logits32_RV.amax(-1, keepdim=True)
    at_target_R1 = logits32_RV.gather(1, targets_R1)
    slope_RV = 1 - (logits32_RV / soft_cap).square() if differentiate and soft_cap else None
    powers_RV = logits32_RV.sub_(largest_R1).exp_()
    sum_R1 = powers_RV.sum(-1, keepdim=True)
    loss = ((sum_R1.log() + largest_R1 - at_target_R1) * counted_R1).sum()
    if differentiate:  # the gradient of cross-entropy: probabilities, less 1 at the target
        gradient_RV = powers_RV.mul_(counted_R1 / sum_R1).scatter_add_(1, targets_R1, -counted_R1)
        if slope_RV is not None:
            gradient_RV *= slope_RV  # tanh' = 1 - tanh²
        logits_RV.copy_(gradient_RV)
    return loss


@_loss_and_gradients.register_fake
def _shapes(
    hidden_NC: Tensor,
    weight_VC: Tensor,
    targets_N: Tensor,  # noqa: ARG001 - the signature is the operation's
    soft_cap: float | None,  # noqa: ARG001
    differentiate: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Tell torch.compile the shapes that come back."""
    loss = hidden_NC.new_empty((), dtype=torch.float32)
    if not differentiate:
        return loss, hidden_NC.new_empty(0), weight_VC.new_empty(0)
    return loss, torch.empty_like(hidden_NC), torch.empty_like(weight_VC)


def _keep_gradients(ctx, inputs, output):  # type: ignore[no-untyped-def]  # noqa: ARG001
    ctx.save_for_backward(*output[1:])


def _scale_gradients(ctx, loss_grad, *_):  # type: ignore[no-untyped-def]
    hidden_grad_NC, weight_grad_VC = ctx.saved_tensors
    return loss_grad * hidden_grad_NC, loss_grad * weight_grad_VC, None, None, None


_loss_and_gradients.register_autograd(_scale_gradients, setup_context=_keep_gradients)
