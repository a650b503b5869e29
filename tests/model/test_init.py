import math

import pytest
import torch

from groundup.model import build_model, build_on_meta
from groundup.model.init import initialize

WIDE = {"width": 256, "num_layers": 3, "vocab_size": 1000}


@pytest.mark.parametrize("architecture", ["qwen3", "llama", "gpt2", "rnn"])
def test_first_weights_have_the_documented_spread(architecture, tiny_config):
    config = tiny_config(architecture, **WIDE, init_std=0.03)
    for name, weight in build_model(config, seed=0).named_parameters():
        residual = name.endswith(("o_proj.weight", "down_proj.weight"))
        if weight.ndim == 2:
            expected = 0.03 / math.sqrt(2 * config.num_layers) if residual else 0.03
            assert weight.std().item() == pytest.approx(expected, rel=0.03), name
            assert abs(weight.mean().item()) < expected / 10, name
        else:
            assert weight.unique().tolist() == [0.0 if name.endswith("bias") else 1.0], name


def test_same_seed_same_weights(tiny_config):
    first, second, other = (build_model(tiny_config(), seed=seed) for seed in (1, 1, 2))
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.token_embedding.weight, other.token_embedding.weight)


@pytest.mark.parametrize("architecture", ["qwen3", "gpt2", "rnn"])
def test_building_leaves_the_global_generator_alone(architecture, tiny_config):
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    build_model(tiny_config(architecture), seed=3)
    assert torch.equal(torch.rand(1), expected)


@pytest.mark.parametrize("architecture", ["qwen3", "gpt2", "rnn", "speedrun"])
def test_first_weights_do_not_depend_on_what_was_in_memory(architecture, tiny_config):
    more = {"value_residual": True, "value_embeddings": True, "smear": True, "x0_shortcut": True}
    options = {} if architecture == "rnn" else more | {"bigram_table_size": 31}
    config = tiny_config(architecture, **options)
    model = build_on_meta(config).to_empty(device="cpu")
    with torch.no_grad():
        for weight in model.parameters():
            weight.fill_(math.nan)
    initialize(model, config, torch.Generator().manual_seed(5))
    expected = build_model(config, seed=5).state_dict()
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, expected[name]), name
        if name.endswith("value_mix"):
            assert weight.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("architecture", ["qwen3", "gpt2"])
def test_zero_projections_make_every_block_the_identity(architecture, tiny_config, tokens):
    model = build_model(tiny_config(architecture, zero_init_projections=True), seed=0).eval()
    ids_BT = tokens(2, 7)
    x_BTC = model.token_embedding(ids_BT)
    if model.position_embedding is not None:
        x_BTC = x_BTC + model.position_embedding.weight[:7]
    torch.testing.assert_close(model(ids_BT), model.head(model.final_norm(x_BTC)))


@pytest.mark.parametrize("architecture", ["qwen3", "llama", "gpt2", "rnn"])
def test_a_fresh_model_guesses_evenly(architecture, tiny_config, tokens):
    model = build_model(tiny_config(architecture), seed=0).eval()
    loss = torch.nn.functional.cross_entropy(
        model(tokens(4, 30)).flatten(0, 1), tokens(4, 30, seed=1).flatten()
    )
    assert loss.item() == pytest.approx(math.log(53), rel=0.02)
