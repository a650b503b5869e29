"""One ``config.json`` for groundup and transformers: which shapes it can say, both ways.

Keys and defaults are those of transformers 5 (``configuration_qwen3.py`` and its sisters for Llama
and GPT-2). A shape that none of the three can say is stored under the model type ``groundup``, with
``ModelConfig`` as it is.
"""

from typing import Any, Literal

import torch
from pydantic import ValidationError

from groundup.errors import UserError
from groundup.model.config import ModelConfig

HubType = Literal["qwen3", "llama", "gpt2"]

CLASSES: dict[HubType, str] = {
    "qwen3": "Qwen3ForCausalLM",
    "llama": "LlamaForCausalLM",
    "gpt2": "GPT2LMHeadModel",
}
"""The class of transformers that runs each type."""

_OURS_ALONE: dict[str, Any] = {
    "norm_weight": True,
    "embedding_norm": False,
    "bigram_table_size": 0,
    "smear": False,
    "x0_shortcut": False,
    "value_residual": False,
    "value_embeddings": False,
    "logit_soft_cap": None,
}
"""Options that none of transformers' three models has, and the value that means without."""

_ALWAYS: dict[HubType, dict[str, Any]] = {
    "qwen3": {"norm": "rmsnorm", "activation": "swiglu", "position": "rope", "qk_norm": True}
    | {"bias": False}
    | _OURS_ALONE,
    "llama": {"norm": "rmsnorm", "activation": "swiglu", "position": "rope", "qk_norm": False}
    | {"sliding_window": None}
    | _OURS_ALONE,
    "gpt2": {"norm": "layernorm", "position": "learned", "qk_norm": False, "bias": True}
    | {"sliding_window": None}
    | _OURS_ALONE,
}
"""The fields of ``ModelConfig`` that a type's code in transformers fixes."""

_GPT2_ACTIVATIONS = {"gelu": "gelu_new", "relu2": "relu2"}
_ACTIVATIONS_READ = {"gelu_new": "gelu", "gelu_pytorch_tanh": "gelu", "relu2": "relu2"}

_THEIRS_ALWAYS: dict[HubType, dict[str, Any]] = {
    "qwen3": {"hidden_act": "silu", "attention_bias": False},
    "llama": {"hidden_act": "silu"},
    "gpt2": {
        "scale_attn_weights": True,
        "scale_attn_by_inverse_layer_idx": False,
        "add_cross_attention": False,
    },
}
"""The keys of a type's ``config.json`` that groundup's code fixes; absent means this value."""


def hub_type(config: ModelConfig) -> HubType | None:
    """Return the type of transformers that computes what ``config`` does, or None.

    The named architecture is tried first; a Qwen3 without QK-norm, say, is a Llama.
    """
    for kind in sorted(CLASSES, key=lambda kind: kind != config.architecture):
        if config.architecture != "rnn" and not _obstacles(config, kind):
            return kind
    return None


def why_not_expressible(config: ModelConfig) -> list[str]:
    """Return what keeps transformers from opening this shape, a reason an item; [] if nothing does.

    Training options (dropout, initialization) are no obstacle: they do not change what a trained
    model computes.
    """
    if config.architecture == "rnn":
        return ["architecture = 'rnn': transformers has no plain recurrent model"]
    if hub_type(config):
        return []
    if config.architecture == "speedrun":
        fixed = _ALWAYS["qwen3"].items()
        options = [f"{name} {value}" for name, v in fixed if (value := getattr(config, name)) != v]
        return [f"architecture = 'speedrun': transformers has no model with {', '.join(options)}"]
    return _obstacles(config, config.architecture)


def _obstacles(config: ModelConfig, kind: HubType) -> list[str]:
    """Return why a model of transformers' type ``kind`` cannot be this shape."""
    name = CLASSES[kind]
    reasons = []
    for field, always in _ALWAYS[kind].items():
        if (value := getattr(config, field)) != always:
            says = "has no such option" if always in (None, False) else f"always has {always!r}"
            reasons.append(f"{field} = {value!r}: transformers' {name} {says}")
    if kind == "llama" and config.width % config.num_heads:
        reasons.append(f"width {config.width}: {name} wants a multiple of {config.num_heads} heads")
    if kind == "gpt2":
        if config.activation not in _GPT2_ACTIVATIONS:
            reasons.append(f"activation = {config.activation!r}: {name} has no gated layer")
        if config.num_kv_heads != config.num_heads:
            reasons.append(f"num_kv_heads = {config.num_kv_heads}: {name} has no grouped queries")
        if config.head_width * config.num_heads != config.width:
            reasons.append(f"head_width = {config.head_width}: {name} has width / num_heads")
    return reasons


