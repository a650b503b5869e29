"""How far an update moves the weights: too little learns nothing, too much forgets."""

import torch
from torch import Tensor

from groundup.train.optimizers import ParameterGroup


def copy_weights(groups: list[ParameterGroup]) -> list[list[Tensor]]:
    """Return a copy of every group's weights, to be compared with those after a step."""
    return [[w.detach().clone() for w in group.parameters.values()] for group in groups]


@torch.no_grad()
def update_ratios(groups: list[ParameterGroup], before: list[list[Tensor]]) -> dict[str, float]:
    """Return ‖Δw‖/‖w‖ of each group, w being the weights after the step.

    About 1e-3 is healthy for matrices by AdamW (A. Karpathy, "Building makemore", part 3); Muon's
    are larger. One pass over the weights and one wait for the device.

    Args:
        groups: as they are now.
        before: their weights before the step; left holding the updates.
    """
    rows = []
    for group, old in zip(groups, before, strict=True):
        new = list(group.parameters.values())
        torch._foreach_sub_(old, new)
        rows += [torch.nn.utils.get_total_norm(tensors) for tensors in (old, new)]
    norms = torch.stack(rows).tolist()
    return {
        group.name: moved / size if size else 0.0
        for group, moved, size in zip(groups, norms[::2], norms[1::2], strict=True)
    }
