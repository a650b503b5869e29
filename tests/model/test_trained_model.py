"""A model that someone else trained gives here the numbers that it gives elsewhere."""

import json

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from groundup.model import ModelConfig, Transformer, load_model, save_model

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def expected(shared):
    return json.loads((shared / "models/stories260K/expected.json").read_text())


@pytest.fixture(scope="module")
def stories(shared):
    """Karpathy's stories260K, from llama2.c's file: a header, then float32 after float32."""
    content = (shared / "models/stories260K/stories260K.bin").read_bytes()
    C, F_, L, H, K, V, T = np.frombuffer(content, dtype="<i4", count=7).tolist()
    config = ModelConfig(
        architecture="llama",
        vocab_size=V,
        context_length=T,
        num_layers=L,
        width=C,
        num_heads=H,
        num_kv_heads=K,
        feed_forward_width=F_,
        tie_embeddings=True,
    )
    D = config.head_width
    numbers = torch.from_numpy(np.frombuffer(content, dtype="<f4", offset=28).copy())

    def take(*shape):
        nonlocal numbers
        size = torch.Size(shape).numel()
        taken, numbers = numbers[:size], numbers[size:]
        return taken.view(shape)

    def halves(weight_LOC):
        """Reorder rows: llama2.c rotates neighbours (0, 1), Llama's published form halves."""
        heads = weight_LOC.view(L, -1, D // 2, 2, C)
        return heads.transpose(2, 3).reshape(weight_LOC.shape)

    weights = {"token_embedding.weight": take(V, C)}
    stacked = {
        "attention_norm": take(L, C),
        "attention.q_proj": halves(take(L, H * D, C)),
        "attention.k_proj": halves(take(L, K * D, C)),
        "attention.v_proj": take(L, K * D, C),
        "attention.o_proj": take(L, C, H * D),
        "feed_forward_norm": take(L, C),
        "feed_forward.gate_proj": take(L, F_, C),
        "feed_forward.down_proj": take(L, C, F_),
        "feed_forward.up_proj": take(L, F_, C),
    }
    weights["final_norm.weight"] = take(C)
    for name, weight_L in stacked.items():
        weights |= {f"blocks.{layer}.{name}.weight": weight_L[layer] for layer in range(L)}
    model = Transformer(config)
    model.load_state_dict(weights)
    return model.eval()


def test_first_logits_are_the_published_ones(stories, expected):
    logits = stories(torch.tensor([[1]]))[0, 0]
    torch.testing.assert_close(
        logits, torch.tensor(expected["first_step_logits"]), atol=2e-4, rtol=1e-4
    )


@torch.no_grad()
def test_losses_are_the_published_ones(stories, expected):
    ids = torch.tensor(expected["score"]["ids"])
    losses = F.cross_entropy(stories(ids[None, :-1])[0], ids[1:], reduction="none")
    published = torch.tensor(expected["score"]["nll_per_token"])
    torch.testing.assert_close(losses, published, atol=2e-4, rtol=1e-4)


@torch.no_grad()
def test_its_story_is_the_published_one_with_and_without_a_cache(stories, expected, tmp_path):
    story = expected["greedy_from_bos"]["ids"]
    save_model(stories, tmp_path / "model", tokenizer=None)
    model = load_model(tmp_path / "model")
    cache = model.new_cache(1, len(story) + 1)
    ids = [1]
    for _ in story:
        logits = model(torch.tensor([ids[-1:]]), cache=cache, last_only=True)
        ids.append(logits.argmax().item())
    assert ids[1:] == story
    assert model(torch.tensor([[1, *story[:-1]]]))[0].argmax(-1).tolist() == story
