"""Each step's batch, in the size that the ramps ask for."""

import time
from dataclasses import dataclass

import torch

from groundup.data import Batch
from groundup.train.budget import sizes_at
from groundup.train.config import TrainConfig
from groundup.train.loss import BatchSource, ResizableSource
from groundup.train.step import micro_batches


@dataclass(frozen=True)
class StepBatch:
    """What a step trains on.

    Attributes:
        batch: on the CPU.
        sequences: how many it counts for, of the source's context length.
        micro_batch_size: rows per forward pass, 0 for all.
        seconds: that reading it took.
    """

    batch: Batch
    sequences: int
    micro_batch_size: int
    seconds: float

    @property
    def tokens(self) -> int:
        """Tokens that are trained on: all but padding."""
        return int(self.batch.loss_mask.sum())

    def first_part(self) -> Batch:
        """Return what the first forward pass is given."""
        return next(micro_batches(self.batch, self.micro_batch_size))


class StepBatches:
    """Reads each step's batch in the size that it should have; for a GPU, one step ahead."""

    def __init__(self, source: BatchSource, config: TrainConfig, device: torch.device) -> None:
        self.source, self.config, self.device = source, config, device
        self._sequences, self._micro_batch_size = config.batch_size, config.micro_batch_size
        self._ahead: tuple[int, Batch, float] | None = None  # step, batch, seconds

    def read(self, step: int, share: float) -> StepBatch:
        """Return the batch of ``step``, which comes when ``share`` of the run is over."""
        self._resize(step, share)
        if self._ahead and self._ahead[0] == step:
            _, batch, seconds = self._ahead
        else:
            start = time.perf_counter()
            batch = self.source.batch(step)
            seconds = time.perf_counter() - start
        return StepBatch(batch, self._sequences, self._micro_batch_size, seconds)

    def look_ahead(self, step: int) -> None:
        """Read the batch of ``step`` already, where a GPU is busy with the one before."""
        if self.device.type == "cuda":
            start = time.perf_counter()
            batch = self.source.batch(step).pinned()
            self._ahead = step, batch, time.perf_counter() - start

    def _resize(self, step: int, share: float) -> None:
        """Give the source the size that the ramps have at this share of the run."""
        if not (self.config.batch_ramp or self.config.length_ramp):
            return
        source = self.source
        assert isinstance(source, ResizableSource), "a ramp needs batches that can be resized"
        size = sizes_at(self.config, share, source.context_length)
        if source.size(step) != size:
            source.resize(step, *size)
            self._ahead = None
        self._sequences, length = size
        rows = source.context_length // length  # per sequence: a pass has the same tokens
        self._micro_batch_size = self.config.micro_batch_size * rows
