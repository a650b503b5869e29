"""Batches of the size that the ramps ask for, and the code that is compiled for each size."""

import time
from typing import Literal

import torch
from torch import nn

from groundup.data import Batch
from groundup.train.budget import num_sequences, sizes_at
from groundup.train.compile import (
    PAYS_FROM,
    TRIAL_FROM_SECONDS,
    TRIAL_STEPS,
    Trial,
    compile_objective,
    compile_obstacle,
)
from groundup.train.config import TrainConfig
from groundup.train.display import Display, duration
from groundup.train.flops import flops_per_token
from groundup.train.horizon import Clock, Horizon, Recorded
from groundup.train.loss import BatchSource, Objective, ResizableSource
from groundup.train.precision import Masters
from groundup.train.schedules import Progress
from groundup.train.step import micro_batches

TOO_SHORT = "not compiling: what that takes would not be earned back in the time that is left"
AS_RECORDED = "not compiling: a run that repeats another's progress has no clock to try it by"


class ShapedBatches:
    """Takes each step's batch in the size that it should have, and compiles for a new shape.

    Each shape is one compilation: code for one shape is faster than code for any, and a ramp has
    few of them. It happens between two steps, so that no step is timed with it.

    Attributes:
        objective: what to learn, compiled for the latest batch where that pays.
        sequences: of the latest batch, of the source's context length.
        micro_batch_size: rows per forward pass, 0 for all.
        tokens: of the latest batch that are trained on: all but padding.
        flops: that it costs, padding included.
        data_seconds: that reading it took.
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
        self.data_seconds = 0.0
        self._shape: torch.Size | None = None
        self._compiles: Literal["on", "off", "try"] | None = None  # None: not decided yet
        self._trial: Trial | None = None
        self._step = 0
        self._ahead: tuple[int, Batch, float] | None = None  # next step, batch, seconds

    @property
    def compiled(self) -> bool:
        """Whether the objective is compiled."""
        return self.objective is not self.plain_objective

    def take(self, step: int) -> tuple[Progress, Batch]:
        """Return how far the run is and the batch of this step, on the device."""
        while True:
            progress = self.horizon.progress(step)
            self._resize(step, progress.share)
            batch = self._read(step)
            if not self._prepare(batch):
                break  # otherwise, by the clock, time has passed
        self._step = step
        self.tokens = int(batch.loss_mask.sum())
        return progress, batch.to(self.device, non_blocking=True)

    def look_ahead(self) -> None:
        """Read the next step's batch, where a GPU is busy with this one's meanwhile."""
        if self.device.type == "cuda":
            step = self._step + 1
            start = time.perf_counter()
            batch = self.batches.batch(step).pinned()
            self._ahead = step, batch, time.perf_counter() - start

    def stepped(self, seconds: float) -> None:
        """Note how long a step took, for a trial of compiled steps against eager ones."""
        trial = self._trial
        if trial is None:
            return
        steps = trial.compiled if self.compiled else trial.eager
        steps.append(seconds)
        if len(trial.compiled) == TRIAL_STEPS:
            eager, compiled = trial.speeds()
            times = f"{1000 * eager:,.0f} → {1000 * compiled:,.0f} ms a step"
            if compiled < eager:
                self.display.say(f"compiled steps are faster: {times}")
            else:
                self.display.say(f"compiled steps are not faster: {times}; back to eager ones")
                self.objective = self.plain_objective
            self._trial = None

    def _read(self, step: int) -> Batch:
        """Return this step's batch, and note how long reading it took, now or ahead."""
        if self._ahead and self._ahead[0] == step:
            _, batch, self.data_seconds = self._ahead
            return batch
        start = time.perf_counter()
        batch = self.batches.batch(step)
        self.data_seconds = time.perf_counter() - start
        return batch

    def _resize(self, step: int, share: float) -> None:
        """Give the source the size that the ramps have at this share of the run."""
        if not (self.config.batch_ramp or self.config.length_ramp):
            return
        source = self.batches
        assert isinstance(source, ResizableSource), "a ramp needs batches that can be resized"
        size = sizes_at(self.config, share, source.context_length)
        if source.size(step) != size:
            source.resize(step, *size)
            self._ahead = None
        self.sequences, length = size
        rows = source.context_length // length  # per sequence: a pass has the same tokens
        self.micro_batch_size = self.config.micro_batch_size * rows

    def _prepare(self, batch: Batch) -> bool:
        """Make ready for a batch; return whether that took time."""
        if batch.inputs.shape != self._shape:
            self._shape = batch.inputs.shape
            length = batch.inputs.shape[1]
            self.flops = batch.inputs.numel() * flops_per_token(self.model, length)
            self.objective, self._trial = self.plain_objective, None
            if self._compiles is None:
                self._compiles = self._should_compile(batch)
            if self._compiles == "try":
                self._trial = Trial()
            elif self._compiles == "on":
                self._compile(batch)
            return True
        trial = self._trial
        if trial is None or len(trial.eager) < TRIAL_STEPS:
            return False
        if self.compiled:
            return False  # the turn of the compiled steps
        if not self._time_to_earn():
            self.display.say(TOO_SHORT)
            self._trial = None
            return False
        self._compile(batch)
        if not self.compiled:
            self._trial = None  # the compiler failed
        return True

    def _compile(self, batch: Batch) -> None:
        self.display.say("compiling the forward and backward pass, up to a minute")
        start = time.perf_counter()
        part = next(micro_batches(batch, self.micro_batch_size)).to(self.device)
        self.objective = compile_objective(
            self.plain_objective, self.model, part, self.masters, self.display.warn
        )
        seconds = time.perf_counter() - start
        self.horizon.paused(seconds)
        if self.compiled:
            self.display.say(f"compiled in {duration(seconds)}")

    def _should_compile(self, batch: Batch) -> Literal["on", "off", "try"]:
        """Decide for the whole run, and say why not."""
        config = self.config
        if config.compile != "auto":
            return config.compile
        if obstacle := compile_obstacle(self.model, self.device):
            self.display.say(f"not compiling: {obstacle}")
            return "off"
        if config.duration.seconds is not None:
            choice: Literal["on", "off", "try"] = "try" if self._time_to_earn() else "off"
        else:
            tokens = batch.inputs.numel() // self.sequences  # whatever the rows' length now
            sequence_flops = tokens * flops_per_token(self.model, tokens)
            run_flops = sequence_flops * num_sequences(config, config.max_steps)
            choice = "on" if run_flops >= PAYS_FROM[self.device.type] else "off"
        if choice == "off":
            self.display.say(AS_RECORDED if isinstance(self.horizon, Recorded) else TOO_SHORT)
        return choice

    def _time_to_earn(self) -> bool:
        return isinstance(self.horizon, Clock) and self.horizon.left >= TRIAL_FROM_SECONDS
