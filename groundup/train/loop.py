"""The one training loop. It knows nothing of tasks: an objective does."""

import math
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from groundup.data import Batch
from groundup.progress import console
from groundup.train import rng, telemetry
from groundup.train.averages import WeightAverage
from groundup.train.batches import StepBatch, StepBatches
from groundup.train.checkpoint import Checkpoints
from groundup.train.compile import Compilation
from groundup.train.config import TrainConfig
from groundup.train.display import Display, duration
from groundup.train.float8 import float8_products
from groundup.train.flops import flops_per_token
from groundup.train.horizon import Horizon, Stopwatch, horizon_of
from groundup.train.journal import Journal
from groundup.train.loss import BatchSource, Objective
from groundup.train.optimizers import Optimizers, group_parameters
from groundup.train.precision import Masters
from groundup.train.schedules import Progress, batch_multiplier, multiplier
from groundup.train.signals import graceful_interruption
from groundup.train.spikes import non_finite, non_finite_validation
from groundup.train.state import FitResult, RunState, resume
from groundup.train.step import train_step
from groundup.train.validate import evaluating, forecast, validate
from groundup.train.workers import Workers


def fit(
    model: nn.Module,
    objective: Objective,
    batches: BatchSource,
    *,
    config: TrainConfig,
    folder: Path,
    seed: int,
    device: torch.device,
    dtype: torch.dtype,
    validation: Callable[[], Iterable[Batch]] | None = None,
    token_bytes: Tensor | None = None,
    sample: Callable[[nn.Module], str] | None = None,
    peak_flops: float | None = None,
    started: float | None = None,
    horizon: Horizon | None = None,
) -> FitResult:
    """Train a model, going on from the newest whole checkpoint in ``folder`` if there is one.

    A run that is killed and resumed gives the losses of one that was not, bit for bit on one CPU (a
    GPU's attention adds up in any order). SIGINT and SIGTERM finish the step, and its validation if
    it is due, save, and return with ``interrupted``. With more ``max_steps`` (or time) than at
    first a finished run goes on.

    Two runs with the same seed have the same losses where steps are counted. With a budget of time
    the schedule follows the clock, and no two runs are the same; but each is resumed with what had
    been used of the budget, and can be repeated exactly if no compiled steps were tried.

    Args:
        model: float32; moved to ``device``, trained in place, and float32 again at the end.
        objective: what to learn.
        batches: from step to batch of ``config.batch_size`` sequences, all of one shape; with a
            ramp, a ``ResizableSource``.
        config: how to train. Its device, precision and threads are the caller's to resolve, and a
            budget in tokens or epochs too (``settle``).
        folder: made if need be; gets checkpoints/, metrics.jsonl and samples.jsonl.
        seed: of dropout: of all global random number generators.
        device: where to compute.
        dtype: of matrix products, float32 or bfloat16.
        validation: gives held-out batches, the same every time.
        token_bytes: bytes of text each id stands for (``known_text_bytes``), (V,), for bits/byte.
        sample: returns a text by the model, which is in evaluation mode.
        peak_flops: FLOP/s that this machine was measured to reach, for MFU.
        started: ``time.perf_counter()`` when the user's time began, for a budget of time; by
            default now.
        horizon: ``Recorded`` repeats the progress of an earlier run, whatever the budget says.

    Raises:
        NonFiniteError: before the optimizer could spread it into the weights; where spikes are
            skipped, such steps are too. Or of the held-out text, before the weights are saved.
        SpikeError: only such steps came.
        UserError: the checkpoints are damaged, or of another model or other data.
        OSError: the disk is full; the checkpoint before is whole.
    """
    started = time.perf_counter() if started is None else started
    folder.mkdir(parents=True, exist_ok=True)
    rng.seed_all(seed)
    model.to(device).train()
    masters = Masters(model, dtype)
    try:
        run = _Run(model, objective, batches, masters, config, folder, device, peak_flops)
        run.resume(started, horizon)
        return run.train(_Looks(validation, token_bytes, sample))
    finally:
        masters.release()
        model.eval()


@dataclass(frozen=True)
class _Looks:
    """What is looked at on the way; the arguments of ``fit``."""

    validation: Callable[[], Iterable[Batch]] | None
    token_bytes: Tensor | None
    sample: Callable[[nn.Module], str] | None


