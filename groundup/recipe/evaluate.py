"""The evaluate stage: the finished model's numbers, in ``results.json``."""

from pathlib import Path
from typing import Any

from groundup import machine
from groundup.data import TokenShards
from groundup.evaluate import bits_per_byte, python_syntax
from groundup.files import write_json
from groundup.model import load_model
from groundup.recipe.pretrain import BASE
from groundup.recipe.schema import Recipe
from groundup.recipe.stage import read_json, read_record
from groundup.tokenizer import load_tokenizer


def evaluate(recipe: Recipe, folder: Path) -> dict[str, Any]:
    """Take the numbers that the recipe asks for; ``results.json`` maps each task to its own.

    It keeps what was measured of the same model before, by other tasks.

    Raises:
        UserError: there is no finished model, or nothing to measure it on.
    """
    config = recipe.evaluate
    machine.keep_memory()
    machine.set_threads(recipe.pretrain.threads)
    device = machine.pick_device(recipe.pretrain.device)
    base = recipe.folder / BASE
    model, tokenizer = load_model(base, device=device), load_tokenizer(base)
    pretrained = read_record(recipe.folder / "pretrain")
    results: dict[str, Any] = {}
    if "bits_per_byte" in config.tasks:
        held_out = TokenShards.open(recipe.folder / "tokens", "validation")
        results["bits_per_byte"] = bits_per_byte(
            model,
            held_out,
            batch_size=config.batch_size,
            document_mask=pretrained["inputs"]["config"]["document_mask"],
        )
    if "python_syntax" in config.tasks:
        results["python_syntax"] = python_syntax(
            model,
            tokenizer,
            num_samples=config.num_samples,
            num_tokens=config.sample_tokens,
            sampling=config.sampling,
            prompts=config.prompts,
            seed=recipe.seed,
            batch_size=config.batch_size,
        )
    write_json(folder / "results.json", _earlier(recipe, pretrained["content"]) | results)
    return {task: _numbers(result) for task, result in results.items()}


def evaluate_summary(result: dict[str, Any]) -> str:
    """Return the results in a few words."""
    words = []
    if found := result.get("bits_per_byte"):
        per_byte = found["bits_per_byte"]
        words.append(
            f"bits/byte not comparable ({found['unknown']:,} unknown characters)"
            if per_byte is None
            else f"{per_byte:.3f} bits/byte"
        )
    if found := result.get("python_syntax"):
        accepted = f"{found['accepted']} of {found['num_samples']} samples"
        words.append(f"{accepted} are valid Python as far as they go")
    return ", ".join(words)


def _earlier(recipe: Recipe, model: str) -> dict[str, Any]:
    """Return the results that stand there, if they are of this model."""
    folder = recipe.folder / "evaluate"
    if read_record(folder).get("previous") != {"pretrain": model}:
        return {}
    return read_json(folder / "results.json")


def _numbers(result: dict[str, Any]) -> dict[str, Any]:
    """Leave out the samples: they are in ``results.json``."""
    return {name: value for name, value in result.items() if not isinstance(value, list)}
