"""Muon: momentum, orthogonalized; many matrices of one shape at once."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from groundup.train.config import TrainConfig
from groundup.train.optimizers.cautious import decay_cautiously
from groundup.train.optimizers.groups import ParameterGroup
from groundup.train.optimizers.orthogonalize import COEFFICIENTS, SLACK, orthogonalize
from groundup.train.workers import Workers

FIRST_MOMENTUM = 0.85
"""Where ``momentum_warmup_steps`` begins (modded-nanogpt, nanochat)."""

STACK = 2**22
"""Numbers in the stacks of matrices that are updated at a time, at most, if one alone has not more.
It bounds the memory that gradients and products take beside the weights; on two cores 2**21 and all
at once were as fast."""

TURNS = 2
"""Into how many smaller stacks one is cut per thread, where each thread takes one at a time: of 1,
2 and 4, 2 was the fastest with ten million weights; with fewer all were alike."""


@dataclass(frozen=True)
class Stack:
    """Matrices of one shape and group, updated together."""

    names: list[str]
    weights: list[Tensor]  # N of (R, C), float32
    averages: Tensor  # (N, R, C), of the gradients
    learning_rate: float
    weight_decay: float


class Muon:
    """MomentUm Orthogonalized by Newton–Schulz (https://kellerjordan.github.io/posts/muon).

    The average m ← μm + (1-μ)g, with Nesterov's look ahead (1-μ)g + μm, is orthogonalized and
    scaled, so that one learning rate holds for every shape: ``shape`` by √max(1, rows/columns)
    (Jordan), ``rms`` by 0.2·√max(rows, columns), which gives the update the size of AdamW's, so
    that AdamW's rate and decay can be taken (arXiv 2502.16982, section 2.2).

    Each matrix of a model is one: queries, keys and values are orthogonalized apart. A parameter
    without a gradient counts as one with gradient zero.

    Args:
        groups: of matrices.
        config: momentum, coefficients, scale.
        dtype: of the products; bfloat16 has precision enough, since only directions matter.
        workers: update stacks side by side. Products of small matrices are over too soon for cores
            to share one: on two, models of some million weights are updated in half the time.
    """

    def __init__(
        self,
        groups: list[ParameterGroup],
        config: TrainConfig,
        dtype: torch.dtype,
        workers: Workers,
    ) -> None:
        self.config, self.dtype, self.workers = config, dtype, workers
        self.slack = SLACK[config.muon_coefficients]
        self.coefficients = COEFFICIENTS[config.muon_coefficients][: config.muon_steps]
        most = STACK if workers.threads == 1 else STACK // (TURNS * workers.threads)
        stacks = [stack for group in groups for stack in _stacks(group, most)]
        # The largest first, so that no thread begins one when the others are done.
        self.stacks = sorted(stacks, key=lambda stack: stack.averages.numel(), reverse=True)
        self._steps = torch.zeros((), dtype=torch.int64)

    def step(self, multiplier: float) -> None:
        """Update every matrix, at ``multiplier`` times the peak rate."""
        momentum = self._momentum()
        self.workers.for_each(self.stacks, lambda stack: self._update(stack, momentum, multiplier))
        self._steps += 1

    def state_dict(self) -> dict[str, Tensor]:
        """Return the whole state as live tensors."""
        state = {
            f"{name}.momentum_buffer": average
            for stack in self.stacks
            for name, average in zip(stack.names, stack.averages, strict=True)
        }
        return {**state, "muon.step": self._steps}

    @torch.no_grad()  # here and not of step(): it holds for a thread
    def _update(self, stack: Stack, momentum: float, multiplier: float) -> None:
        rate = stack.learning_rate * multiplier
        gradient_NRC = torch.stack(
            [torch.zeros_like(w) if w.grad is None else w.grad for w in stack.weights]
        )
        stack.averages.lerp_(gradient_NRC, 1 - momentum)
        ahead_NRC = gradient_NRC.lerp_(stack.averages, momentum).to(self.dtype)
        update_NRC = orthogonalize(ahead_NRC, self.coefficients, self.slack).float()
        updates = update_NRC.unbind()
        share = rate * stack.weight_decay
        if self.config.cautious_weight_decay:
            for weight, update in zip(stack.weights, updates, strict=True):
                decay_cautiously(weight, update, share)
        elif share:
            torch._foreach_mul_(stack.weights, 1 - share)
        scale = self._scale(*stack.weights[0].shape)
        torch._foreach_add_(stack.weights, updates, alpha=-rate * scale)

    def _momentum(self) -> float:
        peak, warmup = self.config.momentum, self.config.momentum_warmup_steps
        done = min(1.0, self._steps.item() / warmup) if warmup else 1.0
        return FIRST_MOMENTUM * (1 - done) + peak * done if done < 1 else peak

    def _scale(self, rows: int, columns: int) -> float:
        if self.config.muon_scale == "rms":
            return 0.2 * math.sqrt(max(rows, columns))
        return math.sqrt(max(1, rows / columns))


def _stacks(group: ParameterGroup, numbers: int) -> Iterator[Stack]:
    """Sort a group's matrices by shape, each shape cut into stacks of that many numbers at most."""
    by_shape: dict[torch.Size, list[str]] = {}
    for name, tensor in group.parameters.items():
        by_shape.setdefault(tensor.shape, []).append(name)
    for shape, names in by_shape.items():
        most = max(1, numbers // shape.numel())
        for start in range(0, len(names), most):
            part = names[start : start + most]
            weights = [group.parameters[name] for name in part]
            averages = torch.zeros(len(part), *shape, device=weights[0].device)
            yield Stack(part, weights, averages, group.learning_rate, group.weight_decay)
