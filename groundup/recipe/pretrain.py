"""The pretrain stage: token shards in, a model folder out; many sessions if need be."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from groundup import machine
from groundup.data import Batch, Loader, TokenShards, validation_batches
from groundup.errors import UsageError
from groundup.files import write_json
from groundup.generate import SamplingConfig, generate
from groundup.model import RNN, ModelConfig, Transformer, build_model, save_model
from groundup.objectives.pretrain import NextToken
from groundup.progress import console
from groundup.recipe.schema import Recipe
from groundup.recipe.stage import (
    CLAIM,
    GIVEN_UP,
    Fill,
    InterruptedRun,
    read_json,
    read_record,
    versions,
)
from groundup.tokenizer import Tokenizer, load_tokenizer
from groundup.train import (
    Duration,
    NonFiniteError,
    SpikeError,
    TrainConfig,
    Validation,
    check_float8,
    fit,
    known_text_bytes,
    settle,
    writes_events,
)

BASE = "base"
"""Folder of the pretrained model in a run."""

ONLY_SEEN = {
    "sample_every",
    "sample_tokens",
    "sample_prompt",
    "keep_checkpoints",
    "log_every",
    "update_ratio_every",
    "tensorboard",
}
"""Keys that change what is seen or kept."""

WITHOUT_EFFECT = ONLY_SEEN | {
    "micro_batch_size",
    "compile",
    "device",
    "threads",
    "split_batch",
    "eval_every",
    "checkpoint_every",
    "checkpoint_minutes",
}
"""And those that change how it is computed: not what is learned in so many steps."""


def pretrain_inputs(recipe: Recipe) -> dict[str, Any]:
    """Return what decides the trained weights, besides the tokens."""
    return _inputs(recipe, WITHOUT_EFFECT)


def learning_inputs(recipe: Recipe) -> dict[str, Any]:
    """Return what decides how much is learned: by the clock, also what decides how many steps."""
    by_the_clock = recipe.pretrain.duration.seconds is not None
    return _inputs(recipe, ONLY_SEEN if by_the_clock else WITHOUT_EFFECT)


def _inputs(recipe: Recipe, exclude: set[str]) -> dict[str, Any]:
    return {
        "model": recipe.model.model_dump(mode="json"),
        "config": recipe.pretrain.model_dump(mode="json", exclude=exclude),
        "seed": recipe.seed,
    }


LENGTH = {"max_steps", "budget"}

CALMING = {
    "learning_rate",
    "muon_learning_rate",
    "embedding_learning_rate",
    "clip_norm",
    "spike_factor",
    "spike_window",
}
"""Keys that may keep a training from diverging."""


def goes_on(old: dict[str, Any], new: dict[str, Any], diverged: bool) -> bool:
    """Return whether a training on the old inputs goes on from its checkpoint with the new ones.

    It does where these differ in nothing but more steps or time. A schedule that ends with the
    budget stretches: the steps from here on are as in a run that was planned this long, those
    before are as they were. One that diverged also goes on with other rates or clipping, or
    skipping spikes: ``metrics.jsonl`` tells which steps had which.
    """
    apart = LENGTH | (CALMING if diverged else set())
    before, after = (_without(inputs, apart) for inputs in (old, new))
    return before == after and _length(new).at_least(_length(old))


def _length(inputs: dict[str, Any]) -> Duration:
    config = inputs["config"]
    return Duration.parse(config.get("budget") or config["max_steps"])


def _without(inputs: dict[str, Any], keys: set[str]) -> dict[str, Any]:
    kept = {k: v for k, v in inputs["config"].items() if k not in keys}
    return inputs | {"config": kept}


def base_fingerprint(recipe: Recipe) -> str | None:
    """Return the fingerprint of the training that the run's model folder came from."""
    origin = read_json(recipe.folder / BASE / "groundup.json").get("provenance", {})
    return origin.get("stage", {}).get("pretrain")


def prepare_pretrain(recipe: Recipe) -> Fill:
    """Check that recipe, tokens and machine fit; return what trains.

    Raises:
        UserError: they do not.
    """
    started = time.perf_counter()
    config = recipe.pretrain
    machine.keep_memory()
    machine.set_threads(config.threads)
    device = machine.pick_device(config.device)
    dtype = machine.pick_precision(config.precision, device)
    writes_events(config.tensorboard)
    tokenizer = load_tokenizer(recipe.folder / "tokenizer")
    shards = TokenShards.open(recipe.folder / "tokens", "train")
    shape = model_shape(recipe.model, tokenizer)
    if config.float8:
        check_float8(shape, device, dtype)
    loader = Loader(
        shards,
        batch_size=config.batch_size,
        context_length=shape.context_length,
        seed=recipe.seed,
        document_mask=config.document_mask,
        packing=config.packing,
    )
    settled = settle(
        config,
        context_length=shape.context_length,
        tokens_per_sequence=loader.tokens_per_sequence,
        sequences_per_epoch=loader.sequences_per_epoch,
    )
    return partial(_pretrain, recipe, settled, shape, tokenizer, loader, device, dtype, started)


