"""What each contender runs with: its CPU configuration as shipped, and the best small one found.

``shipped`` is what a project's own script for a CPU says, its schedule cut to the budget. ``tuned``
is the best small one that we found for it; benchmarks/LOG.md says what was tried, which is not
everything. Where a corpus or a longer budget wants something else, the later of its entries wins.
"""

from typing import Any

LONG, LONGER, LONGEST = 150.0, 400.0, 1200.0
"""Seconds from which other settings than those for a minute did better, and others still."""

CHARACTERS = {"vocabulary": "characters"}
BPE = {"vocabulary": 4096}
SMALL_BPE = {"vocabulary": 2048}

# config/train_shakespeare_char.py with the options that nanoGPT's README gives for a CPU.
_NANOGPT = {
    "layers": 4,
    "heads": 4,
    "width": 128,
    "context": 64,
    "batch": 12,
    "accumulate": 1,
    "dropout": 0.0,
    "learning_rate": 1e-3,
    "final": 0.1,
    "warmup": 0.05,  # 100 of its 2,000 iterations
    "beta2": 0.99,
    "weight_decay": 0.1,
    "clip": 1.0,
    "fused": False,  # only on CUDA does it ask for the fused AdamW
    "bfloat16": False,
    "compile": False,
}
_NANOGPT_TUNED = _NANOGPT | {
    "layers": 3,
    "heads": 3,
    "width": 192,
    "context": 64,
    "batch": 16,
    "learning_rate": 6e-3,
    "final": 0.0,
    "fused": True,
    "bfloat16": True,
}
_NANOGPT_CHARACTERS = CHARACTERS | {
    "layers": 4,
    "heads": 4,
    "width": 128,
    "learning_rate": 8e-3,
    "bfloat16": False,  # of products so small, casting takes more than they
}
_NANOGPT_CHARACTERS_LONGEST = {
    "layers": 6,
    "heads": 3,
    "width": 192,
    "context": 128,
    "learning_rate": 3e-3,
    "dropout": 0.2,  # as its recipe for a GPU has it
    "weight_decay": 0.1,
    "bfloat16": True,
}

# runs/runcpu.sh: depth 6, so width 64 · 6, and 5,000 steps of 32 · 512 tokens; the rest are the
# defaults of base_train.py, whose 40 and 400 steps of warm-up are shares here. A concession: 4,096
# ids where its script has 32,768, whose tables alone would take most of these budgets.
_NANOCHAT = {
    "layers": 6,
    "heads": 6,
    "width": 384,
    "context": 512,
    "batch": 32,
    "accumulate": 1,
    "value_embeddings": True,
    "matrix_rate": 0.02,
    "embedding_rate": 0.3,
    "head_rate": 0.008,
    "scalar_rate": 0.5,
    "weight_decay": 0.28,
    "scale_by_batch": True,  # rates and decay, as base_train.py does: 0.18 of these rates
    "warmup": 0.008,
    "momentum_warmup": 0.08,
    "warmdown": 0.65,
    "final": 0.05,
    "clip": 0.0,
    "bfloat16": False,  # only on CUDA is it nanochat's own choice
    "compile": True,
}
_NANOCHAT_TUNED = _NANOCHAT | {
    "layers": 3,
    "heads": 3,
    "width": 192,
    "context": 128,
    "batch": 16,
    "matrix_rate": 0.03,
    "scalar_rate": 0.05,
    "weight_decay": 0.1,
    "scale_by_batch": False,  # the rates are tuned for this batch
    "warmdown": 0.8,
    "final": 0.0,
    "bfloat16": True,
    "compile": False,  # see _COMPILED
}
_NANOCHAT_LONGER = {"heads": 4, "width": 256, "context": 256, "batch": 8}
_NANOCHAT_CHARACTERS = CHARACTERS | {
    "layers": 4,
    "heads": 2,
    "width": 128,
    "context": 256,
    "batch": 8,
}

# The rates of Hugging Face's course, "Training a causal language model from scratch", with the
# defaults of TrainingArguments for the rest. Concessions, for it trains on a GPU: its GPT-2 of
# 124 M parameters is given nanoGPT's shape, 0.8 M; a step is of 32 sequences, not of 8 times 32;
# its fp16 is float32; warm-up is a share of the time.
_HUGGINGFACE = {
    "family": "gpt2",
    "layers": 4,
    "heads": 4,
    "width": 128,
    "feed_forward": 512,
    "dropout": 0.1,
    "context": 128,
    "batch": 32,
    "accumulate": 1,
    "learning_rate": 5e-4,
    "schedule": "cosine",
    "warmup": 0.05,
    "weight_decay": 0.1,
    "beta2": 0.999,
    "bfloat16": False,
    "compile": False,
}
_HUGGINGFACE_TUNED = _HUGGINGFACE | {
    "family": "llama",
    "layers": 3,
    "heads": 3,
    "width": 192,
    "feed_forward": 512,
    "dropout": 0.0,
    "batch": 16,
    "learning_rate": 3e-3,
    "beta2": 0.95,
    "bfloat16": True,
}
_HUGGINGFACE_CHARACTERS = CHARACTERS | {
    "layers": 4,
    "heads": 4,
    "width": 128,
    "feed_forward": 384,
    "context": 64,
    "learning_rate": 4e-3,
}

