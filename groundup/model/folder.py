"""Model folders: what training leaves and everything else opens, groundup and transformers alike.

``config.json``, ``model.safetensors``, the tokenizer's files, ``generation_config.json``, a model
card ``README.md``, and ``groundup.json`` with the provenance. Shapes that transformers cannot
express keep the same files under the model type ``groundup``. Pickles are never opened.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import nn

import groundup
from groundup.errors import UserError
from groundup.files import atomic_folder, write_atomic, write_json
from groundup.model.card import model_card
from groundup.model.config import ModelConfig
from groundup.model.hf_config import hub_type, read_config, why_not_expressible, write_config
from groundup.model.hf_weights import from_stored, to_stored
from groundup.model.init import build_on_meta
from groundup.model.rnn import RNN
from groundup.model.tensor_files import WEIGHTS, StoredTensors, open_tensors, read_json
from groundup.model.transformer import Transformer
from groundup.progress import console
from groundup.tokenizer import TOKENIZER_FILES, Tokenizer

CONFIG = "config.json"
GENERATION = "generation_config.json"
ORIGIN = "groundup.json"
CARD = "README.md"
WRITTEN = frozenset({CONFIG, WEIGHTS, GENERATION, ORIGIN, CARD, *TOKENIZER_FILES})
"""All that ``save_model`` writes, and all that it may replace."""


def save_model(
    model: Transformer | RNN,
    folder: Path,
    *,
    tokenizer: Tokenizer | None,
    provenance: Mapping[str, Any] | None = None,
    dtype: torch.dtype = torch.float32,
) -> None:
    """Write a model folder, whole or not at all; an older one in its place is replaced.

    Args:
        model: the model; its weights may be on any device and in any precision.
        folder: where to write.
        tokenizer: saved along with the model; None leaves the folder without one.
        provenance: JSON-like facts about data, training and results, for the card.
        dtype: of the stored weights, float32, bfloat16 or float16.

    Raises:
        UserError: ``folder`` holds something that ``save_model`` did not write.
        ValueError: the tokenizer has more ids than the model.
    """
    config = model.config
    if tokenizer is not None and tokenizer.vocab_size > config.vocab_size:
        raise ValueError(
            f"the tokenizer has {tokenizer.vocab_size} ids, the model only {config.vocab_size}"
        )
    if folder.exists() and not _replaceable(folder):
        raise UserError(f"{folder} holds other things than a model; name another folder")
    if reasons := why_not_expressible(config):
        console.print(f"The model opens in groundup only: {'; '.join(reasons)}", markup=False)
    end_id = None if tokenizer is None else tokenizer.end_of_text_id
    weights = dict(model.named_parameters())
    num_parameters = sum(weight.numel() for weight in weights.values())
    facts = dict(provenance or {})
    with atomic_folder(folder) as new:
        save_file(
            to_stored(weights, config, hub_type(config), dtype),
            new / WEIGHTS,
            metadata={"format": "pt"},  # transformers refuses files without it
        )
        write_json(new / CONFIG, write_config(config, dtype=dtype, end_of_text_id=end_id))
        write_json(new / GENERATION, _generation_config(end_id))
        origin = {"groundup": groundup.__version__, "provenance": facts}
        write_json(new / ORIGIN, origin | {"model": config.model_dump(mode="json")})
        write_atomic(new / CARD, model_card(config, num_parameters, facts))
        if tokenizer is not None:
            tokenizer.save(new, context_length=config.context_length)


def load_model(
    folder: Path, *, device: str | torch.device = "cpu", dtype: torch.dtype | None = None
) -> Transformer | RNN:
    """Open a model folder, groundup's or one of transformers (Qwen3, Llama, GPT-2), to evaluate.

    Everything is checked against the weights' header before any memory is taken: a damaged or
    hostile folder ends in one line.

    Args:
        folder: the model folder.
        device: where the weights go.
        dtype: of matrices and embeddings; None means float32, whatever the stored dtype. Norms
            stay float32: they are small.

    Returns:
        The model in evaluation mode.

    Raises:
        UserError: the folder is no model folder, is damaged, or needs what groundup has not.
    """
    if not (folder / CONFIG).is_file():
        raise UserError(f"{folder} is no model folder: it has no {CONFIG}")
    raw = read_json(folder / CONFIG)
    try:
        config = read_config(raw)
    except UserError as error:
        raise UserError(f"{folder / CONFIG}: {error}") from None
    kind = None if raw["model_type"] == "groundup" else raw["model_type"]
    with open_tensors(folder) as stored:
        try:
            model = _without_memory(config, stored)
            weights = dict(model.named_parameters())
            shapes = {name: tuple(weight.shape) for name, weight in weights.items()}
            dtypes = _dtypes(model, dtype or torch.float32)
            state = from_stored(stored, config, kind, shapes, dtypes)
        except UserError as error:
            raise UserError(f"{folder}: {error}") from None
    model.load_state_dict(state, assign=True)
    return model.to(device).eval()


def resolve_model_folder(run: Path) -> Path:
    """Return the model folder that ``run`` means: itself, or the newest model of a run.

    A run's later stages (chat models) come before its ``base``.

    Raises:
        UserError: there is no model.
    """
    if (run / CONFIG).is_file():
        return run
    if not run.is_dir():
        raise UserError(f"there is no folder {run}; name a run (runs/NAME) or a model folder")
    configs = [path for path in run.glob(f"[!.]*/{CONFIG}") if (path.parent / WEIGHTS).is_file()]
    if not configs:
        raise UserError(f"{run} holds no model yet; finish its run first")
    newest = max(configs, key=lambda path: (path.parent.name != "base", path.stat().st_mtime))
    return newest.parent


def _without_memory(config: ModelConfig, stored: StoredTensors) -> Transformer | RNN:
    """Return the model on torch's meta device: names and shapes, not a byte of weights.

    Even that takes time for a million layers, so sizes that the weights cannot bear out stop here.
    """
    numbers = stored.count()
    limits = {"num_layers": len(stored.shapes), "vocab_size": numbers, "width": numbers}
    if config.architecture != "rnn":
        more = ("feed_forward_width", "num_heads", "head_width", "bigram_table_size")
        limits |= dict.fromkeys(more, numbers)
    for field, limit in limits.items():
        if (value := getattr(config, field)) > limit:
            raise UserError(f"{CONFIG} says {field} = {value}, more than its weights can have")
    try:
        return build_on_meta(config)
    except (RuntimeError, OverflowError):
        raise UserError(f"{CONFIG} describes a model too large to exist") from None


def _dtypes(model: nn.Module, dtype: torch.dtype) -> dict[str, torch.dtype]:
    """Return every parameter's dtype: ``dtype`` in products and embeddings, float32 elsewhere."""
    dtypes = {name: torch.float32 for name, _ in model.named_parameters()}
    for module_name, module in model.named_modules():
        if isinstance(module, nn.Linear | nn.Embedding):
            dtypes |= {f"{module_name}.{name}": dtype for name, _ in module.named_parameters()}
    return dtypes


def _generation_config(end_of_text_id: int | None) -> dict[str, Any]:
    """Return how ``transformers.generate`` starts, ends and pads; by default it is greedy."""
    if end_of_text_id is None:
        return {}
    ends = ("bos_token_id", "eos_token_id", "pad_token_id")
    return dict.fromkeys(ends, end_of_text_id)


def _replaceable(folder: Path) -> bool:
    """Return whether nothing but an older model of ours would be lost."""
    if not folder.is_dir():
        return False
    names = {path.name for path in folder.iterdir()}
    return not names or (ORIGIN in names and names <= WRITTEN)
