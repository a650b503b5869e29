"""The options by name: what each of them does to the numbers."""

import pytest
import torch
from torch.nn import functional as F

from groundup.model import build_model
from groundup.model.rope import rope_tables, rotate
from groundup.reference.attention import attend

ARCHITECTURES = ["qwen3", "llama", "gpt2"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_logits_have_a_row_per_token(architecture, tiny_model, tokens):
    model = tiny_model(architecture)
    assert model(tokens(3, 10)).shape == (3, 10, 53)
    assert model.hidden(tokens(3, 10)).shape == (3, 10, 24)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_no_token_sees_the_future(architecture, tiny_model, tokens):
    model, ids_BT = tiny_model(architecture), tokens(1, 12)
    changed_BT = ids_BT.clone()
    changed_BT[0, 7] = (changed_BT[0, 7] + 1) % 53
    before, after = model(ids_BT), model(changed_BT)
    torch.testing.assert_close(before[:, :7], after[:, :7])
    assert (before[:, 7:] - after[:, 7:]).abs().amax(-1).min() > 1e-4


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_documents_in_one_row_read_as_if_alone(architecture, tiny_model, tokens):
    model, ids_BT = tiny_model(architecture, num_kv_heads=2), tokens(2, 12)
    lengths = [[3, 4, 5], [1, 10, 1]]
    documents_BT = torch.tensor(
        [[n for n, s in enumerate(row) for _ in range(s)] for row in lengths]
    )
    positions_BT = torch.tensor([[p for s in row for p in range(s)] for row in lengths])
    found = model(ids_BT, positions_BT, documents_BT)
    for row, sizes in enumerate(lengths):
        alone = [model(piece[None])[0] for piece in ids_BT[row].split(sizes)]
        torch.testing.assert_close(found[row], torch.cat(alone), atol=1e-4, rtol=1e-4)


def test_a_sliding_window_of_the_whole_context_changes_nothing(tiny_model, tokens):
    ids_BT = tokens(2, 12)
    full, wide = tiny_model(), tiny_model(sliding_window=12)
    torch.testing.assert_close(full(ids_BT), wide(ids_BT))
    assert not torch.allclose(full(ids_BT), tiny_model(sliding_window=11)(ids_BT))


def test_a_sliding_window_hides_the_far_past_a_layer(tiny_model, tokens):
    model, ids_BT = tiny_model(sliding_window=3, num_layers=1), tokens(1, 10)
    changed_BT = ids_BT.clone()
    changed_BT[0, 0] = (changed_BT[0, 0] + 1) % 53
    difference_T = (model(ids_BT) - model(changed_BT)).abs().amax(-1)[0]
    assert difference_T[:3].min() > 1e-4
    assert difference_T[3:].max() < 1e-6


def test_soft_capped_logits_are_cap_times_tanh(tiny_model, tokens):
    ids_BT = tokens(2, 8)
    plain, capped = tiny_model()(ids_BT), tiny_model(logit_soft_cap=2.5)(ids_BT)
    torch.testing.assert_close(capped, 2.5 * torch.tanh(plain / 2.5))
    assert capped.abs().max() <= 2.5 < plain.abs().max()


@pytest.mark.parametrize(
    ("activation", "formula"),
    [
        ("relu2", lambda up, gate: torch.clamp(up, min=0) ** 2),
        (
            "gelu",
            lambda up, gate: (
                0.5 * up * (1 + torch.tanh((2 / torch.pi) ** 0.5 * (up + 0.044715 * up**3)))
            ),
        ),
        ("swiglu", lambda up, gate: gate * torch.sigmoid(gate) * up),
    ],
)
def test_feed_forward_is_its_formula(activation, formula, tiny_model):
    layer = tiny_model(activation=activation).blocks[0].feed_forward
    x = torch.randn(2, 3, 24, generator=torch.Generator().manual_seed(0))
    gate = x @ layer.gate_proj.weight.T if layer.gate_proj is not None else None
    expected = formula(x @ layer.up_proj.weight.T, gate) @ layer.down_proj.weight.T
    torch.testing.assert_close(layer(x), expected, atol=1e-5, rtol=1e-5)


def rms(x, weight, eps=1e-6):
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight


def open_forward(model, ids_BT):
    """A Qwen3 with value residuals, read straight from its weights."""
    w, config = dict(model.named_parameters()), model.config
    (B, T), D = ids_BT.shape, config.head_width
    cos, sin = (t[:, None] for t in rope_tables(torch.arange(T), D, config.rope_theta))
    x, first_v = w["token_embedding.weight"][ids_BT], None
    for layer in range(config.num_layers):
        part = f"blocks.{layer}."
        h = rms(x, w[part + "attention_norm.weight"])
        q, k, v = (
            (h @ w[part + f"attention.{name}_proj.weight"].T).view(B, T, -1, D) for name in "qkv"
        )
        if first_v is None:
            first_v = v
        else:
            own, first = w[part + "attention.value_mix"]
            v = own * v + first * first_v
        q = rotate(rms(q, w[part + "attention.q_norm.weight"]), cos, sin)
        k = rotate(rms(k, w[part + "attention.k_norm.weight"]), cos, sin)
        y = attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        x = x + y.transpose(1, 2).reshape(B, T, -1) @ w[part + "attention.o_proj.weight"].T
        h = rms(x, w[part + "feed_forward_norm.weight"])
        gate, up = (h @ w[part + f"feed_forward.{name}_proj.weight"].T for name in ("gate", "up"))
        x = x + (F.silu(gate) * up) @ w[part + "feed_forward.down_proj.weight"].T
    return rms(x, w["final_norm.weight"]) @ w["token_embedding.weight"].T


def test_value_residuals_mix_in_the_first_layers_values(tiny_model, tokens):
    model, ids_BT = tiny_model(value_residual=True, num_layers=3, num_kv_heads=2), tokens(2, 9)
    torch.testing.assert_close(model(ids_BT), open_forward(model, ids_BT), atol=1e-4, rtol=1e-4)
    with torch.no_grad():
        mixed = model(ids_BT)
        model.blocks[2].attention.value_mix.copy_(torch.tensor([1.0, 0.0]))
        assert not torch.allclose(mixed, model(ids_BT))


def test_value_residuals_start_as_an_even_mix(tiny_config):
    blocks = build_model(tiny_config(value_residual=True), seed=0).blocks
    assert blocks[0].attention.value_mix is None
    assert blocks[1].attention.value_mix.tolist() == [0.5, 0.5]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_dropout_acts_in_training_only(architecture, tiny_model, tokens):
    model, ids_BT = tiny_model(architecture, dropout=0.5), tokens(2, 8)
    plain = tiny_model(architecture)(ids_BT)
    assert torch.equal(model(ids_BT), plain)
    model.train()
    assert not torch.equal(model(ids_BT), model(ids_BT))
    assert torch.equal(tiny_model(architecture).train()(ids_BT), plain)


def test_every_parameter_gets_a_gradient(tiny_model, tokens):
    model = tiny_model(value_residual=True, logit_soft_cap=10.0, num_kv_heads=2, dropout=0.1)
    model.train()(tokens(2, 12)).logsumexp(-1).sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name


def test_tied_models_have_no_head_of_their_own(tiny_model):
    tied, untied = tiny_model(), tiny_model(tie_embeddings=False)
    assert tied.head_weight is tied.token_embedding.weight
    assert untied.head_weight is untied.lm_head.weight
    extra = sum(p.numel() for p in untied.parameters()) - sum(p.numel() for p in tied.parameters())
    assert extra == 53 * 24


@pytest.mark.parametrize("T", [12, 200])
@pytest.mark.parametrize("options", [{}, {"sliding_window": 30}])
def test_bfloat16_logits_are_near_float32s(T, options, tiny_model, tokens):
    model, ids_BT = tiny_model(context_length=200, **options), tokens(2, T)
    expected = model(ids_BT)
    found = model.bfloat16()(ids_BT)
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).abs().mean() < 0.04 * expected.abs().mean()
