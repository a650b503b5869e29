"""What the token before adds to the stream, value embeddings, and the shortcut to the embedding."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from groundup.model import ModelConfig, build_model, load_model, save_model
from groundup.model.embedding import previous_tokens
from groundup.model.rope import rope_tables, rotate
from groundup.plan.estimate import activation_bytes, flops_per_token, num_parameters
from groundup.reference.attention import attend
from groundup.train import TrainConfig
from groundup.train.optimizers import group_parameters

ADDITIONS = [
    {"x0_shortcut": True},
    {"x0_shortcut": True, "embedding_norm": True},
    {"value_embeddings": True, "num_layers": 3},
    {"value_embeddings": True, "value_residual": True, "num_kv_heads": 2},
    {"bigram_table_size": 31},
    {"smear": True},
    {"smear": True, "bigram_table_size": 31, "value_embeddings": True, "x0_shortcut": True},
]
BEGINS_AS = ("x0_shortcut", "value_embeddings", "bigram_table_size", "smear")
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def rms(x, eps=1e-6):
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt()


@pytest.mark.parametrize("options", ADDITIONS)
def test_an_addition_begins_by_adding_nothing(options, tiny_config, tokens):
    without = {name: value for name, value in options.items() if name not in BEGINS_AS}
    model, plain = (build_model(tiny_config(**o), seed=3).eval() for o in (options, without))
    assert torch.equal(model(tokens(2, 9)), plain(tokens(2, 9)))


def test_a_pair_of_tokens_adds_the_row_it_hashes_to(tiny_model, tokens):
    model, ids_BT = tiny_model(bigram_table_size=31, num_layers=1), tokens(2, 9)
    rows = [
        [30] + [(36313 * b ^ 27191 * a) % 30 for a, b in pairwise(row)] for row in ids_BT.tolist()
    ]
    assert len(set(rows[0])) > 5
    expected = (
        model.token_embedding.weight[ids_BT] + model.bigram_table.table.weight[torch.tensor(rows)]
    )
    torch.testing.assert_close(model._embed(ids_BT, None, None, None), expected)


def test_smear_adds_a_gated_share_of_the_token_before(tiny_model, tokens):
    model, ids_BT = tiny_model(smear=True), tokens(2, 9)
    e = model.token_embedding.weight[ids_BT]
    gate = model.smear.scale * torch.sigmoid(e[..., :12] @ model.smear.gate)
    expected = e + gate[..., None] * F.pad(e[:, :-1], (0, 0, 1, 0))
    torch.testing.assert_close(model._embed(ids_BT, None, None, None), expected)


def test_the_embedding_norm_has_no_weight(tiny_model, tokens):
    model, ids_BT = tiny_model("gpt2", embedding_norm=True), tokens(2, 9)
    e = model.token_embedding.weight[ids_BT] + model.position_embedding.weight[:9]
    found = model._embed(ids_BT, torch.arange(9)[None], None, None)
    torch.testing.assert_close(found, rms(e, 1e-5), **CLOSE)


@pytest.mark.parametrize("embedding_norm", [True, False])
def test_each_block_reads_a_mix_of_the_stream_and_the_embedding(embedding_norm, tiny_model, tokens):
    options = {"embedding_norm": embedding_norm, "position": "learned"}
    model, ids_BT = tiny_model(x0_shortcut=True, **options), tokens(2, 9)
    x = model.token_embedding.weight[ids_BT] + model.position_embedding.weight[:9]
    x0 = rms(x)
    x = x0 if embedding_norm else x
    for block in model.blocks:
        a, b = block.x0_mix
        x = a * x + b * x0
        q, k, v = (
            getattr(block.attention, f"{name}_proj")(block.attention_norm(x))
            .view(2, 9, 4, 6)
            .transpose(1, 2)
            for name in "qkv"
        )
        q, k = block.attention.q_norm(q), block.attention.k_norm(k)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + block.attention.o_proj(y.transpose(1, 2).reshape(2, 9, 24))
        x = x + block.feed_forward(block.feed_forward_norm(x))
    torch.testing.assert_close(model.hidden(ids_BT), model.final_norm(x), atol=1e-4, rtol=1e-4)


def test_value_embeddings_add_a_looked_up_value_behind_a_gate(tiny_model, tokens):
    ids_BT = tokens(2, 9)
    model = tiny_model(value_embeddings=True, num_kv_heads=2, num_layers=3)
    assert [b.attention.value_embedding is not None for b in model.blocks] == [True, False, True]
    layer = model.blocks[0].attention
    x = torch.randn(2, 9, 24, generator=torch.Generator().manual_seed(0))
    v = torch.randn(2, 9, 2, 6, generator=torch.Generator().manual_seed(1))
    looked_up = layer.value_embedding.table.weight[ids_BT].view(2, 9, 2, 6)
    gate = 2 * torch.sigmoid(x[..., :12] @ layer.value_embedding.gate)
    expected = v + gate[..., None, None] * looked_up
    torch.testing.assert_close(layer.value_embedding(v, x, ids_BT), expected)


def open_speedrun(model, ids_BT):
    """Every option at once, read straight from the weights."""
    w, config = dict(model.named_parameters()), model.config
    (B, T), D = ids_BT.shape, config.head_width
    cos, sin = (t[:, None] for t in rope_tables(torch.arange(T), D, config.rope_theta))
    e = w["token_embedding.weight"][ids_BT]
    gate = w["smear.scale"] * torch.sigmoid(e[..., :12] @ w["smear.gate"])
    rows = torch.full_like(ids_BT, config.bigram_table_size - 1)
    rows[:, 1:] = (36313 * ids_BT[:, 1:] ^ 27191 * ids_BT[:, :-1]) % rows[0, 0]
    e = e + gate[..., None] * F.pad(e[:, :-1], (0, 0, 1, 0))
    x = x0 = rms(e + w["bigram_table.table.weight"][rows])
    first_v = None
    for layer in range(config.num_layers):
        part = f"blocks.{layer}."
        a, b = w[part + "x0_mix"]
        x = a * x + b * x0
        h, part = rms(x), part + "attention."
        q, k, v = ((h @ w[f"{part}{name}_proj.weight"].T).view(B, T, -1, D) for name in "qkv")
        if layer % 2 == 1:  # of two, the last
            gate = 2 * torch.sigmoid(h[..., :12] @ w[part + "value_embedding.gate"])
            looked_up = w[part + "value_embedding.table.weight"][ids_BT].view(B, T, -1, D)
            v = v + gate[..., None, None] * looked_up
        if first_v is None:
            first_v = v
        else:
            own, first = w[part + "value_mix"]
            v = own * v + first * first_v
        q, k = rotate(rms(q), cos, sin), rotate(rms(k), cos, sin)
        y = attend(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2))
        x = x + y.transpose(1, 2).reshape(B, T, -1) @ w[part + "o_proj.weight"].T
        part = f"blocks.{layer}.feed_forward."
        up = rms(x) @ w[part + "up_proj.weight"].T
        x = x + F.relu(up).square() @ w[part + "down_proj.weight"].T
    return 15 * torch.tanh(rms(x) @ w["lm_head.weight"].T / 15)


def test_a_speedrun_is_its_formula(tiny_model, tokens):
    more = {"smear": True, "value_embeddings": True, "bigram_table_size": 31}
    model, ids_BT = tiny_model("speedrun", **more), tokens(2, 9)
    torch.testing.assert_close(model(ids_BT), open_speedrun(model, ids_BT), atol=1e-3, rtol=1e-3)


def test_norms_without_a_weight_divide_and_no_more(tiny_model, tokens):
    model = tiny_model(norm_weight=False)
    assert not any("norm" in name for name, _ in model.named_parameters())
    x = torch.randn(3, 24, generator=torch.Generator().manual_seed(0), requires_grad=True)
    found = model.final_norm(x)
    torch.testing.assert_close(found, rms(x), **CLOSE)
    direction = torch.randn(3, 24, generator=torch.Generator().manual_seed(1))
    (expected_grad,) = torch.autograd.grad((rms(x) * direction).sum(), x)
    (grad,) = torch.autograd.grad((found * direction).sum(), x)
    torch.testing.assert_close(grad, expected_grad, **CLOSE)
    assert model(tokens(2, 5)).isfinite().all()


def test_the_token_before_is_of_the_same_document():
    ids_BT = torch.tensor([[5, 6, 7, 8, 9]])
    documents_BT = torch.tensor([[0, 0, 1, 2, 2]])
    assert previous_tokens(ids_BT, None, None).tolist() == [[-1, 5, 6, 7, 8]]
    assert previous_tokens(ids_BT, documents_BT, None).tolist() == [[-1, 5, -1, -1, 8]]


@pytest.mark.parametrize("options", [*ADDITIONS, {"architecture": "speedrun"}])
def test_documents_in_one_row_read_as_if_alone(options, tiny_model, tokens):
    model, ids_BT = tiny_model(**options), tokens(1, 12)
    sizes = [3, 1, 8]
    documents_BT = torch.tensor([[n for n, size in enumerate(sizes) for _ in range(size)]])
    positions_BT = torch.tensor([[p for size in sizes for p in range(size)]])
    alone = [model(piece) for piece in ids_BT.split(sizes, dim=1)]
    found = model(ids_BT, positions_BT, documents_BT)
    torch.testing.assert_close(found, torch.cat(alone, dim=1), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("options", [*ADDITIONS, {"architecture": "speedrun"}])
def test_every_parameter_learns_and_is_counted(options, tiny_model, tokens):
    model = tiny_model(**options)
    model.train()(tokens(4, 30)).logsumexp(-1).sum().backward()
    for name, weight in model.named_parameters():
        assert weight.grad is not None, name
        assert weight.grad.abs().max() > 0, name
    config = model.config
    assert num_parameters(config) == sum(p.numel() for p in model.parameters())
    plain = {name: type(value)() for name, value in options.items() if name in BEGINS_AS}
    without = ModelConfig(**(config.model_dump() | plain))
    assert flops_per_token(config) == flops_per_token(without), "looking up is free"


@pytest.mark.parametrize("options", ADDITIONS)
def test_parameter_counts_by_hand(options):
    shape = {"vocab_size": 53, "num_layers": 2, "width": 24, "num_heads": 4}
    config = ModelConfig(**(shape | options))
    without = ModelConfig(**(shape | {k: v for k, v in options.items() if k not in BEGINS_AS}))
    num_looking_up = (config.num_layers + 1) // 2
    more = {
        "x0_shortcut": 2 * config.num_layers,
        "value_embeddings": num_looking_up * (53 * config.num_kv_heads * 6 + 12),
        "bigram_table_size": 31 * 24,
        "smear": 1 + 12,
    }
    expected = sum(more[name] for name in BEGINS_AS if options.get(name))
    assert num_parameters(config) - num_parameters(without) == expected


def test_tables_are_embeddings_and_gates_are_neither_tables_nor_matrices(tiny_model):
    model = tiny_model(**ADDITIONS[-1])
    groups = group_parameters(model, dict(model.named_parameters()), TrainConfig())
    members = {group.name: set(group.parameters) for group in groups}
    block = "blocks.1.attention.value_embedding"
    assert members["embeddings"] == {
        "token_embedding.weight",
        "bigram_table.table.weight",
        f"{block}.table.weight",
    }
    alone = {f"{block}.gate", "smear.gate", "smear.scale", "blocks.0.x0_mix", "blocks.1.x0_mix"}
    assert alone <= members["norms and biases"]
    assert all(name.endswith("_proj.weight") for name in members["block matrices"])


@pytest.mark.parametrize("options", [*ADDITIONS, {"architecture": "speedrun"}])
def test_a_model_folder_brings_the_options_back(options, tiny_model, tokens, tmp_path, capsys):
    model = tiny_model(**options)
    save_model(model, tmp_path / "model", tokenizer=None)
    said = capsys.readouterr().err
    assert said.count("opens in groundup only") == 1
    assert all(name in said for name in options if not name.startswith("num_"))
    opened = load_model(tmp_path / "model")
    assert opened.config == model.config
    assert torch.equal(opened(tokens(2, 9)), model(tokens(2, 9)))
    half = load_model(tmp_path / "model", dtype=torch.bfloat16)(tokens(2, 9))
    assert half.dtype == torch.bfloat16
    expected = opened(tokens(2, 9))
    assert (half.float() - expected).abs().mean() < 0.04 * expected.abs().mean()


def test_activations_of_a_speedrun_are_within_a_seventh_of_the_estimate():
    config = ModelConfig(
        architecture="speedrun", vocab_size=97, context_length=64, num_layers=4, width=128,
        num_heads=4, bigram_table_size=128,
    )  # fmt: skip
    model = build_model(config, seed=0).train()
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        hidden = model.hidden(torch.zeros(2, 64, dtype=torch.long))
    assert hidden.requires_grad
    found = activation_bytes(config, torch.float32)
    assert found == pytest.approx(sum(kept.values()) / (2 * 64), rel=0.15)


@pytest.mark.slow
@pytest.mark.parametrize("options", [ADDITIONS[-1], {"architecture": "speedrun"}])
def test_compiling_leaves_no_break_in_the_graph(options, tiny_model, tokens):
    model, ids_BT = tiny_model(**options), tokens(2, 9)
    documents_BT = torch.tensor([[0] * 4 + [1] * 5]).expand(2, 9)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    found = compiled(ids_BT, None, documents_BT)
    torch.testing.assert_close(found, model(ids_BT, None, documents_BT), **CLOSE)
