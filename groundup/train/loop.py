"""The one training loop. It knows nothing of tasks: an objective does."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from groundup.data import Batch
from groundup.errors import UserError
from groundup.progress import console
from groundup.train import rng, telemetry
from groundup.train.averages import WeightAverage
from groundup.train.checkpoint import Checkpoints, Tensors
from groundup.train.config import TrainConfig
from groundup.train.display import Display, duration
from groundup.train.float8 import float8_products
from groundup.train.horizon import Clock, Horizon, Stopwatch, horizon_of
from groundup.train.journal import Journal
from groundup.train.loss import BatchSource, Objective, ResizableSource
from groundup.train.optimizers import Optimizers, group_parameters
from groundup.train.precision import Masters
from groundup.train.schedules import batch_multiplier, multiplier
from groundup.train.shapes import ShapedBatches
from groundup.train.signals import graceful_interruption
from groundup.train.state import FitResult, RunState
from groundup.train.step import StepResult, train_step
from groundup.train.validate import evaluating, forecast, validate


class NonFiniteError(UserError):
    """The loss or its gradient is infinite or not a number."""


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

    A run that is killed and resumed gives the losses of one that was not, bit for bit on one
    machine. SIGINT and SIGTERM finish the step, and its validation if it is due, save, and return
    with ``interrupted``. With more ``max_steps`` (or time) than at first a finished run goes on.

    Two runs with the same seed have the same losses where steps are counted. With a budget of time
    the schedule follows the clock, and no two runs are the same; but each is resumed with what had
    been used of the budget, and can be repeated exactly (``horizon``).

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
        NonFiniteError: before the optimizer could spread it into the weights.
        UserError: the checkpoints are damaged, or of another model or other data.
        OSError: the disk is full; the checkpoint before is whole.
    """
    started = time.perf_counter() if started is None else started
    folder.mkdir(parents=True, exist_ok=True)
    rng.seed_all(seed)
    model.to(device).train()
    budget = config.duration.seconds
    display = Display(
        console, max_steps=config.max_steps, log_every=config.log_every, budget=budget
    )
    masters = Masters(model, dtype)
    try:
        batch_tokens = batches.batch(0).inputs.numel()
        groups = group_parameters(model, masters.parameters(), config, batch_tokens=batch_tokens)
        optimizers = Optimizers(groups, config, dtype)
        average = WeightAverage(masters, config)
        tensors = {
            "model": masters.state_dict(),
            "optimizer": optimizers.state_dict(),
            "average": average.state_dict(),
        }
        checkpoints = Checkpoints(
            folder / "checkpoints", keep=config.keep_checkpoints, warn=display.warn
        )
        state = _resume(checkpoints, tensors, batches, config, device)
        masters.publish()
        watch = Stopwatch(state.elapsed, started)
        horizon = horizon_of(config, state, watch) if horizon is None else horizon
        start_step = saved_step = state.step
        state.budget = budget or 0.0
        over = horizon.over(start_step)
        if start_step and not over:
            of = f" of {config.max_steps}" if budget is None else ""
            used = f", {duration(state.elapsed)} of {config.budget}" if budget else ""
            display.say(f"resuming after step {start_step}{of}{used}")

        def due(every: int, part: str) -> bool:
            return every > 0 and state.step % every == 0 and horizon.affords(part)

        def run_validation() -> bool:
            assert validation is not None
            start = time.perf_counter()
            with average.in_place():
                measured = validate(
                    model, objective, validation(), device=device, token_bytes=token_bytes
                )
            horizon.ended("validation", time.perf_counter() - start)
            journal.validation(state.step, measured)
            return state.record_validation(measured)

        def write_sample() -> None:
            assert sample is not None
            start = time.perf_counter()
            with average.in_place(), evaluating(model, device):
                text = sample(model)
            horizon.ended("sample", time.perf_counter() - start)
            journal.sample(state.step, text)

        def save() -> None:
            nonlocal saved_step
            start = time.perf_counter()
            state.file_bytes, state.elapsed = journal.sync(), watch.elapsed
            if isinstance(horizon, Clock):
                state.begun, state.ends = horizon.begun, horizon.ends
            rest = {"loader": batches.state(state.step), "rng": rng.capture(device)}
            checkpoints.save(state.step, tensors, {**asdict(state), **rest})
            saved_step = state.step
            horizon.ended("checkpoint", time.perf_counter() - start)

        def rehearse() -> None:
            """Time what the run will end with, so that the clock leaves room for it."""
            if validation is not None:
                seconds = forecast(model, objective, validation(), device=device)
                horizon.ended("validation", seconds)
            if sample is not None and config.sample_every:
                start = time.perf_counter()
                with evaluating(model, device):
                    sample(model)
                horizon.ended("sample", time.perf_counter() - start)
            save()

        with (
            float8_products(model, on=config.float8),
            graceful_interruption() as interruption,
            Journal(
                folder,
                config,
                display,
                first_step=start_step + 1,
                file_bytes=state.file_bytes,
            ) as journal,
        ):
            state.finished = over
            source = ShapedBatches(
                batches, objective, model, masters, config, device, display, horizon
            )
            if not over:
                display.start(start_step, groups)
                if isinstance(horizon, Clock) and "checkpoint" not in state.ends:
                    rehearse()

            while not over and not interruption.requested:
                progress, batch = source.take(state.step)
                start = time.perf_counter()
                rate = multiplier(progress, config) * batch_multiplier(source.sequences, config)
                watched = (
                    config.update_ratio_every and (state.step + 1) % config.update_ratio_every == 0
                )
                before = telemetry.copy_weights(groups) if watched else []
                result = train_step(
                    model,
                    source.objective,
                    masters,
                    optimizers,
                    batch,
                    micro_batch_size=source.micro_batch_size,
                    clip_norm=config.clip_norm,
                    multiplier=rate,
                    meanwhile=source.look_ahead,
                    accept=partial(
                        state.spikes.accept,
                        factor=config.spike_factor,
                        window=config.spike_window,
                        warn=display.warn,
                    ),
                )
                if not result.finite:
                    documents = batches.documents_of(state.step)
                    raise _non_finite(result, state.step + 1, documents, checkpoints.newest())
                seconds = time.perf_counter() - start
                horizon.stepped(seconds)
                source.stepped(seconds)
                state.advance(source.tokens, seconds, progress.share)
                over = horizon.over(state.step)
                if result.updated:
                    average.update(1.0 if over else horizon.progress(state.step).share)
                line: dict[str, Any] = {
                    "step": state.step,
                    "loss": result.loss,
                    **result.metrics,
                    "grad_norm": result.grad_norm,
                    "learning_rate": config.learning_rate * rate,
                    "progress": progress.share,
                    "tokens": state.tokens,
                    "seconds": round(state.seconds, 4),
                    "elapsed": round(watch.elapsed, 4),
                    "tokens_per_second": round(source.tokens / seconds, 1),
                }
                if peak_flops:
                    line["mfu"] = round(source.flops / seconds / peak_flops, 4)
                if config.spike_factor:
                    line["skipped"] = state.spikes.skipped
                if watched and result.updated:
                    line["update_ratio"] = telemetry.update_ratios(groups, before)
                journal.step(line)

                if over:
                    break
                improved = False
                if validation is not None and due(config.eval_every, "validation"):
                    improved = run_validation()
                if sample is not None and due(config.sample_every, "sample"):
                    write_sample()
                best = improved and horizon.affords("checkpoint")
                if best or due(config.checkpoint_every, "checkpoint"):
                    save()
                over = horizon.over(state.step)  # by the clock: these took time

            if over and (state.step > start_step or isinstance(horizon, Clock)):
                average.finish()
                if validation is not None:
                    run_validation()
                if sample is not None and config.sample_every:
                    write_sample()
                state.finished = True
                save()
                if budget is not None:
                    display.say(
                        f"this run was {state.step} steps: max_steps = {state.step} instead of the "
                        "budget gives one as long on any machine"
                    )
            elif saved_step != state.step:
                save()
        average.keep()
        return FitResult.of(state, checkpoints, interrupted=not over)
    finally:
        masters.release()
        model.eval()


