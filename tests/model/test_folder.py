"""Model folders, both ways: transformers opens ours, we open theirs, and the numbers agree."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from groundup.errors import UserError
from groundup.model import RNN, load_model, resolve_model_folder, save_model
from groundup.model.folder import WRITTEN
from groundup.tokenizer import TokenizerConfig, load_tokenizer, train_tokenizer

OURS = [
    ("qwen3", {}),
    ("qwen3", {"num_kv_heads": 2, "head_width": 10, "rope_theta": 1e6, "tie_embeddings": False}),
    ("qwen3", {"sliding_window": 5}),
    ("qwen3", {"qk_norm": False}),
    ("llama", {"num_kv_heads": 1, "norm_eps": 1e-3}),
    ("llama", {"bias": True, "tie_embeddings": True}),
    ("llama", {"head_width": 8, "qk_norm": True}),
    ("gpt2", {"dropout": 0.1}),
    ("gpt2", {"tie_embeddings": False, "feed_forward_width": 50}),
    ("gpt2", {"activation": "relu2"}),
]
ONLY_OURS = [
    ("qwen3", {"activation": "relu2", "logit_soft_cap": 15.0, "value_residual": True}),
    ("speedrun", {}),
    ("gpt2", {"bias": False}),
    ("llama", {"sliding_window": 4, "tie_embeddings": False}),
    ("rnn", {}),
    ("rnn", {"bias": False}),
]
LLAMA = {
    "vocab_size": 53,
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "max_position_embeddings": 40,
}
GPT2 = {"vocab_size": 53, "n_positions": 40, "n_embd": 24, "n_layer": 3, "n_head": 4}
THEIRS = [
    Qwen3Config(**LLAMA, num_key_value_heads=2, head_dim=8),
    Qwen3Config(**LLAMA, num_key_value_heads=4, head_dim=6, tie_word_embeddings=True),
    Qwen3Config(
        **LLAMA,
        num_key_value_heads=1,
        use_sliding_window=True,
        sliding_window=5,
        max_window_layers=0,
    ),
    LlamaConfig(**LLAMA),
    LlamaConfig(
        **LLAMA,
        num_key_value_heads=2,
        head_dim=10,
        attention_bias=True,
        mlp_bias=True,
        tie_word_embeddings=True,
        rope_parameters={"rope_theta": 500000.0, "rope_type": "default"},
    ),
    GPT2Config(**GPT2),
    GPT2Config(**GPT2, n_inner=50, activation_function="gelu_pytorch_tanh"),
    GPT2Config(**GPT2, tie_word_embeddings=False, activation_function="relu2"),
]
CLASSES = {"qwen3": Qwen3ForCausalLM, "llama": LlamaForCausalLM, "gpt2": GPT2LMHeadModel}


def open_in_transformers(folder):
    """Return the model as transformers opens it, having made nothing up."""
    model, info = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(info.values()), info
    return model.eval()


def their_model(config):
    """Return a random model of transformers, norms and biases included."""
    torch.manual_seed(0)
    model = CLASSES[config.model_type](config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            start = weight if weight.ndim == 1 else 0
            weight.copy_(start + 0.25 * torch.randn(weight.shape))
    return model


@torch.no_grad()
def assert_same_logits(ours, theirs, ids_BT):
    torch.testing.assert_close(ours(ids_BT), theirs(ids_BT).logits, atol=1e-4, rtol=1e-4)


@torch.no_grad()
def greedy(model, ids_BT, count):
    for _ in range(count):
        ids_BT = torch.cat([ids_BT, model(ids_BT, last_only=True)[:, -1].argmax(-1)[:, None]], 1)
    return ids_BT


@pytest.mark.parametrize(("architecture", "options"), OURS)
def test_transformers_opens_our_folder(architecture, options, tmp_path, tiny_model, tokens):
    model = tiny_model(architecture, **options)
    save_model(model, tmp_path / "model", tokenizer=None)
    theirs = open_in_transformers(tmp_path / "model")
    assert_same_logits(model, theirs, tokens(2, 20))
    found = theirs.generate(tokens(1, 5), max_new_tokens=15, do_sample=False)
    assert torch.equal(found, greedy(model, tokens(1, 5), 15))


@pytest.mark.parametrize("config", THEIRS, ids=lambda config: config.model_type)
def test_we_open_the_folder_of_transformers(config, tmp_path, tokens):
    theirs = their_model(config)
    theirs.save_pretrained(tmp_path)
    ours = load_model(tmp_path)
    assert not ours.training
    assert_same_logits(ours, theirs, tokens(2, 20))
    assert torch.equal(
        greedy(ours, tokens(1, 5), 15),
        theirs.generate(tokens(1, 5), max_new_tokens=15, do_sample=False, eos_token_id=-1),
    )


@pytest.mark.parametrize(("architecture", "options"), OURS + ONLY_OURS)
def test_what_we_save_we_load(architecture, options, tmp_path, tiny_model, tokens):
    model = tiny_model(architecture, **options)
    save_model(model, tmp_path / "model", tokenizer=None)
    random_state = torch.get_rng_state()
    again = load_model(tmp_path / "model")
    assert torch.equal(torch.get_rng_state(), random_state), "opening a model draws nothing"
    assert torch.equal(model(tokens(2, 20)), again(tokens(2, 20)))
    assert again.config.model_copy(update={"architecture": architecture}) == model.config
    for (name, a), (_, b) in zip(model.named_parameters(), again.named_parameters(), strict=True):
        assert torch.equal(a, b), name
        assert b.requires_grad
        assert b.untyped_storage().nbytes() == 4 * b.numel(), "shares memory with other weights"


@pytest.mark.parametrize("architecture", ["qwen3", "gpt2"])
def test_greedy_text_is_that_of_transformers(architecture, tmp_path, tiny_model):
    text = "The owl and the pussy-cat went to sea in a beautiful pea-green boat. " * 3
    tokenizer, _ = train_tokenizer(TokenizerConfig(vocab_size=300), [text])
    model = tiny_model(architecture, vocab_size=tokenizer.vocab_size)
    save_model(model, tmp_path / "base", tokenizer=tokenizer)
    prompt = "The boat of the cat"
    theirs = open_in_transformers(tmp_path / "base")
    their_tokenizer = AutoTokenizer.from_pretrained(tmp_path / "base")
    assert their_tokenizer.model_max_length == model.config.context_length
    inputs = their_tokenizer(prompt, return_tensors="pt")
    expected = their_tokenizer.decode(theirs.generate(**inputs, max_new_tokens=15)[0])
    ours = load_model(resolve_model_folder(tmp_path))
    our_tokenizer = load_tokenizer(tmp_path / "base")
    ids = greedy(ours, torch.tensor([our_tokenizer.encode(prompt)]), 15)[0].tolist()
    assert our_tokenizer.decode(ids) == expected
    assert theirs.generation_config.eos_token_id == tokenizer.end_of_text_id


@pytest.mark.parametrize(("architecture", "options"), ONLY_OURS)
def test_a_shape_only_we_know_says_so(architecture, options, tmp_path, tiny_model, capsys):
    save_model(tiny_model(architecture, **options), tmp_path / "model", tokenizer=None)
    assert json.loads((tmp_path / "model/config.json").read_text())["model_type"] == "groundup"
    card = (tmp_path / "model/README.md").read_text()
    assert "library_name: groundup" in card
    for option, value in options.items():
        if option != "tie_embeddings" and architecture != "rnn":
            assert f"{option} = {value!r}" in card
    assert "opens in groundup only" in capsys.readouterr().err
    assert isinstance(load_model(tmp_path / "model"), RNN) == (architecture == "rnn")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_folders_load_as_float32(dtype, tmp_path, tiny_model, tokens):
    model = tiny_model()
    save_model(model, tmp_path / "model", tokenizer=None, dtype=dtype)
    assert load_file(tmp_path / "model/model.safetensors")["model.norm.weight"].dtype == dtype
    again = load_model(tmp_path / "model")
    assert {weight.dtype for weight in again.parameters()} == {torch.float32}
    for a, b in zip(model.parameters(), again.parameters(), strict=True):
        assert torch.equal(a.to(dtype).float(), b)
    assert open_in_transformers(tmp_path / "model").dtype == dtype


def test_loading_in_bfloat16_keeps_norms_in_float32(tmp_path, tiny_model, tokens):
    save_model(tiny_model("gpt2"), tmp_path / "model", tokenizer=None)
    model = load_model(tmp_path / "model", dtype=torch.bfloat16)
    assert model.dtype == torch.bfloat16
    assert model.token_embedding.weight.dtype == torch.bfloat16
    assert model.blocks[0].attention.q_proj.bias.dtype == torch.bfloat16
    assert model.blocks[0].attention_norm.weight.dtype == torch.float32
    assert model(tokens(1, 5)).isfinite().all()


def test_sharded_folders_open(tmp_path, tokens):
    theirs = their_model(THEIRS[0])
    theirs.save_pretrained(tmp_path, max_shard_size="10KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 2
    assert_same_logits(load_model(tmp_path), theirs, tokens(2, 20))


def test_old_gpt2_files_without_prefix_and_with_mask_buffers_open(tmp_path, tokens):
    theirs = their_model(GPT2Config(**GPT2))
    theirs.save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    stored = {name.removeprefix("transformer."): tensor for name, tensor in stored.items()}
    for layer in range(3):
        stored[f"h.{layer}.attn.bias"] = torch.ones(1, 1, 40, 40, dtype=torch.uint8)
        stored[f"h.{layer}.attn.masked_bias"] = torch.tensor(-1e4)
    save_file(stored, tmp_path / "model.safetensors")
    assert_same_logits(load_model(tmp_path), theirs, tokens(2, 20))


def test_a_stored_copy_of_a_tied_head_is_accepted_a_different_one_refused(tmp_path, tokens):
    theirs = their_model(THEIRS[1])
    theirs.save_pretrained(tmp_path)
    stored = load_file(tmp_path / "model.safetensors")
    stored["lm_head.weight"] = stored["model.embed_tokens.weight"].clone()
    save_file(stored, tmp_path / "model.safetensors")
    assert_same_logits(load_model(tmp_path), theirs, tokens(2, 20))
    stored["lm_head.weight"] += 1
    save_file(stored, tmp_path / "model.safetensors")
    with pytest.raises(UserError, match="tie_word_embeddings"):
        load_model(tmp_path)


def test_older_configs_with_rope_theta_alone_open(tmp_path, tokens):
    theirs = their_model(THEIRS[4])
    theirs.save_pretrained(tmp_path)
    raw = json.loads((tmp_path / "config.json").read_text())
    del raw["rope_parameters"]
    (tmp_path / "config.json").write_text(json.dumps(raw | {"rope_theta": 500000.0}))
    assert_same_logits(load_model(tmp_path), theirs, tokens(2, 20))


def test_provenance_is_kept_and_cannot_break_the_card(tmp_path, tiny_model):
    provenance = {"data": "a | b\n# c <script>", "loss": 1.23456789, "tokens": 1000}
    save_model(tiny_model(), tmp_path / "model", tokenizer=None, provenance=provenance)
    card = (tmp_path / "model/README.md").read_text()
    assert r"| data | a \| b # c &lt;script&gt; |" in card
    assert "| loss | 1.235 |" in card
    assert card.startswith("---\nlibrary_name: transformers\n")
    assert json.loads((tmp_path / "model/groundup.json").read_text())["provenance"] == provenance


def test_an_older_model_is_replaced_other_folders_are_not(tmp_path, tiny_model):
    save_model(tiny_model(seed=1), tmp_path / "model", tokenizer=None)
    save_model(tiny_model(seed=2), tmp_path / "model", tokenizer=None)
    expected = tiny_model(seed=2).token_embedding.weight
    assert torch.equal(load_model(tmp_path / "model").token_embedding.weight, expected)
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter1.txt").write_text("years of work")
    with pytest.raises(UserError, match="thesis holds other things than a model"):
        save_model(tiny_model(), tmp_path / "thesis", tokenizer=None)
    assert [path.name for path in (tmp_path / "thesis").iterdir()] == ["chapter1.txt"]


@pytest.mark.parametrize("known", [["config.json"], ["config.json", "groundup.json"], []])
def test_a_folder_with_anything_that_is_not_ours_is_left_alone(known, tmp_path, tiny_model):
    for name in (*known, "thesis.txt"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(UserError, match="holds other things than a model"):
        save_model(tiny_model(), tmp_path, tokenizer=None)
    assert {path.name for path in tmp_path.iterdir()} == {*known, "thesis.txt"}


def test_a_readme_alone_is_not_a_model(tmp_path, tiny_model):
    (tmp_path / "README.md").write_text("my notes")
    with pytest.raises(UserError, match="holds other things than a model"):
        save_model(tiny_model(), tmp_path, tokenizer=None)


def test_all_that_is_written_may_be_replaced(tmp_path, tiny_model):
    tokenizer, _ = train_tokenizer(TokenizerConfig(vocab_size=260), ["a"])
    for seed in (1, 2):
        model = tiny_model(seed=seed, vocab_size=260)
        save_model(model, tmp_path / "model", tokenizer=tokenizer)
    assert {path.name for path in (tmp_path / "model").iterdir()} == WRITTEN


def test_a_failed_save_leaves_the_old_model(tmp_path, tiny_model, monkeypatch):
    save_model(tiny_model(seed=1), tmp_path / "model", tokenizer=None)

    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("groundup.model.folder.write_json", full_disk)
    with pytest.raises(OSError, match="No space"):
        save_model(tiny_model(seed=2), tmp_path / "model", tokenizer=None)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    expected = tiny_model(seed=1).token_embedding.weight
    assert torch.equal(load_model(tmp_path / "model").token_embedding.weight, expected)


def test_a_tokenizer_larger_than_the_model_is_refused(tmp_path, tiny_model):
    tokenizer, _ = train_tokenizer(TokenizerConfig(vocab_size=300), ["abc"])
    with pytest.raises(ValueError, match="ids, the model only 53"):
        save_model(tiny_model(), tmp_path / "model", tokenizer=tokenizer)


def test_a_run_means_its_newest_model(tmp_path, tiny_model):
    run = tmp_path / "run"
    with pytest.raises(UserError, match="there is no folder"):
        resolve_model_folder(run)
    run.mkdir()
    with pytest.raises(UserError, match="no model yet"):
        resolve_model_folder(run)
    save_model(tiny_model(), run / "chat", tokenizer=None)
    save_model(tiny_model(), run / "base", tokenizer=None)
    assert resolve_model_folder(run) == run / "chat"
    assert resolve_model_folder(run / "base") == run / "base"