# config_hub/pretrain/debug.yaml, its smallest: pythia-14m in steps of 25 times 5 sequences, 100 of
# 1,562 steps warm-up; the precision is what litgpt picks for a CPU. In these budgets a step hardly
# fits: the smallest that it ships is not made for two cores.
_LITGPT = {
    "model": "pythia-14m",
    "shape": {},
    "context": 512,
    "batch": 5,
    "accumulate": 25,
    "precision": "bf16-mixed",
    "optimizer": {"lr": 6e-4, "weight_decay": 0.1, "betas": [0.9, 0.95]},
    "final_rate": 6e-5,
    "warmup": 0.064,
    "tie": False,
    "fused": False,  # only on CUDA does it ask for the fused AdamW
    "compile": True,
}
_LLAMA = {
    "bias": False,
    "parallel_residual": False,
    "rotary_percentage": 1.0,
    "norm_class_name": "RMSNorm",
    "mlp_class_name": "LLaMAMLP",
}
_LITGPT_TUNED = _LITGPT | {
    "shape": _LLAMA | {"n_layer": 3, "n_head": 3, "n_embd": 192, "intermediate_size": 512},
    "context": 128,
    "batch": 8,
    "accumulate": 1,
    "optimizer": {"lr": 3e-3, "weight_decay": 0.1, "betas": [0.9, 0.95]},
    "final_rate": 0.0,
    "warmup": 0.05,
    "tie": True,
    "fused": True,
    "compile": False,
}
_LITGPT_CHARACTERS = CHARACTERS | {
    "shape": _LLAMA | {"n_layer": 4, "n_head": 4, "n_embd": 128, "intermediate_size": 384},
    "batch": 16,
}

_QWEN3 = {
    "architecture": "qwen3",
    "context_length": 256,
    "num_layers": 3,
    "width": 192,
    "num_heads": 3,
    "zero_init_projections": True,
    "look_back_heads": 2,
}
# Pieces of words, unlike letters, are worth copying after one or two that stood there before.
_GROUNDUP = {
    "tokenizer": {"kind": "bpe", "vocab_size": 2048},
    "model": _QWEN3 | {"induction_heads": 2, "rope_theta": 1e6, "tie_embeddings": False},
    "pretrain": {
        "batch_size": 16,
        "learning_rate": 0.03,
        "weight_decay": 0.0,
        "decay_fraction": 1.0,
        "eval_every": 100,
    },
}
_GROUNDUP_CHARACTERS = {
    "tokenizer": {"kind": "characters", "vocab_size": 256},
    "model": _QWEN3 | {"num_layers": 4, "width": 128, "num_heads": 2, "look_back_blocks": 2},
    "pretrain": _GROUNDUP["pretrain"] | {"batch_size": 8, "learning_rate": 0.01},
}

# With more time a longer context pays, then a larger model; and what keeps it from learning a text
# by heart: for a few minutes weight decay, which costs no time, for longer dropout as well.
_GROUNDUP_LONG = {
    "model": _GROUNDUP["model"] | {"context_length": 512, "tie_embeddings": True},
    "pretrain": _GROUNDUP["pretrain"] | {"batch_size": 8},
}
_GROUNDUP_LONGER = {
    "model": _GROUNDUP_LONG["model"] | {"width": 256, "num_heads": 4, "dropout": 0.05},
    "pretrain": _GROUNDUP_LONG["pretrain"] | {"weight_decay": 0.1},
}
_GROUNDUP_STORIES_LONGER = {
    "tokenizer": _GROUNDUP["tokenizer"] | {"vocab_size": 4096},
    "model": _GROUNDUP["model"] | {"width": 256, "num_heads": 4, "tie_embeddings": True},
}
_GROUNDUP_CHARACTERS_LONG = {
    "pretrain": _GROUNDUP_CHARACTERS["pretrain"] | {"weight_decay": 0.2},
}
_GROUNDUP_CHARACTERS_LONGER = {
    "model": _GROUNDUP_CHARACTERS["model"] | {"width": 192, "num_heads": 3, "dropout": 0.1},
    "pretrain": _GROUNDUP_CHARACTERS["pretrain"] | {"weight_decay": 0.1},
}