def _pretrain(
    recipe: Recipe,
    config: TrainConfig,
    shape: ModelConfig,
    tokenizer: Tokenizer,
    loader: Loader,
    device: torch.device,
    dtype: torch.dtype,
    started: float,
    folder: Path,
) -> dict[str, Any]:
    """Train from the newest checkpoint in ``folder`` to the end; write the run's model folder.

    Raises:
        InterruptedRun: stopped by the user, after a checkpoint.
        UserError: the loss is not finite, or the checkpoints are damaged.
    """
    dtype = _settled_precision(folder, dtype)
    claim = read_json(folder / CLAIM)
    if claim.pop(GIVEN_UP, False):  # until it diverges again
        write_json(folder / CLAIM, claim)
    held_out = TokenShards.open(recipe.folder / "tokens", "validation")

    def validation() -> Iterator[Batch]:
        return validation_batches(
            held_out,
            batch_size=config.micro_batch_size or config.batch_size,
            context_length=shape.context_length,
            document_mask=config.document_mask,
        )

    if config.packing == "best_fit":
        console.print(f"packing: {loader.waste()}", highlight=False)
    precision = str(dtype).removeprefix("torch.")
    peak_flops = machine.peak_flops(dtype, device)
    console.print(
        f"training on {device} in {precision}: its products reach {peak_flops / 1e12:.2f} TFLOP/s",
        highlight=False,
    )
    model = build_model(shape, seed=recipe.seed)
    try:
        result = fit(
            model,
            NextToken(),
            loader,
            config=config,
            folder=folder,
            seed=recipe.seed,
            device=device,
            dtype=dtype,
            validation=validation if len(held_out) > 1 else None,
            token_bytes=known_text_bytes(held_out),
            sample=partial(write_sample, tokenizer=tokenizer, config=config, seed=recipe.seed),
            peak_flops=peak_flops,
            started=started,
        )
    except (NonFiniteError, SpikeError):
        write_json(folder / CLAIM, read_json(folder / CLAIM) | {GIVEN_UP: True})
        raise
    if result.interrupted:
        raise InterruptedRun(
            f"interrupted at step {result.step}; saved; run the same command to resume"
        )
    numbers = {
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "steps": result.step,
        "tokens": result.tokens,
        "training_seconds": round(result.seconds, 2),
        "elapsed_seconds": round(result.elapsed, 2),
        "tokens_per_second": round(result.tokens_per_second, 1),
        "precision": precision,
        "device": str(device),
        "validation": None if result.last is None else asdict(result.last),
        "best_validation": None if result.best is None else asdict(result.best),
        "best_step": result.best_step,
    }
    assert isinstance(model, Transformer | RNN)
    save_model(
        model,
        recipe.folder / BASE,
        tokenizer=tokenizer,
        provenance=_provenance(recipe, numbers, read_json(folder / CLAIM)["fingerprint"]),
    )
    return numbers


def _settled_precision(folder: Path, picked: torch.dtype) -> torch.dtype:
    """Return the precision that this training began with, or note the one picked for it.

    ``auto`` may measure otherwise on a busy day or another machine; a training must not change its
    arithmetic halfway.
    """
    claim = read_json(folder / CLAIM)
    if "precision" not in claim:
        claim["precision"] = str(picked).removeprefix("torch.")
        write_json(folder / CLAIM, claim)
    return getattr(torch, claim["precision"])


def pretrain_summary(result: dict[str, Any]) -> str:
    """Return the result in a few words."""
    size = result["parameters"]
    words = f"{size / 1e6:.1f} M" if size >= 1e6 else f"{size:,}"
    words += f" parameters, {result['steps']:,} steps"
    if found := result["validation"]:
        words += f", {Validation(**found)}"
    return words


def _provenance(recipe: Recipe, numbers: dict[str, Any], fingerprint: str) -> dict[str, Any]:
    """Return where the model comes from: plain facts for its card, then everything in full."""
    corpus, tokens = (read_record(recipe.folder / stage) for stage in ("corpus", "tokens"))
    held_out = numbers["validation"] or {}
    return {
        "run": recipe.name,
        "sources": ", ".join(recipe.corpus.sources),
        "documents": corpus["result"]["documents"],
        "steps": numbers["steps"],
        "tokens trained on": numbers["tokens"],
        "held-out bits per byte": held_out.get("bits_per_byte"),
        "held-out nats per token": held_out.get("nats_per_token"),
        "seed": recipe.seed,
        "stage": {"pretrain": fingerprint},
        "recipe": recipe.model_dump(mode="json"),
        "corpus": corpus["result"],
        "tokens": tokens["result"],
        "training": numbers,
        "versions": versions(),
    }


def model_shape(config: ModelConfig, tokenizer: Tokenizer) -> ModelConfig:
    """Return the model's config with the tokenizer's vocabulary.

    Raises:
        UsageError: the recipe names another size.
    """
    try:
        return config.with_vocabulary(tokenizer.vocab_size)
    except ValueError as error:
        raise UsageError(str(error)) from None


def write_sample(model: nn.Module, *, tokenizer: Tokenizer, config: TrainConfig, seed: int) -> str:
    """Return what the half-trained model writes; the same seed each time, to see it learn."""
    assert isinstance(model, Transformer | RNN)
    sampling = SamplingConfig(max_tokens=config.sample_tokens, seed=seed)
    (completion,) = generate(model, tokenizer, [config.sample_prompt], sampling)
    return config.sample_prompt + completion.text
