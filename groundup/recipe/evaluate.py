"""The evaluate stage: the finished model's numbers, in ``results.json``."""

from pathlib import Path
from typing import Any

from groundup import machine
from groundup.data import TokenShards
from groundup.evaluate import bits_per_byte, python_syntax
from groundup.files import write_json
from groundup.generate import SamplingConfig
from groundup.model import load_model
from groundup.recipe.pretrain import BASE
from groundup.recipe.schema import Recipe
from groundup.tokenizer import load_tokenizer


def evaluate(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Take the numbers that the recipe asks for; ``results.json`` maps each task to its own.

    Raises:
        UserError: there is no finished model, or nothing to measure it on.
    """
    config = recipe.evaluate
    machine.keep_memory()
    machine.set_threads(recipe.pretrain.threads)
    device = machine.pick_device(recipe.pretrain.device)
    base = recipe.folder / BASE
    model, tokenizer = load_model(base, device=device), load_tokenizer(base)
    results: dict[str, Any] = {}
    if "bits_per_byte" in config.tasks:
        held_out = TokenShards.open(recipe.folder / "tokens", "validation")
        results["bits_per_byte"] = bits_per_byte(
            model,
            held_out,
            batch_size=config.batch_size,
            document_mask=recipe.pretrain.document_mask,
        )
    if "python_syntax" in config.tasks:
        results["python_syntax"] = python_syntax(
            model,
            tokenizer,
            num_samples=config.num_samples,
            num_tokens=config.sample_tokens,
            sampling=SamplingConfig(temperature=config.temperature, top_k=config.top_k),
            seed=recipe.seed,
            batch_size=config.batch_size,
        )
    write_json(folder / "results.json", results)
    return {task: _numbers(result) for task, result in results.items()}


def evaluate_summary(result: dict[str, Any]) -> str:
    """Return the results in a few words."""
    words = []
    if found := result.get("bits_per_byte"):
        words.append(f"{found['bits_per_byte']:.3f} bits/byte")
    if found := result.get("python_syntax"):
        words.append(f"{found['accepted']} of {found['num_samples']} samples are valid Python")
    return ", ".join(words)


def _numbers(result: dict[str, Any]) -> dict[str, Any]:
    """Leave out the samples: they are in ``results.json``."""
    return {name: value for name, value in result.items() if isinstance(value, int | float)}