_COMPILED = {"compile": True}
"""With ten minutes, in which it earns back the half or whole minute that it takes: nanochat takes
1.5 times the steps a second, litgpt 1.3, transformers 1.2; nanoGPT's, of 64 tokens, 0.9."""

Entry = tuple[str, float, dict[str, Any]]
"""The corpus and the seconds from which on it holds, and what it sets."""

_ANY = ""

SETTINGS: dict[tuple[str, str], list[Entry]] = {
    ("groundup", "tuned"): [
        (_ANY, 0.0, _GROUNDUP),
        ("shakespeare", 0.0, _GROUNDUP_CHARACTERS),
        ("shakespeare", LONG, _GROUNDUP_CHARACTERS_LONG),
        ("shakespeare", LONGER, _GROUNDUP_CHARACTERS_LONGER),
        ("stdlib", LONG, _GROUNDUP_LONG),
        ("stdlib", LONGER, _GROUNDUP_LONGER),
        ("stories", LONGER, _GROUNDUP_STORIES_LONGER),
    ],
    ("nanogpt", "shipped"): [(_ANY, 0.0, _NANOGPT | BPE), ("shakespeare", 0.0, CHARACTERS)],
    ("nanogpt", "tuned"): [
        (_ANY, 0.0, _NANOGPT_TUNED | SMALL_BPE),
        ("shakespeare", 0.0, _NANOGPT_CHARACTERS),
        ("shakespeare", LONGEST, _NANOGPT_CHARACTERS_LONGEST),
    ],
    ("nanochat", "shipped"): [(_ANY, 0.0, _NANOCHAT | BPE)],
    ("nanochat", "tuned"): [
        (_ANY, 0.0, _NANOCHAT_TUNED | SMALL_BPE),
        ("shakespeare", 0.0, _NANOCHAT_CHARACTERS),
        ("shakespeare", LONG, {"weight_decay": 0.5}),
        ("shakespeare", LONGER, {"weight_decay": 1.0}),
        (_ANY, LONGER, _COMPILED),
        ("stdlib", LONGER, _NANOCHAT_LONGER),
        ("stories", LONGER, _NANOCHAT_LONGER | BPE),
    ],
    ("huggingface", "shipped"): [
        (_ANY, 0.0, _HUGGINGFACE | BPE),
        ("shakespeare", 0.0, CHARACTERS),
    ],
    ("huggingface", "tuned"): [
        (_ANY, 0.0, _HUGGINGFACE_TUNED | SMALL_BPE),
        ("shakespeare", 0.0, _HUGGINGFACE_CHARACTERS),
        ("shakespeare", LONGER, {"weight_decay": 0.5}),
        (_ANY, LONGER, _COMPILED),
    ],
    ("litgpt", "shipped"): [(_ANY, 0.0, _LITGPT | BPE), ("shakespeare", 0.0, CHARACTERS)],
    ("litgpt", "tuned"): [
        (_ANY, 0.0, _LITGPT_TUNED | SMALL_BPE),
        ("shakespeare", 0.0, _LITGPT_CHARACTERS),
        ("shakespeare", LONGER, {"optimizer": _LITGPT_TUNED["optimizer"] | {"weight_decay": 0.5}}),
        (_ANY, LONGER, _COMPILED),
    ],
}

MODULES = {"groundup": "ours"}
"""Where a contender's module has another name."""

PACKAGES = {
    "huggingface": ["torch==2.13.0", "transformers==5.23.0", "accelerate", "numpy"],
    "litgpt": ["torch==2.13.0", "litgpt==0.5.13"],
}
"""What contenders with an environment of their own need there."""


def settings_for(contender: str, kind: str, corpus: str, budget: float) -> dict[str, Any]:
    """Return what a contender runs with on ``corpus`` for ``budget`` seconds."""
    found: dict[str, Any] = {}
    for where, least, values in SETTINGS[contender, kind]:
        if where in (_ANY, corpus) and budget >= least:
            found |= values
    return found


def changed(settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return settings with some replaced; ``model.width`` is one of a section, new or not.

    Raises:
        ValueError: the contender has no such setting, or a switch or number is to become text.
    """
    settings = dict(settings)
    for name, value in changes.items():
        section, _, key = name.partition(".")
        if section not in settings:
            raise ValueError(f"no setting {section!r}; it has {', '.join(settings)}")
        if key and not isinstance(settings[section], dict):
            raise ValueError(f"{section!r} is no section")
        present = settings[section].get(key) if key else settings[section]
        if isinstance(value, str) and isinstance(present, bool | int | float):
            raise ValueError(f"{name} is {present!r} now; {value!r} is no such value")
        settings[section] = settings[section] | {key: value} if key else value
    return settings
