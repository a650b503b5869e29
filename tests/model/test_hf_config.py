import re

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.model.config import ModelConfig
from groundup.model.hf_config import hub_type, read_config, why_not_expressible, write_config

QWEN3 = {
    "model_type": "qwen3",
    "vocab_size": 53,
    "hidden_size": 24,
    "intermediate_size": 40,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
LLAMA = QWEN3 | {"model_type": "llama"}
GPT2 = {"model_type": "gpt2", "vocab_size": 53, "n_embd": 24, "n_layer": 2, "n_head": 4}


@pytest.mark.parametrize(
    ("options", "kind", "reason"),
    [
        ({}, "qwen3", None),
        ({"sliding_window": 8}, "qwen3", None),
        ({"qk_norm": False}, "llama", None),
        ({"architecture": "llama", "qk_norm": True, "sliding_window": 8}, "qwen3", None),
        ({"qk_norm": False, "bias": True}, "llama", None),
        ({"dropout": 0.1, "zero_init_projections": True, "look_back_heads": 2}, "qwen3", None),
        ({"architecture": "gpt2", "activation": "relu2"}, "gpt2", None),
        ({"bias": True}, None, "bias = True: transformers' Qwen3ForCausalLM has no such option"),
        (
            {"logit_soft_cap": 30},
            None,
            "logit_soft_cap = 30.0: transformers' Qwen3ForCausalLM has no",
        ),
        ({"value_residual": True}, None, "value_residual = True"),
        ({"activation": "relu2"}, None, "activation = 'relu2': .* always has 'swiglu'"),
        ({"x0_shortcut": True}, None, "x0_shortcut = True: .* has no such option"),
        ({"value_embeddings": True}, None, "value_embeddings = True: .* has no such option"),
        ({"embedding_norm": True}, None, "embedding_norm = True: .* has no such option"),
        ({"bigram_table_size": 64}, None, "bigram_table_size = 64: .* has no such option"),
        ({"smear": True}, None, "smear = True: .* has no such option"),
        ({"norm_weight": False}, None, "norm_weight = False: .* always has True"),
        ({"architecture": "speedrun"}, None, "no model with .*x0_shortcut True"),
        ({"architecture": "llama", "sliding_window": 8}, None, "sliding_window = 8"),
        (
            {"architecture": "llama", "width": 100, "num_heads": 3, "head_width": 8},
            None,
            "width 100",
        ),
        ({"architecture": "gpt2", "position": "rope"}, None, "position = 'rope'"),
        ({"architecture": "gpt2", "num_kv_heads": 3}, None, "num_kv_heads = 3"),
        ({"architecture": "gpt2", "head_width": 8}, None, "head_width = 8"),
        ({"architecture": "gpt2", "activation": "swiglu"}, None, "no gated layer"),
        ({"architecture": "rnn"}, None, "no plain recurrent model"),
    ],
)
def test_what_transformers_can_express(options, kind, reason):
    config = ModelConfig(**options)
    assert hub_type(config) == kind
    reasons = why_not_expressible(config)
    assert len(reasons) == (reason is not None)
    assert reason is None or re.search(reason, reasons[0])


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"model_type": "mistral"}, "'mistral' is not one that groundup opens"),
        ({}, "model_type None"),
        (LLAMA | {"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "rope_type 'llama3'"),
        (LLAMA | {"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_type 'linear'"),
        (LLAMA | {"rope_parameters": {"rope_type": "yarn"}}, "rope_type 'yarn'"),
        (LLAMA | {"partial_rotary_factor": 0.5}, "partial_rotary_factor = 0.5"),
        (LLAMA | {"rope_parameters": {"full_attention": {"rope_theta": 1}}}, "per kind of layer"),
        (LLAMA | {"rope_parameters": [1]}, "per kind of layer"),
        (LLAMA | {"attention_bias": True}, "mlp_bias and attention_bias differ"),
        (QWEN3 | {"attention_bias": True}, "attention_bias = True is not supported"),
        (LLAMA | {"hidden_act": "gelu"}, "hidden_act = 'gelu' is not supported"),
        (LLAMA | {"quantization_config": {"bits": 4}}, "quantization_config"),
        (QWEN3 | {"use_sliding_window": True, "max_window_layers": 1}, "some layers only"),
        (
            QWEN3
            | {
                "use_sliding_window": True,
                "layer_types": ["full_attention", "sliding_attention", "full_attention"],
            },
            "some layers only",
        ),
        (GPT2 | {"activation_function": "gelu"}, "activation_function 'gelu'"),
        (GPT2 | {"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx"),
        (GPT2 | {"n_head": 5}, "not a multiple of num_heads 5"),
        (GPT2 | {"vocab_size": 0}, "vocab_size is 0"),
        (GPT2 | {"n_layer": "many"}, "num_layers"),
        ({"model_type": "gpt2", "vocab_size": 5}, "needs the key 'n_layer'"),
        ({"model_type": "groundup"}, "valid dictionary"),
        ({"model_type": "groundup", "model": {"vocab_size": 5, "colour": 3}}, "colour"),
    ],
)
def test_what_we_do_not_compute_is_refused_by_name(raw, message):
    with pytest.raises(UserError, match=message):
        read_config(raw)


def test_unset_keys_mean_what_they_mean_in_transformers():
    config = read_config(QWEN3)
    assert (config.head_width, config.norm_eps, config.rope_theta) == (128, 1e-6, 10_000.0)
    assert not config.tie_embeddings
    assert read_config(LLAMA).head_width == 6
    gpt2 = read_config(GPT2)
    assert (gpt2.context_length, gpt2.feed_forward_width, gpt2.tie_embeddings) == (1024, 96, True)


def test_windows_that_start_after_the_last_layer_are_none():
    raw = QWEN3 | {"use_sliding_window": True, "sliding_window": 7}
    assert read_config(raw).sliding_window is None
    assert read_config(raw | {"max_window_layers": 0}).sliding_window == 7
    assert read_config(raw | {"use_sliding_window": False}).sliding_window is None


def test_the_padding_token_stays_out_of_config_json():
    raw = write_config(ModelConfig(vocab_size=9), dtype=torch.bfloat16, end_of_text_id=3)
    assert "pad_token_id" not in raw
    assert (raw["bos_token_id"], raw["eos_token_id"]) == (3, 3)
    assert raw["dtype"] == raw["torch_dtype"] == "bfloat16"
    assert raw["rope_theta"] == raw["rope_parameters"]["rope_theta"]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_config_json_gives_a_shape_or_one_line(data):
    raw = dict(data.draw(st.sampled_from([QWEN3, LLAMA, GPT2])))
    more = ["rope_parameters", "rope_scaling", "layer_types", "use_sliding_window", "head_dim"]
    more += ["max_window_layers", "sliding_window", "n_inner", "activation_function"]
    for key in data.draw(st.lists(st.sampled_from([*raw, *more]), min_size=1, max_size=3)):
        raw[key] = data.draw(json_values)
    try:
        assert read_config(raw).vocab_size > 0
    except UserError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message
