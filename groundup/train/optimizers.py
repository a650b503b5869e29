"""AdamW and Muon, and which parameter is whose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from groundup.train.config import TrainConfig


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that are treated alike.

    Attributes:
        name: what they are.
        parameters: by their names in the model, float32.
        optimizer: who updates them.
        learning_rate: peak.
        weight_decay: per step and unit of learning rate.
    """

    name: str
    parameters: dict[str, Tensor]
    optimizer: Literal["adamw", "muon"]
    learning_rate: float
    weight_decay: float

    @property
    def num_parameters(self) -> int:
        """Numbers in all its tensors."""
        return sum(tensor.numel() for tensor in self.parameters.values())


def group_parameters(
    model: nn.Module, parameters: Mapping[str, Tensor], config: TrainConfig
) -> list[ParameterGroup]:
    """Sort parameters into groups; each is in exactly one, empty groups are left out.

    Weight decay is for matrices only (GPT-3, arXiv 2005.14165, appendix B; nanoGPT likewise).
    Embeddings are tables, not matrices: most rows of a batch see no gradient and would only shrink;
    OLMo 2 (arXiv 2501.00656) leaves their decay out too. A head tied to them goes with them.
    Muon takes the matrices inside the repeated blocks, since the head and embeddings want AdamW
    (https://kellerjordan.github.io/posts/muon).

    Args:
        model: tells which parameters are embeddings.
        parameters: float32 tensors by the model's names, as from ``Masters.parameters``.
        config: learning rates and decay.
    """
    embeddings = {
        f"{name}.weight"
        for name, module in model.named_modules()
        if isinstance(module, nn.Embedding)
    }
    members: dict[str, dict[str, Tensor]] = {}
    for name, tensor in parameters.items():
        # In a block's name stands its number: blocks.3.attention.q_proj.weight.
        in_block = any(part.isdigit() for part in name.split("."))
        if name in embeddings:
            group = "embeddings"
        elif tensor.ndim < 2:
            group = "norms and biases"
        else:
            group = "block matrices" if in_block else "other matrices"
        members.setdefault(group, {})[name] = tensor

    groups = []
    for group, tensors in members.items():
        muon = config.optimizer == "muon" and group == "block matrices"
        groups.append(
            ParameterGroup(
                name=group,
                parameters=tensors,
                optimizer="muon" if muon else "adamw",
                learning_rate=config.muon_learning_rate if muon else config.learning_rate,
                weight_decay=config.weight_decay if "matrices" in group else 0.0,
            )
        )
    return groups


class Optimizers:
    """One optimizer to the loop: AdamW for some groups, Muon for others, one schedule for all.

    AdamW (arXiv 1711.05101) is torch's fused kernel: one pass over each tensor.
    Muon orthogonalizes the averaged gradient of a matrix by five Newton–Schulz steps and scales
    it by √max(1, rows/columns), so that its learning rate holds for every shape.
    """

    def __init__(self, groups: list[ParameterGroup], config: TrainConfig) -> None:
        self.groups = groups
        self._optimizers: list[torch.optim.Optimizer] = []
        adamw = [_torch_group(group) for group in groups if group.optimizer == "adamw"]
        if adamw:
            self._optimizers.append(
                torch.optim.AdamW(
                    adamw, betas=(config.beta1, config.beta2), eps=config.eps, fused=True
                )
            )
        muon = [_torch_group(group) for group in groups if group.optimizer == "muon"]
        if muon:
            self._optimizers.append(
                torch.optim.Muon(muon, momentum=config.momentum, adjust_lr_fn="original")
            )
        self._peaks = {group.name: group.learning_rate for group in groups}
        self._create_state()

    def step(self, multiplier: float) -> None:
        """Update every parameter that has a gradient, at ``multiplier`` times the peak rate."""
        for optimizer in self._optimizers:
            for group in optimizer.param_groups:
                group["lr"] = self._peaks[group["name"]] * multiplier
            optimizer.step()

    def state_dict(self) -> dict[str, Tensor]:
        """Return the whole state as live tensors, named ``PARAMETER.exp_avg`` and so on."""
        names = {
            id(tensor): name for group in self.groups for name, tensor in group.parameters.items()
        }
        return {
            f"{names[id(parameter)]}.{key}": value
            for optimizer in self._optimizers
            for parameter, state in optimizer.state.items()
            for key, value in state.items()
        }

    def _create_state(self) -> None:
        """Make every state tensor at once, zero, so that a checkpoint can be read into them.

        torch makes them at the first step: so take one at rate 0 with zero gradients, which leaves
        the parameters as they are, and set its counters back.
        """
        tensors = [tensor for group in self.groups for tensor in group.parameters.values()]
        for tensor in tensors:
            tensor.grad = torch.zeros_like(tensor)
        self.step(0.0)
        for tensor in tensors:
            tensor.grad = None
        for value in self.state_dict().values():
            value.zero_()


def _torch_group(group: ParameterGroup) -> dict[str, object]:
    return {
        "name": group.name,
        "params": list(group.parameters.values()),
        "lr": group.learning_rate,
        "weight_decay": group.weight_decay,
    }
