"""Where ``size`` or ``depth`` stands in a recipe: the keys that it sets (``plan.size``)."""

import tomllib
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from groundup.plan.estimate import num_parameters
from groundup.plan.size import (
    DEEPEST,
    DEPTHS,
    Shape,
    Training,
    check_context,
    choose_training,
    device_memory,
    training_rate,
)
from groundup.recipe.schema import Recipe
from groundup.train.config import TrainConfig

DIALS = ("size", "depth")

OF_MODEL = (
    "num_layers",
    "width",
    "num_heads",
    "num_kv_heads",
    "head_width",
    "feed_forward_width",
    "context_length",
    "vocab_size",
)
"""A model's keys that the dial sets, or that follow from those."""

RATES = ("learning_rate", "muon_learning_rate", "embedding_learning_rate")

MEASURED = ("batch_size", "micro_batch_size", *RATES)
"""Keys that the dial sets for this machine: by its speed where the budget is a time, or by its
memory."""

OF_TRAINING = (*MEASURED, "max_steps", "base_width", "base_batch_tokens")
"""Training's keys that the dial sets, or that mean something only with those. Not the budget, from
which it starts."""


def without_dialled(values: Mapping[str, Any], overrides: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the keys of a recipe that a dial among ``overrides`` takes over."""
    if not any(overrides.get(dial) for dial in DIALS):
        return
    for dial in DIALS:
        if dial in values and dial not in overrides:
            yield [dial]
    kinds = [_section(source, "tokenizer").get("kind") for source in (overrides, values)]
    characters = next((kind for kind in kinds if kind), None) == "characters"
    dialled = {
        "tokenizer": () if characters else ("vocab_size",),
        "model": OF_MODEL,
        # An empty budget is none, as a written recipe has it.
        "pretrain": OF_TRAINING
        + (() if _section(values, "pretrain").get("budget") else ("budget",)),
    }
    for section, keys in dialled.items():
        mine, theirs = _section(values, section), _section(overrides, section)
        yield from ([section, key] for key in keys if key in mine and key not in theirs)


def shape_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of tokenizer and model that the dial sets, nested; some may be given too.

    Nothing where there is no dial, or none that a recipe may have: checking says so.
    """
    size, depth = (given.get(dial) for dial in DIALS)
    if isinstance(size, str):
        depth = DEPTHS.get(size)  # type: ignore[call-overload]
    if type(depth) is not int or not 1 <= depth <= DEEPEST:
        return {}
    shape = Shape.of_depth(depth)
    model: dict[str, Any] = {
        "num_layers": depth,
        "width": shape.width,
        "context_length": shape.context_length,
    }
    wishes = _section(given, "model")
    if wishes.get("architecture") != "rnn":
        width, head_width = (wishes.get(key) for key in ("width", "head_width"))
        model["num_heads"] = shape.num_heads(
            width if type(width) is int and width > 0 else shape.width,
            head_width if type(head_width) is int and head_width > 0 else 0,
        )
    vocabulary = {"vocab_size": shape.vocab_size}
    characters = _section(given, "tokenizer").get("kind") == "characters"
    return {"model": model} | ({} if characters else {"tokenizer": vocabulary})


def training_of(
    draft: Recipe,
    given: Mapping[str, Any],
    measure: Callable[[TrainConfig], float] = training_rate,
    resume: bool = True,
) -> Training | None:
    """Return what the dial says about training; None where there is no dial, or nothing to say.

    What was once chosen for a run stays: its ``recipe.toml`` tells. So a run that goes on, or is
    given more time or tokens, goes on with the batch that it began with.

    Args:
        draft: the recipe but for this.
        given: the keys that the user has set, nested.
        measure: FLOP/s of a training step on this machine.
        resume: whether this may be the run that lies in the recipe's folder.

    Raises:
        UsageError: a sequence of the model's context is too long for the budget or for memory.
    """
    pretrain = draft.pretrain
    mine = _section(given, "pretrain").keys()
    wanted = set(MEASURED) - mine
    if pretrain.optimizer == "adamw":
        wanted.discard("muon_learning_rate")
    bounded = bool(mine & {"budget", "max_steps"})
    if not (draft.size or draft.depth) or (bounded and not wanted):
        return None
    earlier = _earlier(draft, mine) if bounded and resume else None
    if earlier is not None:
        settings = {key: getattr(earlier, key) for key in wanted}
        return Training(settings, 0, f"in {pretrain.duration}, with the batch this run began with")
    vocab_size = draft.model.vocab_size or draft.tokenizer.vocab_size
    model = draft.model.model_copy(update={"vocab_size": vocab_size})
    memory = device_memory(pretrain)
    if "context_length" in _section(given, "model"):
        check_context(model, pretrain, memory)
    return choose_training(
        model,
        pretrain,
        mine,
        flops_per_second=lambda: measure(pretrain),
        memory_bytes=memory,
    )


def _earlier(draft: Recipe, given: AbstractSet[str]) -> TrainConfig | None:
    """Return the settings that the run in the recipe's folder was given by the same dial.

    None where that run was to be longer: then this one is another.
    """
    try:
        text = (draft.folder / "recipe.toml").read_text(encoding="utf-8")
        known = Recipe.model_validate(tomllib.loads(text))
    except (OSError, ValueError):  # TOML's, pydantic's and UTF-8's errors are ValueErrors
        return None
    same = all(
        getattr(known, key) == getattr(draft, key) for key in (*DIALS, "model", "tokenizer")
    ) and all(
        getattr(known.pretrain, key) == getattr(draft.pretrain, key)
        for key in ("optimizer", "muon_scale", "base_width", "base_batch_tokens", *MEASURED)
        if key not in MEASURED or key in given
    )
    longer = draft.pretrain.duration.at_least(known.pretrain.duration)
    return known.pretrain if same and longer else None


def choices(recipe: Recipe, training: Training | None, given: Mapping[str, Any]) -> list[str]:
    """Return lines that say what the dial chose, and what it left as the user has it."""
    if not (recipe.size or recipe.depth):
        return []
    dial = f"size {recipe.size}" if recipe.size else f"depth {recipe.depth}"
    if training is None:
        return [f"{dial} changes nothing: all that it would set is set"]
    model, pretrain = recipe.model, recipe.pretrain
    vocab_size = model.vocab_size or recipe.tokenizer.vocab_size
    parameters = num_parameters(model.model_copy(update={"vocab_size": vocab_size}))
    shape = f"{model.num_layers} layers × {model.width}"
    if model.architecture != "rnn":
        shape += f", {model.num_heads} heads of {model.head_width}"
        shape += f", feed-forward {model.feed_forward_width}"
    about = f"about {_short(training.tokens)} tokens " if training.tokens else ""
    rates = [("AdamW", pretrain.learning_rate), ("embeddings", pretrain.embedding_learning_rate)]
    if pretrain.optimizer == "muon":
        rates.insert(0, ("Muon", pretrain.muon_learning_rate))
    batch = f"{pretrain.batch_size} × {model.context_length}"
    kept = [
        f"{section}.{key}"
        for section, keys in (
            ("tokenizer", ("vocab_size",)),
            ("model", OF_MODEL),
            ("pretrain", (*OF_TRAINING, "budget")),
        )
        for key in keys
        if key in _section(given, section)
    ]
    lines = [
        f"{dial}: {_short(parameters)} parameters with a vocabulary of {vocab_size:,}",
        f"  model: {shape}, context {model.context_length}",
        f"  tokens: {about}({training.reason})",
        f"  batch: {batch} = {pretrain.batch_size * model.context_length:,} tokens per step",
        "  learning rates: " + ", ".join(f"{name} {rate:g}" for name, rate in rates if rate),
    ]
    return lines + ([f"  as you set them: {', '.join(kept)}"] if kept else [])


def _short(number: float) -> str:
    """Return ``963 k``, ``10.4 M`` or ``2.5 B``."""
    size, letter = next((s for s in ((1e9, "B"), (1e6, "M")) if number >= s[0]), (1e3, "k"))
    return f"{number / size:.3g} {letter}"


def _section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a table of a recipe that may not have been checked yet; empty where it has none."""
    section = values.get(name)
    return section if isinstance(section, Mapping) else {}
