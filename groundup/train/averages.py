"""Averages of the weights along the way: less noise than the last of them has."""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor

from groundup.train.config import TrainConfig
from groundup.train.precision import Masters


class WeightAverage:
    """A running average of a model's weights, of one of two kinds, or of neither.

    *Exponential* (``ema_decay``): d^(t-i) is the weight of step i's weights after t updates,
    divided by the sum of these, so that the first weights do not linger (the correction of Adam,
    arXiv 1412.6980, section 3).

    *Snapshots* (``average_last``): the mean of k snapshots, evenly spaced over the last part of the
    run, the last one at its end (arXiv 1803.05407; for language models arXiv 2306.03241).

    Args:
        masters: whose float32 weights are averaged.
        config: names the kind.
    """

    def __init__(self, masters: Masters, config: TrainConfig) -> None:
        self.masters, self.config = masters, config
        on = config.ema_decay > 0 or config.average_last > 0
        weights: Mapping[str, Tensor] = masters.parameters() if on else {}
        self._average = {name: torch.zeros_like(w.detach()) for name, w in weights.items()}
        # How many weights are in the average, and which snapshot was the last.
        self._count, self._slot = (torch.zeros((), dtype=torch.int64) for _ in range(2))

    def state_dict(self) -> dict[str, Tensor]:
        """Return the whole state as live tensors; empty where nothing is averaged."""
        if not self._average:
            return {}
        return {**self._average, "average.count": self._count, "average.slot": self._slot}

    def update(self, progress: float) -> None:
        """Take the weights after an update into the average, if they belong there.

        Args:
            progress: share of the run that is done, up to 1.
        """
        if decay := self.config.ema_decay:
            self._count += 1
            self._blend((1 - decay) / -math.expm1(self._count.item() * math.log(decay)))
        elif self.config.average_last:
            slot = self._slot_of(progress)
            if slot < self._slot.item():  # the run has been made longer: its end is another one
                self._slot.zero_()
                self._count.zero_()
            if slot > self._slot.item():
                self._slot.fill_(slot)
                self._count += 1
                self._blend(1 / self._count.item())

    def finish(self) -> None:
        """Take the last snapshot, if the run ended before the step that should have been it."""
        if self.config.average_last:
            self.update(1.0)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Let the model have the averaged weights inside, and its own again outside.

        Only pointers are exchanged: it costs no memory and no copy of the masters.
        """
        self._exchange()
        try:
            yield
        finally:
            self._exchange()

    def keep(self) -> None:
        """Give the model the averaged weights for good, at the end of a run."""
        self._exchange()

    def _exchange(self) -> None:
        if not self._count.item():
            return
        weights = self.masters.parameters()
        for name, average in self._average.items():
            weights[name].data, average.data = average.data, weights[name].data
        self.masters.publish()

    @torch.no_grad()
    def _blend(self, share: float) -> None:
        weights = self.masters.parameters()
        averages = list(self._average.values())
        torch._foreach_lerp_(averages, [weights[name] for name in self._average], share)

    def _slot_of(self, progress: float) -> int:
        """Return how many of the snapshots are due: 0 before the last part, k at the end."""
        count, span = self.config.average_last, self.config.average_fraction
        # Rounded, or the last of 5 might not be due for want of a bit.
        return max(0, math.floor(round(count * (1 - (1 - progress) / span), 9)))
