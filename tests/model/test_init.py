import math

import pytest
import torch

from groundup.model import attention, build_model, build_on_meta
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


@pytest.mark.parametrize(
    ("architecture", "options", "least"),
    [
        ("qwen3", {}, 0.4),
        ("qwen3", {"num_kv_heads": 1}, 0.4),
        ("qwen3", {"head_width": 32}, 0.2),
        ("qwen3", {"rope_theta": 1e6}, 0.35),
        ("llama", {}, 0.4),
        ("llama", {"norm": "layernorm", "init_std": 0.1}, 0.4),
        ("speedrun", {}, 0.4),
        ("qwen3", {"look_back_blocks": 2}, 0.4),
        ("speedrun", {"look_back_blocks": 2}, 0.4),
    ],
)
def test_look_back_heads_look_1_2_and_3_tokens_back(
    architecture, options, least, tiny_config, tokens, monkeypatch
):
    config = tiny_config(
        architecture, **({"width": 192, "head_width": 64} | options), look_back_heads=3
    )
    seen, attend = [], attention.attend

    def spy(q_BHTD, k_BKSD, *others):
        seen.append((q_BHTD, k_BKSD))
        return attend(q_BHTD, k_BKSD, *others)

    monkeypatch.setattr(attention, "attend", spy)
    with torch.no_grad():
        build_model(config, seed=0).eval()(tokens(3, 40))
    future = torch.ones(40, 40, dtype=torch.bool).triu(1)
    assert len(seen) == 2
    for block, (q_BHTD, k_BKTD) in enumerate(seen[: config.look_back_blocks]):
        k_BHTD = k_BKTD.repeat_interleave(4 // config.num_kv_heads, 1)
        scores_BHTT = q_BHTD @ k_BHTD.mT / math.sqrt(config.head_width)
        weights_HTT = scores_BHTT.masked_fill(future, -math.inf).softmax(-1).mean(0)
        back_HT = torch.stack([weights_HTT.diagonal(-d, 1, 2)[:, 7:].mean(-1) for d in range(8)])
        assert back_HT[:, :3].argmax(0).tolist() == [3 * block + d for d in (1, 2, 3)]
        assert back_HT[:, :3].amax(0).min() > least
        assert back_HT[:, 3].max() < 0.2, "the fourth head is left as it was"


@pytest.mark.parametrize(
    ("architecture", "options", "least"),
    [
        ("qwen3", {}, 0.1),
        ("qwen3", {"num_kv_heads": 2}, 0.1),
        ("qwen3", {"context_length": 2048, "rope_theta": 1e6}, 0.1),
        ("qwen3", {"width": 128}, 0.1),
        ("qwen3", {"zero_init_projections": False}, 0.02),
        ("llama", {}, 0.05),
        ("speedrun", {}, 0.1),
    ],
)
def test_induction_heads_look_at_what_followed_the_same_tokens_before(
    architecture, options, least, tiny_config, monkeypatch
):
    options = {"width": 192, "head_width": 64, "zero_init_projections": True} | options
    shape = {"context_length": 160, "vocab_size": 1000} | options
    config = tiny_config(architecture, **shape, look_back_heads=2, induction_heads=2)
    seen, attend = [], attention.attend

    def spy(q_BHTD, k_BKSD, *others):
        seen.append((q_BHTD, k_BKSD))
        return attend(q_BHTD, k_BKSD, *others)

    half_BT = torch.randint(1000, (4, 80), generator=torch.Generator().manual_seed(1))
    ids_BT = torch.cat([half_BT, half_BT], 1)
    monkeypatch.setattr(attention, "attend", spy)
    with torch.no_grad():
        build_model(config, seed=0).eval()(ids_BT)
    group = 4 // config.num_kv_heads
    q_BHTD, k_BHTD = seen[1][0], seen[1][1].repeat_interleave(group, 1)
    future = torch.ones(160, 160, dtype=torch.bool).triu(1)
    scores_BHTT = (q_BHTD @ k_BHTD.mT / 8).masked_fill(future, -math.inf)
    weights_H = scores_BHTT.softmax(-1).diagonal(-79, 2, 3).mean((0, 2))
    heads = [0, group]
    assert weights_H[heads].min() > least
    others = [head for head in range(4) if head not in heads]
    assert weights_H[others].max() < 0.02, "the others are left as they were"


@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_an_untrained_model_with_induction_heads_copies_what_it_has_read(
    tie_embeddings, tiny_config
):
    shape = {"width": 192, "head_width": 64, "context_length": 160, "vocab_size": 1000}
    shape |= {"rope_theta": 1e5, "zero_init_projections": True, "tie_embeddings": tie_embeddings}
    accuracies = []
    for heads in (0, 2):
        config = tiny_config(**shape, look_back_heads=2, induction_heads=heads)
        half_BT = torch.randint(1000, (4, 80), generator=torch.Generator().manual_seed(1))
        ids_BT = torch.cat([half_BT, half_BT], 1)
        with torch.no_grad():
            logits_BTV = build_model(config, seed=0).eval()(ids_BT)[:, :-1].float()
        # But for the token itself, to which either head is nearest at first.
        logits_BTV.scatter_(2, ids_BT[:, :-1, None], -math.inf)
        found = logits_BTV[:, 80:].argmax(2) == ids_BT[:, 81:]
        accuracies.append(found.float().mean().item())
    assert accuracies[0] < 0.02
    assert accuracies[1] > 0.5


@pytest.mark.parametrize("kv_heads", [4, 2])
def test_look_back_heads_change_nothing_else(kv_heads, tiny_config):
    plain, other = (
        build_model(tiny_config(num_kv_heads=kv_heads, look_back_heads=heads), seed=3)
        for heads in (0, 2)
    )
    changed = {}
    for (name, a), b in zip(plain.named_parameters(), other.parameters(), strict=True):
        if not torch.equal(a, b):
            changed[name] = (a != b).nonzero().amax(0).tolist()
    assert changed.keys() == {
        "token_embedding.weight",
        "blocks.0.attention.q_proj.weight",
        "blocks.0.attention.k_proj.weight",
    }
    assert {column for _, column in changed.values()} == {0}, "one channel"
    assert changed["blocks.0.attention.q_proj.weight"][0] < 2 * 6
    assert changed["blocks.0.attention.k_proj.weight"][0] < 2 * 6 * kv_heads // 4