def _resume(
    checkpoints: Checkpoints,
    tensors: Tensors,
    batches: BatchSource,
    config: TrainConfig,
    device: torch.device,
) -> RunState:
    """Put tensors and generators where the newest checkpoint left them; return its counters."""
    saved = checkpoints.resume(tensors, lambda state: batches.check_state(state["loader"]))
    if saved is None:
        return RunState()
    state = RunState.from_json(saved)
    if config.batch_ramp or config.length_ramp:
        assert isinstance(batches, ResizableSource), "a ramp needs batches that can be resized"
        batches.restore(saved["loader"])
    if not config.budget and state.step > config.max_steps:
        raise UserError(
            f"{checkpoints.folder.parent} has already trained {state.step} steps, more than "
            f"max_steps {config.max_steps}; raise it, or remove that folder to start anew"
        )
    rng.restore(saved["rng"], device)
    return state


def _non_finite(
    result: StepResult, step: int, documents: list[int], checkpoint: Path | None
) -> NonFiniteError:
    """Name the step, what was read, and the way back, in one line."""
    shown = ", ".join(map(str, documents[:20]))
    if len(documents) > 20:
        shown += f" and {len(documents) - 20} more"
    return NonFiniteError(
        f"step {step}: loss {result.loss:g}, gradient norm {result.grad_norm:g}; nothing was "
        f"updated. The batch held documents {shown}; the last good checkpoint is "
        f"{checkpoint or 'none yet'}. Lower the learning rate, or look at these documents"
    )
