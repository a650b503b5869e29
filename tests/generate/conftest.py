"""Small models that say something different at every step, and a tokenizer for them."""

import pytest
import torch

from groundup.model import ModelConfig, build_model
from groundup.tokenizer import BPETokenizer

CORPUS = ["def add(one, two):\n    return one + two  # 你好, 👩‍👩‍👧, naïve\n" * 3]


@pytest.fixture(scope="session")
def tokenizer() -> BPETokenizer:
    return BPETokenizer.train(CORPUS, 290)


@pytest.fixture(scope="session")
def make_model():
    """Make a small model with large random weights: ``make_model("gpt2", context_length=8)``."""

    def make(architecture="qwen3", *, vocab_size=290, context_length=24, seed=0, **options):
        config = ModelConfig(
            architecture=architecture,
            vocab_size=vocab_size,
            context_length=context_length,
            num_layers=2,
            width=24,
            **options,
        )
        model = build_model(config, seed=seed)
        generator = torch.Generator().manual_seed(seed + 1)
        with torch.no_grad():
            for weight in model.parameters():
                noise = torch.randn(weight.shape, generator=generator)
                weight.copy_(weight + 0.2 * noise if weight.ndim == 1 else 0.4 * noise)
        return model

    return make