def write_config(
    config: ModelConfig, *, dtype: torch.dtype, end_of_text_id: int | None
) -> dict[str, Any]:
    """Return the content of ``config.json``.

    Args:
        config: the shape.
        dtype: of the stored weights.
        end_of_text_id: starts and ends every document, hence both ``bos`` and ``eos``. There is no
            ``pad_token_id`` here on purpose: transformers would stop training that token's row.
    """
    kind = hub_type(config)
    dtype_name = str(dtype).removeprefix("torch.")
    if kind is None:
        model = config.model_dump(mode="json")
        return {"model_type": "groundup", "dtype": dtype_name, "model": model}
    common: dict[str, Any] = {
        "architectures": [CLASSES[kind]],
        "model_type": kind,
        "dtype": dtype_name,
        "torch_dtype": dtype_name,  # transformers 4 and vLLM read this name
        "vocab_size": config.vocab_size,
        "tie_word_embeddings": config.tie_embeddings,
        "initializer_range": config.init_std,
        "bos_token_id": end_of_text_id,
        "eos_token_id": end_of_text_id,
        "use_cache": True,
    }
    if kind == "gpt2":
        return common | {
            "n_positions": config.context_length,
            "n_embd": config.width,
            "n_layer": config.num_layers,
            "n_head": config.num_heads,
            "n_inner": config.feed_forward_width,
            "activation_function": _GPT2_ACTIVATIONS[config.activation],
            "layer_norm_epsilon": config.norm_eps,
            "resid_pdrop": config.dropout,
            "embd_pdrop": config.dropout,
            "attn_pdrop": config.dropout,
        }
    common |= {
        "max_position_embeddings": config.context_length,
        "hidden_size": config.width,
        "intermediate_size": config.feed_forward_width,
        "num_hidden_layers": config.num_layers,
        "num_attention_heads": config.num_heads,
        "num_key_value_heads": config.num_kv_heads,
        "head_dim": config.head_width,
        "hidden_act": "silu",
        "rms_norm_eps": config.norm_eps,
        "attention_bias": config.bias,
        "attention_dropout": config.dropout,
        # transformers 5 reads the first, everything older the other two.
        "rope_parameters": {"rope_theta": config.rope_theta, "rope_type": "default"},
        "rope_theta": config.rope_theta,
        "rope_scaling": None,
    }
    if kind == "llama":
        return common | {"mlp_bias": config.bias}
    windowed = config.sliding_window is not None
    layer_type = "sliding_attention" if windowed else "full_attention"
    return common | {
        "use_sliding_window": windowed,
        "sliding_window": config.sliding_window,
        "max_window_layers": 0 if windowed else config.num_layers,
        "layer_types": [layer_type] * config.num_layers,
    }


def read_config(raw: dict[str, Any]) -> ModelConfig:
    """Return the shape that a ``config.json`` describes.

    Raises:
        UserError: it describes something that groundup does not compute, or nothing sensible.
    """
    kind = raw.get("model_type")
    try:
        match kind:
            case "groundup":
                return _checked(raw.get("model"))
            case "qwen3" | "llama" | "gpt2":
                for key, always in (_THEIRS_ALWAYS[kind] | {"quantization_config": None}).items():
                    if raw.get(key, always) != always:
                        raise UserError(f"{key} = {raw[key]!r} is not supported in a {kind} model")
                return _checked(_read_gpt2(raw) if kind == "gpt2" else _read_llama(raw, kind))
    except KeyError as missing:
        raise UserError(f"a {kind} model needs the key {missing}, which is not there") from None
    except TypeError as error:
        raise UserError(f"a value of the wrong kind ({error})") from None
    known = ", ".join((*CLASSES, "groundup"))
    raise UserError(f"model_type {kind!r} is not one that groundup opens ({known})")


