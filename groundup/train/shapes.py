"""Batches of the size that the ramps ask for, and the code that is compiled for each size."""

import math

import torch
from torch import nn

from groundup.data import Batch
from groundup.train.budget import num_sequences, sizes_at
from groundup.train.compile import PAYS_FROM_SECONDS, compile_objective, should_compile
from groundup.train.config import TrainConfig
from groundup.train.display import Display
from groundup.train.flops import flops_per_token
from groundup.train.horizon import Horizon
from groundup.train.loss import BatchSource, Objective, ResizableSource
from groundup.train.precision import Masters
from groundup.train.schedules import Progress
from groundup.train.step import micro_batches


class ShapedBatches:
    """Takes each step's batch in the size that it should have, and compiles for a new shape.

    Each shape is one compilation: code for one shape is faster than code for any, and a ramp has
    few of them. It happens before the step that needs it, so that no step is timed with it.

    Attributes:
        objective: what to learn, compiled for the latest batch where that pays.
        sequences: of the latest batch, of the source's context length.
        micro_batch_size: rows per forward pass, 0 for all.
        tokens: of the latest batch that are trained on: all but padding.
        flops: that it costs, padding included.
    """

    def __init__(
        self,
        batches: BatchSource,
        objective: Objective,
        model: nn.Module,
        masters: Masters,
        config: TrainConfig,
        device: torch.device,
        display: Display,
        horizon: Horizon,
    ) -> None:
        self.batches, self.plain_objective, self.objective = batches, objective, objective
        self.model, self.masters, self.config = model, masters, config
        self.device, self.display, self.horizon = device, display, horizon
        self.sequences, self.micro_batch_size = config.batch_size, config.micro_batch_size
        self.tokens = self.flops = 0
        self._shape: torch.Size | None = None
        self._compiles: bool | None = None

    def take(self, step: int) -> tuple[Progress, Batch]:
        """Return how far the run is and the batch of this step, on the device."""
        while True:
            progress = self.horizon.progress(step)
            batch = self._sized(step, progress.share)
            if batch.inputs.shape == self._shape:
                break
            self._prepare(batch)  # by the clock, time has passed
        self.tokens = int(batch.loss_mask.sum())
        return progress, batch.to(self.device)

    def _sized(self, step: int, share: float) -> Batch:
        """Return the step's batch in the size that the ramps give it."""
        if not (self.config.batch_ramp or self.config.length_ramp):
            return self.batches.batch(step)
        source = self.batches
        assert isinstance(source, ResizableSource), "a ramp needs batches that can be resized"
        size = sizes_at(self.config, share, source.context_length)
        if source.size(step) != size:
            source.resize(step, *size)
        self.sequences, length = size
        rows = source.context_length // length  # per sequence: a pass has the same tokens
        self.micro_batch_size = self.config.micro_batch_size * rows
        return source.batch(step)

    def _prepare(self, batch: Batch) -> None:
        """Make ready for batches of this shape."""
        if self._compiles is None:
            self._compiles = self._should_compile(batch)
            if self._compiles:
                stages = 1 + len(self.config.batch_ramp) + len(self.config.length_ramp)
                times = f", for each of up to {stages} shapes of batches" if stages > 1 else ""
                self.display.say(f"compiling the forward and backward pass, up to a minute{times}")
        self._shape = batch.inputs.shape
        length = batch.inputs.shape[1]
        self.flops = batch.inputs.numel() * flops_per_token(self.model, length)
        if self._compiles:
            part = next(micro_batches(batch, self.micro_batch_size)).to(self.device)
            self.objective = compile_objective(
                self.plain_objective, self.model, part, self.masters, self.display.warn
            )

    def _should_compile(self, batch: Batch) -> bool:
        """Decide for the whole run: what is resumed must decide as it did before."""
        config, seconds = self.config, self.config.duration.seconds
        if seconds is not None:
            run_flops = math.inf if seconds >= PAYS_FROM_SECONDS else 0.0
        else:
            tokens = batch.inputs.numel() // self.sequences  # whatever the rows' length now
            sequence_flops = tokens * flops_per_token(self.model, tokens)
            run_flops = float(sequence_flops * num_sequences(config, config.max_steps))
        return should_compile(config.compile, self.model, self.device, run_flops)
