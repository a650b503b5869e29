"""The one training loop. It knows nothing of tasks: an objective does."""

import time
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from groundup.data import Batch
from groundup.errors import UserError
from groundup.progress import console
from groundup.train import rng
from groundup.train.checkpoint import Checkpoints, Tensors
from groundup.train.compile import compile_objective, should_compile
from groundup.train.config import TrainConfig
from groundup.train.display import Display
from groundup.train.flops import flops_per_token
from groundup.train.journal import Journal
from groundup.train.loss import BatchSource, Objective
from groundup.train.optimizers import Optimizers, group_parameters
from groundup.train.precision import Masters
from groundup.train.schedules import multiplier
from groundup.train.signals import graceful_interruption
from groundup.train.state import FitResult, RunState
from groundup.train.step import StepResult, micro_batches, train_step
from groundup.train.validate import evaluating, validate


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
) -> FitResult:
    """Train a model, going on from the newest whole checkpoint in ``folder`` if there is one.

    A run that is killed and resumed gives the losses of one that was not, bit for bit on one
    machine. SIGINT and SIGTERM finish the step, and its validation if it is due, save, and return
    with ``interrupted``. With more ``max_steps`` than at first a finished run goes on.

    Args:
        model: float32; moved to ``device``, trained in place, and float32 again at the end.
        objective: what to learn.
        batches: from step to batch of ``config.batch_size`` sequences, all of one shape.
        config: how to train. Its device, precision and threads are the caller's to resolve.
        folder: made if need be; gets checkpoints/, metrics.jsonl and samples.jsonl.
        seed: of dropout: of all global random number generators.
        device: where to compute.
        dtype: of matrix products, float32 or bfloat16.
        validation: gives held-out batches, the same every time.
        token_bytes: bytes of text each id stands for (``known_text_bytes``), (V,), for bits/byte.
        sample: returns a text by the model, which is in evaluation mode.
        peak_flops: FLOP/s that this machine was measured to reach, for MFU.

    Raises:
        NonFiniteError: before the optimizer could spread it into the weights.
        UserError: the checkpoints are damaged, or of another model or other data.
        OSError: the disk is full; the checkpoint before is whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng.seed_all(seed)
    model.to(device).train()
    display = Display(console, max_steps=config.max_steps, log_every=config.log_every)
    masters = Masters(model, dtype)
    try:
        groups = group_parameters(model, masters.parameters(), config)
        optimizers = Optimizers(groups, config)
        tensors = {"model": masters.state_dict(), "optimizer": optimizers.state_dict()}
        checkpoints = Checkpoints(
            folder / "checkpoints", keep=config.keep_checkpoints, warn=display.warn
        )
        state = _resume(checkpoints, tensors, batches, config, device)
        masters.publish()
        start_step = saved_step = state.step
        if 0 < start_step < config.max_steps:
            display.say(f"resuming after step {start_step} of {config.max_steps}")

        def due(every: int) -> bool:
            return state.step == config.max_steps or (every > 0 and state.step % every == 0)

        def save() -> None:
            state.file_bytes = journal.sync()
            rest = {"loader": batches.state(state.step), "rng": rng.capture(device)}
            checkpoints.save(state.step, tensors, {**asdict(state), **rest})

        with (
            graceful_interruption() as interruption,
            Journal(
                folder,
                config,
                display,
                first_step=start_step + 1,
                file_bytes=state.file_bytes,
            ) as journal,
        ):
            train_objective = objective
            if start_step < config.max_steps:
                display.start(start_step, groups)
                batch = batches.batch(start_step)
                step_tokens = batch.inputs.numel()
                step_flops = step_tokens * flops_per_token(model, batch.inputs.shape[1])
                if should_compile(config.compile, model, device, step_flops * config.max_steps):
                    display.say("compiling the forward and backward pass, up to a minute")
                    part = next(micro_batches(batch, config.micro_batch_size)).to(device)
                    train_objective = compile_objective(
                        objective, model, part, masters, display.warn
                    )

            while state.step < config.max_steps and not interruption.requested:
                start = time.perf_counter()
                rate = multiplier(state.step, config)
                result = train_step(
                    model,
                    train_objective,
                    masters,
                    optimizers,
                    batches.batch(state.step).to(device),
                    micro_batch_size=config.micro_batch_size,
                    clip_norm=config.clip_norm,
                    multiplier=rate,
                )
                if not result.finite:
                    documents = batches.documents_of(state.step)
                    raise _non_finite(result, state.step + 1, documents, checkpoints.newest())
                seconds = time.perf_counter() - start
                state.advance(step_tokens, seconds)
                line: dict[str, Any] = {
                    "step": state.step,
                    "loss": result.loss,
                    **result.metrics,
                    "grad_norm": result.grad_norm,
                    "learning_rate": config.learning_rate * rate,
                    "tokens": state.tokens,
                    "seconds": round(state.seconds, 4),
                    "tokens_per_second": round(step_tokens / seconds, 1),
                }
                if peak_flops:
                    line["mfu"] = round(step_flops / seconds / peak_flops, 4)
                journal.step(line)

                improved = False
                if validation is not None and due(config.eval_every):
                    measured = validate(
                        model, objective, validation(), device=device, token_bytes=token_bytes
                    )
                    improved = state.record_validation(measured)
                    journal.validation(state.step, measured)
                if sample is not None and config.sample_every and due(config.sample_every):
                    with evaluating(model, device):
                        text = sample(model)
                    journal.sample(state.step, text)
                if improved or due(config.checkpoint_every):
                    save()
                    saved_step = state.step

            if saved_step != state.step:
                save()
        return FitResult.of(state, checkpoints, interrupted=state.step < config.max_steps)
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
    if state.step > config.max_steps:
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