def _checked(values: Any) -> ModelConfig:
    """Return the ModelConfig of ``values``; pydantic's findings become one line."""
    try:
        config = ModelConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "model"
        raise UserError(f"{name}: {first['msg'].removeprefix('Value error, ')}") from None
    if config.vocab_size == 0:
        raise UserError("vocab_size is 0")
    return config


def _read_llama(raw: dict[str, Any], kind: Literal["qwen3", "llama"]) -> dict[str, Any]:
    width, heads = raw["hidden_size"], raw["num_attention_heads"]
    if raw.get("mlp_bias", False) != raw.get("attention_bias", False):
        raise UserError("mlp_bias and attention_bias differ, which is not supported")
    default_head_width = 128 if kind == "qwen3" else 0  # 0: width / heads
    return {
        "architecture": kind,
        "vocab_size": raw["vocab_size"],
        "context_length": raw.get("max_position_embeddings", 32768 if kind == "qwen3" else 2048),
        "num_layers": raw["num_hidden_layers"],
        "width": width,
        "num_heads": heads,
        "num_kv_heads": raw.get("num_key_value_heads") or 0,
        "head_width": raw.get("head_dim", default_head_width) or 0,
        "feed_forward_width": raw["intermediate_size"],
        "norm_eps": raw.get("rms_norm_eps", 1e-6),
        "rope_theta": _rope_theta(raw),
        "bias": raw.get("attention_bias", False),
        "tie_embeddings": raw.get("tie_word_embeddings", False),
        "dropout": raw.get("attention_dropout") or 0.0,
        "sliding_window": _sliding_window(raw) if kind == "qwen3" else None,
        "init_std": raw.get("initializer_range", 0.02),
    }


def _read_gpt2(raw: dict[str, Any]) -> dict[str, Any]:
    activation = raw.get("activation_function", "gelu_new")
    if activation not in _ACTIVATIONS_READ:
        known = ", ".join(_ACTIVATIONS_READ)
        raise UserError(f"activation_function {activation!r} is not supported (only {known})")
    return {
        "architecture": "gpt2",
        "vocab_size": raw["vocab_size"],
        "context_length": raw.get("n_positions", 1024),
        "num_layers": raw["n_layer"],
        "width": raw["n_embd"],
        "num_heads": raw["n_head"],
        "feed_forward_width": raw.get("n_inner") or 0,  # 0: four times the width, as theirs
        "norm_eps": raw.get("layer_norm_epsilon", 1e-5),
        "activation": _ACTIVATIONS_READ[activation],
        "tie_embeddings": raw.get("tie_word_embeddings", True),
        "dropout": raw.get("resid_pdrop", 0.1),
        "init_std": raw.get("initializer_range", 0.02),
    }


def _rope_theta(raw: dict[str, Any]) -> Any:
    """Return the base of the rotary positions, from transformers 5's key or the older two."""
    rope = raw.get("rope_scaling") or raw.get("rope_parameters") or {}
    if not isinstance(rope, dict) or any(isinstance(value, dict) for value in rope.values()):
        raise UserError("rope_parameters per kind of layer are not supported")
    rope_type = rope.get("rope_type", rope.get("type", "default"))
    if rope_type != "default":
        raise UserError(f"rope_type {rope_type!r} (a stretched context) is not supported")
    partial = rope.get("partial_rotary_factor", raw.get("partial_rotary_factor"))
    if partial not in (None, 1.0):
        raise UserError(f"partial_rotary_factor = {partial!r} is not supported")
    return rope.get("rope_theta", raw.get("rope_theta", 10_000.0))


def _sliding_window(raw: dict[str, Any]) -> Any:
    """Return the window that every layer has, or None where no layer has one."""
    window = raw.get("sliding_window", 4096) if raw.get("use_sliding_window", False) else None
    types = raw.get("layer_types")
    if types is None:  # then layers from max_window_layers on have the window
        full_layers = raw.get("max_window_layers", 28)
        types = ["sliding_attention"] if window is not None else ["full_attention"]
        if full_layers != 0 and window is not None:
            types = ["full_attention"] if full_layers >= raw["num_hidden_layers"] else []
    if types and all(kind == "full_attention" for kind in types):
        return None
    if types and all(kind == "sliding_attention" for kind in types) and window is not None:
        return window
    raise UserError("layer_types: a sliding window in some layers only is not supported")