class _Run:
    """One call of ``fit``: what it holds, and what it does in and between steps."""

    state: RunState
    watch: Stopwatch
    horizon: Horizon
    compilation: Compilation
    journal: Journal
    looks: _Looks

    def __init__(
        self,
        model: nn.Module,
        objective: Objective,
        batches: BatchSource,
        masters: Masters,
        config: TrainConfig,
        folder: Path,
        device: torch.device,
        peak_flops: float | None,
    ) -> None:
        self.model, self.objective, self.source = model, objective, batches
        self.batches = StepBatches(batches, config, device)
        self.masters, self.config, self.folder = masters, config, folder
        self.workers = Workers.of_run(config, model, device)
        self.device, self.peak_flops = device, peak_flops
        self.display = Display(
            console,
            max_steps=config.max_steps,
            log_every=config.log_every,
            budget=config.duration.seconds,
        )
        parameters = masters.parameters()
        batch_tokens = batches.batch(0).inputs.numel()
        self.groups = group_parameters(model, parameters, config, batch_tokens=batch_tokens)
        self.optimizers = Optimizers(self.groups, config, masters.dtype, self.workers)
        self.average = WeightAverage(masters, config)
        self.tensors = {
            "model": masters.state_dict(),
            "optimizer": self.optimizers.state_dict(),
            "average": self.average.state_dict(),
        }
        self.checkpoints = Checkpoints(
            folder / "checkpoints", keep=config.keep_checkpoints, warn=self.display.warn
        )
        self.saved_step, self.saved_at = 0, time.monotonic()

    def resume(self, started: float, horizon: Horizon | None) -> None:
        """Go on from the newest whole checkpoint, or begin; the arguments are those of ``fit``."""
        self.state = resume(self.checkpoints, self.tensors, self.source, self.config, self.device)
        self.masters.publish()
        self.saved_step = self.state.step
        self.watch = Stopwatch(self.state.elapsed, started)
        self.horizon = horizon or horizon_of(self.config, self.state, self.watch)
        self.state.budget = self.config.duration.seconds or 0.0
        self.compilation = Compilation(
            self.objective,
            self.model,
            self.masters,
            self.config,
            self.device,
            self.display,
            self.horizon,
            self.workers,
        )

    def train(self, looks: _Looks) -> FitResult:
        """Take all steps that are left; save and return earlier where a signal comes."""
        self.looks, state = looks, self.state
        over = self.horizon.over(state.step)
        state.finished = complete = over and state.finished
        with (
            float8_products(self.model, on=self.config.float8),
            graceful_interruption() as interruption,
            Journal(
                self.folder,
                self.config,
                self.display,
                first_step=state.step + 1,
                file_bytes=state.file_bytes,
            ) as self.journal,
        ):
            if not over:
                self._begin()
            while not over and not interruption.requested:
                over = self._step()
                if not over:
                    self._look()
                    over = self.horizon.over(state.step)  # by the clock: that took time
            if over and not complete:
                self._end()
            elif self.saved_step != state.step:
                self._save()
        self.average.keep()
        interrupted = interruption.requested or not over
        return FitResult.of(state, self.checkpoints, interrupted=interrupted)

    def _begin(self) -> None:
        """Say where the run stands; by the clock, time what it will end with."""
        config, state = self.config, self.state
        if state.step:
            budget = config.duration.seconds
            of = f" of {config.max_steps}" if budget is None else ""
            used = f", {duration(state.elapsed)} of {config.budget}" if budget else ""
            self.display.say(f"resuming after step {state.step}{of}{used}")
        self.display.start(state.step, self.groups)
        if self.horizon.reserves_unknown:
            self._rehearse()

    def _rehearse(self) -> None:
        """Time what the run will end with, so that the clock leaves room for it."""
        looks = self.looks
        if looks.validation is not None:
            batches = looks.validation()
            seconds = forecast(self.model, self.objective, batches, device=self.device)
            self.horizon.ended("validation", seconds)
        if looks.sample is not None and self.config.sample_every:
            with self._timed("sample"), evaluating(self.model, self.device):
                looks.sample(self.model)
        self._save()

    def _take(self) -> tuple[Progress, StepBatch]:
        """Return how far the run is, and the batch that is due then; the objective fits it."""
        while True:
            progress = self.horizon.progress(self.state.step)
            taken = self.batches.read(self.state.step, progress.share)
            if not self.compilation.prepare(taken):
                return progress, taken  # otherwise, by the clock, the run is further now

    def _step(self) -> bool:
        """Take a step and write it down; return whether it was the last."""
        config, state = self.config, self.state
        progress, taken = self._take()
        batch = taken.batch.to(self.device, non_blocking=True)
        start = time.perf_counter()
        rate = multiplier(progress, config) * batch_multiplier(taken.sequences, config)
        every = config.update_ratio_every
        watched = every > 0 and (state.step + 1) % every == 0
        before: list[list[Tensor]] = []

        def accept(loss: float, grad_norm: float) -> bool:
            accepted = state.spikes.accept(
                loss,
                grad_norm,
                factor=config.spike_factor,
                window=config.spike_window,
                warn=self.display.warn,
            )
            if accepted and watched:  # now, when activations have made room for the copy
                before.extend(telemetry.copy_weights(self.groups))
            return accepted

        result = train_step(
            self.model,
            self.compilation.objective,
            self.masters,
            self.optimizers,
            batch,
            micro_batch_size=taken.micro_batch_size,
            clip_norm=config.clip_norm,
            multiplier=rate,
            workers=self.workers,
            meanwhile=partial(self.batches.look_ahead, state.step + 1),
            accept=accept,
        )
        if not (result.finite or config.spike_factor):
            documents = self.source.documents_of(state.step)
            # No other rate would mend weights that give this with the first batch after them.
            self.checkpoints.set_aside(state.step)
            raise non_finite(
                result.loss, result.grad_norm, state.step + 1, documents, self.checkpoints.newest()
            )
        seconds = time.perf_counter() - start
        compiled = self.compilation.compiled
        self.horizon.stepped(seconds)
        self.compilation.stepped(seconds)
        tokens = taken.tokens
        state.advance(tokens, seconds, progress.share)
        over = self.horizon.over(state.step)
        if result.updated:
            self.average.update(self.horizon.done(state.step))
        line: dict[str, Any] = {
            "step": state.step,
            "loss": result.loss,
            **result.metrics,
            "grad_norm": result.grad_norm,
            "learning_rate": {g.name: g.learning_rate * rate for g in self.groups},
            "progress": progress.share,
            "tokens": state.tokens,
            "seconds": round(state.seconds, 4),
            "data_seconds": round(taken.seconds, 4),
            "elapsed": round(self.watch.elapsed, 4),
            "tokens_per_second": round(tokens / seconds, 1),
            "compiled": compiled,
        }
        if self.peak_flops:
            rows, length = taken.batch.inputs.shape
            flops = rows * length * flops_per_token(self.model, length)  # padding included
            line["mfu"] = round(flops / seconds / self.peak_flops, 4)
        if config.spike_factor:
            line["skipped"] = state.spikes.skipped
        if watched and result.updated:
            line["update_ratio"] = telemetry.update_ratios(self.groups, before)
        self.journal.step(line)
        return over

    def _look(self) -> None:
        """Validate, sample and save where it is due."""
        config, improved = self.config, False
        if self.looks.validation is not None and self._due(config.eval_every, "validation"):
            improved = self._validate()
        if self.looks.sample is not None and self._due(config.sample_every, "sample"):
            self._sample()
        minutes = (time.monotonic() - self.saved_at) / 60
        wanted = improved or 0 < config.checkpoint_minutes <= minutes
        best_or_old = wanted and self.horizon.affords("checkpoint")
        if best_or_old or self._due(config.checkpoint_every, "checkpoint"):
            self._save()

    def _end(self) -> None:
        """Do what every run ends with."""
        self.average.finish()
        if self.looks.validation is not None:
            self._validate()
        if self.looks.sample is not None and self.config.sample_every:
            self._sample()
        self.state.finished = True
        self._save()
        if self.config.duration.seconds is not None:
            step = self.state.step
            self.display.say(
                f"this run was {step} steps: max_steps = {step} instead of the budget gives one as "
                "long on any machine"
            )

    def _due(self, every: int, part: str) -> bool:
        return every > 0 and self.state.step % every == 0 and self.horizon.affords(part)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        """Tell the clock how long a part of a run's end takes."""
        start = time.perf_counter()
        yield
        self.horizon.ended(part, time.perf_counter() - start)

    def _validate(self) -> bool:
        """Measure the held-out text; return whether that is the best so far."""
        looks = self.looks
        assert looks.validation is not None
        with self._timed("validation"), self.average.in_place():
            measured = validate(
                self.model,
                self.objective,
                looks.validation(),
                device=self.device,
                token_bytes=looks.token_bytes,
            )
        if not math.isfinite(measured.nats_per_token):
            loss, newest = measured.nats_per_token, self.checkpoints.newest()
            raise non_finite_validation(loss, self.state.step, newest)
        self.journal.validation(self.state.step, measured)
        return self.state.record_validation(measured)

    def _sample(self) -> None:
        assert self.looks.sample is not None
        with (
            self._timed("sample"),
            self.average.in_place(),
            evaluating(self.model, self.device),
        ):
            text = self.looks.sample(self.model)
        self.journal.sample(self.state.step, text)

    def _save(self) -> None:
        state = self.state
        with self._timed("checkpoint"):
            state.file_bytes, state.elapsed = self.journal.sync(), self.watch.elapsed
            self.horizon.note(state)
            rest = {"loader": self.source.state(state.step), "rng": rng.capture(self.device)}
            self.checkpoints.save(state.step, self.tensors, {**asdict(state), **rest})
        self.saved_step, self.saved_at = state.step, time.monotonic()
