"""A character tokenizer, a split of small documents, and small models."""

import numpy as np
import pytest
import torch

from groundup.data import ShardWriter, TokenShards
from groundup.data.write_shards import write_token_bytes
from groundup.model import ModelConfig, build_model
from groundup.tokenizer import BPETokenizer

TEXTS = ["x = 1\n", "y = x + 2  # naïve 你好\n" * 3, "", "def f(x):\n    return x\n" * 2]


@pytest.fixture(scope="session")
def tokenizer() -> BPETokenizer:
    return BPETokenizer.train(TEXTS, 270)


@pytest.fixture
def make_shards(tmp_path, tokenizer):
    """Write texts as a validation split: ``make_shards(["one", "two"])``."""

    def make(texts, tokenizer=tokenizer) -> TokenShards:
        writer = ShardWriter(
            tmp_path,
            "validation",
            vocab_size=tokenizer.vocab_size,
            tokenizer=tokenizer.fingerprint,
        )
        with writer:
            for text in texts:
                ids = np.array([tokenizer.end_of_text_id, *tokenizer.encode(text)])
                writer.add(ids, np.array([len(ids)]), text_bytes=len(text.encode()))
        write_token_bytes(tmp_path, tokenizer)
        return TokenShards.open(tmp_path, "validation")

    return make


@pytest.fixture
def shards(make_shards) -> TokenShards:
    return make_shards(TEXTS)


@pytest.fixture
def make_model(tokenizer):
    """Make a small model with large random weights: ``make_model("rnn", dropout=0.5)``."""

    def make(architecture="qwen3", *, scale=0.4, **options):
        shape = {"vocab_size": tokenizer.vocab_size, "context_length": 16}
        config = ModelConfig(
            architecture=architecture,
            **{"num_layers": 2, "width": 24, **shape, **options},
        )
        model = build_model(config, seed=0)
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_(scale * torch.randn(weight.shape, generator=generator))
        return model

    return make
