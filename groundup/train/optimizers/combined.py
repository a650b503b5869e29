"""One optimizer to the loop: AdamW for some groups, Muon for others, one schedule for all."""

import torch
from torch import Tensor

from groundup.train.config import TrainConfig
from groundup.train.optimizers.adamw import AdamW
from groundup.train.optimizers.groups import ParameterGroup
from groundup.train.optimizers.muon import Muon
from groundup.train.workers import Workers


class Optimizers:
    """Updates every group by its own optimizer.

    All state is there from the start, zero, so that a checkpoint can be read into it.

    Args:
        groups: every parameter once.
        config: of both optimizers.
        dtype: of Muon's matrix products: the faster on this device.
        workers: share Muon's matrices; by default nothing is shared.
    """

    def __init__(
        self,
        groups: list[ParameterGroup],
        config: TrainConfig,
        dtype: torch.dtype = torch.float32,
        workers: Workers | None = None,
    ) -> None:
        self.groups = groups
        adamw = [group for group in groups if group.optimizer == "adamw"]
        muon = [group for group in groups if group.optimizer == "muon"]
        self._optimizers: list[AdamW | Muon] = []
        if adamw:
            self._optimizers.append(AdamW(adamw, config))
        if muon:
            self._optimizers.append(Muon(muon, config, dtype, workers or Workers()))

    def step(self, multiplier: float) -> None:
        """Update every parameter that has a gradient, at ``multiplier`` times the peak rate."""
        for optimizer in self._optimizers:
            optimizer.step(multiplier)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the whole state as live tensors, named ``PARAMETER.exp_avg`` and so on."""
        return {
            name: tensor
            for optimizer in self._optimizers
            for name, tensor in optimizer.state_dict().items()
        }
