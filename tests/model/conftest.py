"""Tiny models whose every parameter matters."""

import pytest
import torch

from groundup.model import ModelConfig, build_model

TINY = {
    "vocab_size": 53,
    "context_length": 40,
    "num_layers": 2,
    "width": 24,
}


@pytest.fixture
def tiny_config():
    """Make a small config: ``tiny_config("qwen3", num_kv_heads=2)``."""

    def make(architecture="qwen3", **options):
        heads = {} if architecture == "rnn" else {"num_heads": 4}
        return ModelConfig(architecture=architecture, **(TINY | heads | options))

    return make


@pytest.fixture
def tiny_model(tiny_config):
    """Make a small model in evaluation mode, with norms and biases far from where they start."""

    def make(architecture="qwen3", seed=0, **options):
        model = build_model(tiny_config(architecture, **options), seed=seed)
        generator = torch.Generator().manual_seed(seed + 1)
        with torch.no_grad():
            for weight in model.parameters():
                noise = torch.randn(weight.shape, generator=generator)
                weight.copy_(weight + 0.2 * noise if weight.ndim == 1 else 0.3 * noise)
        return model.eval()

    return make


@pytest.fixture
def tokens():
    """Make random ids (B, T) of the tiny vocabulary."""

    def make(B, T, seed=0):
        return torch.randint(
            0, TINY["vocab_size"], (B, T), generator=torch.Generator().manual_seed(seed)
        )

    return make
