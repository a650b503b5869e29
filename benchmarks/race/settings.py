"""What each contender runs with: its CPU configuration as shipped, and the best small one found.

``shipped`` is what a project's own script for a CPU says, its schedule cut to the budget. ``tuned``
is what we found for it at these budgets (benchmarks/LOG.md says how); where a corpus or a budget
wants something else, the later of its entries wins.
"""

from typing import Any

SHORT, LONG = 240.0, 900.0
"""Seconds: budgets up to the one are short, from the other on long."""

CHARACTERS = {"vocabulary": "characters"}
BPE = {"vocabulary": 4096}

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
    "context": 128,
    "batch": 16,
    "learning_rate": 2e-3,
    "final": 0.0,
    "fused": True,
    "bfloat16": True,
}

# A model of depth 4 and width 64 · depth; batch, heads and context of runs/runcpu.sh.
_NANOCHAT = {
    "layers": 4,
    "heads": 4,
    "width": 256,
    "context": 512,
    "batch": 32,
    "accumulate": 1,
    "soft_cap": 15.0,
    "lambdas": True,
    "value_embeddings": True,
    "matrix_rate": 0.02,
    "embedding_rate": 0.3,
    "head_rate": 0.004,
    "lambda_rate": 0.005,
    "warmdown": 0.5,
    "clip": 0.0,
    "bfloat16": False,
    "compile": True,
}
_NANOCHAT_TUNED = _NANOCHAT | {
    "context": 256,
    "batch": 16,
    "warmdown": 0.8,
    "bfloat16": True,
}

# The rates of Hugging Face's course, "Training a causal language model from scratch", with the
# defaults of TrainingArguments for the rest; its GPT-2 of 124 M is given nanoGPT's shape.
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
    "feed_forward": 384,
    "dropout": 0.0,
    "batch": 16,
    "learning_rate": 3e-3,
    "beta2": 0.95,
    "bfloat16": True,
}

# The smallest model its tutorials train, with the defaults of `litgpt pretrain`; they reach 2,000
# steps of warm-up in no such budget, so it is a share of the time here.
_LITGPT = {
    "model": "pythia-14m",
    "shape": {},
    "context": 512,
    "batch": 4,
    "accumulate": 128,
    "precision": "32-true",
    "optimizer": {},
    "final_rate": 4e-5,
    "warmup": 0.05,
    "tie": False,
    "compile": True,
}
_LITGPT_TUNED = _LITGPT | {
    "context": 128,
    "batch": 16,
    "accumulate": 1,
    "precision": "bf16-mixed",
    "optimizer": {"lr": 3e-3, "weight_decay": 0.1, "betas": [0.9, 0.95]},
    "final_rate": 0.0,
    "compile": False,
}

_GROUNDUP = {
    "tokenizer": {"kind": "bpe", "vocab_size": 4096},
    "model": {
        "architecture": "qwen3",
        "context_length": 256,
        "num_layers": 6,
        "width": 256,
        "num_heads": 4,
        "zero_init_projections": True,
    },
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
    "model": _GROUNDUP["model"] | {"context_length": 128, "num_layers": 4, "width": 128},
    "pretrain": _GROUNDUP["pretrain"] | {"batch_size": 12, "learning_rate": 0.01},
}

Entry = tuple[dict[str, str], dict[str, Any]]
"""Where it holds ({"corpus": …, "length": "short" | "medium" | "long"}), and what it sets."""

_EVERYWHERE: dict[str, str] = {}
_SHAKESPEARE = {"corpus": "shakespeare"}

SETTINGS: dict[tuple[str, str], list[Entry]] = {
    ("groundup", "tuned"): [(_EVERYWHERE, _GROUNDUP), (_SHAKESPEARE, _GROUNDUP_CHARACTERS)],
    ("nanogpt", "shipped"): [(_EVERYWHERE, _NANOGPT | BPE), (_SHAKESPEARE, CHARACTERS)],
    ("nanogpt", "tuned"): [(_EVERYWHERE, _NANOGPT_TUNED | BPE), (_SHAKESPEARE, CHARACTERS)],
    ("nanochat", "shipped"): [(_EVERYWHERE, _NANOCHAT | BPE)],
    ("nanochat", "tuned"): [(_EVERYWHERE, _NANOCHAT_TUNED | BPE), (_SHAKESPEARE, CHARACTERS)],
    ("huggingface", "shipped"): [(_EVERYWHERE, _HUGGINGFACE | BPE), (_SHAKESPEARE, CHARACTERS)],
    ("huggingface", "tuned"): [(_EVERYWHERE, _HUGGINGFACE_TUNED | BPE), (_SHAKESPEARE, CHARACTERS)],
    ("litgpt", "shipped"): [(_EVERYWHERE, _LITGPT | BPE), (_SHAKESPEARE, CHARACTERS)],
    ("litgpt", "tuned"): [(_EVERYWHERE, _LITGPT_TUNED | BPE), (_SHAKESPEARE, CHARACTERS)],
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
    length = "short" if budget <= SHORT else "long" if budget >= LONG else "medium"
    here = {"corpus": corpus, "length": length}
    found: dict[str, Any] = {}
    for where, values in SETTINGS[contender, kind]:
        if where.items() <= here.items():
            found |= values
    return found


def changed(settings: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return settings with some replaced; ``model.width`` is one of a section, new or not.

    Raises:
        ValueError: the contender has no such setting.
    """
    settings = dict(settings)
    for name, value in changes.items():
        section, _, key = name.partition(".")
        if section not in settings:
            raise ValueError(f"no setting {section!r}; it has {', '.join(settings)}")
        settings[section] = settings[section] | {key: value} if key else value
    return settings
