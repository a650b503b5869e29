"""Learning rates tuned on one model and batch, carried over to another.

A rate found at ``base_width`` and ``base_batch_tokens`` is multiplied by two factors, both 1 at the
base. What is not touched: betas, momentum, weight decay and warm-up.

*Width* (``width_factor``), with r = width / base_width:

=========================  ======  ==========================================================
group                      factor  source
=========================  ======  ==========================================================
embeddings, head           r^-½    nanochat's rule; μP would keep embeddings and divide the
                                   head's rate by r (arXiv 2203.03466, table 3)
norms and biases           1       μP: what acts on each channel alone knows no width
block matrices by AdamW    r^-1    μP: an update's entries add up over r times as many inputs
… by Muon, scale "shape"   1       the update has spectral norm √(rows/columns) where rows are more,
                                   which keeps the change of activations (arXiv 2310.17813)
… by Muon, scale "rms"     r^-½    the update's spectral norm grows with √width; this undoes it
=========================  ======  ==========================================================

*Batch* (``batch_factor``): the square root of the ratio, for Adam the scaling under which its
stochastic differential equation stays the same (arXiv 2205.10287; the betas are left
alone); for Muon, which also normalizes its update, by analogy, as nanochat does.
"""

import math
from typing import Literal


def width_factor(
    group: str, muon_scale: Literal["shape", "rms"] | None, *, width: int, base_width: int
) -> float:
    """Return what a learning rate tuned at ``base_width`` is multiplied by at ``width``.

    Args:
        group: name of the parameter group.
        muon_scale: how Muon scales the group's updates; None where AdamW makes them.
        width: channels of the residual stream, C.
        base_width: the same of the model that the rate was tuned on.
    """
    ratio = width / base_width
    match group, muon_scale:
        case ("norms and biases", _) | (_, "shape"):
            return 1.0
        case "block matrices", None:
            return 1 / ratio
    return 1 / math.sqrt(ratio)


def batch_factor(batch_tokens: int, base_batch_tokens: int) -> float:
    """Return what a learning rate tuned at ``base_batch_tokens`` per step is multiplied by."""
    return math.sqrt(batch_tokens / base_batch_tokens)
