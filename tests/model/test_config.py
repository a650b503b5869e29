import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from groundup.model import ModelConfig
from groundup.model.config import ARCHITECTURES


def test_the_default_is_a_small_qwen3():
    config = ModelConfig()
    assert config.architecture == "qwen3"
    assert (config.norm, config.activation, config.position) == ("rmsnorm", "swiglu", "rope")
    assert config.qk_norm
    assert config.tie_embeddings
    assert not config.bias
    assert (config.num_kv_heads, config.head_width, config.feed_forward_width) == (6, 64, 1024)


def test_an_architecture_that_is_no_text_is_named():
    with pytest.raises(ValidationError, match="architecture"):
        ModelConfig(architecture=["qwen3"])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_architecture_sets_its_switches_and_a_recipe_may_set_any_of_them(architecture):
    switches = ARCHITECTURES[architecture]
    config = ModelConfig(architecture=architecture)
    assert {name: getattr(config, name) for name in switches} == switches
    flipped = not switches["tie_embeddings"]
    other = ModelConfig(architecture=architecture, tie_embeddings=flipped)
    assert other.tie_embeddings == flipped


def test_a_speedruns_soft_cap_may_be_switched_off():
    assert ModelConfig(architecture="speedrun").logit_soft_cap == 15.0
    assert ModelConfig(architecture="speedrun", logit_soft_cap="off").logit_soft_cap is None


def test_gpt2_feeds_forward_through_four_widths():
    assert ModelConfig(architecture="gpt2", width=60).feed_forward_width == 240


def test_gated_layers_are_8_thirds_wide_to_a_multiple_of_64():
    for width in (24, 384, 512, 768):
        feed_forward_width = ModelConfig(width=width, head_width=4).feed_forward_width
        assert feed_forward_width % 64 == 0
        assert 0 <= feed_forward_width - 8 * width / 3 < 64


@pytest.mark.parametrize(
    ("options", "advice"),
    [
        ({"width": 100, "num_heads": 6}, "width 100 is not a multiple of num_heads 6"),
        ({"num_heads": 6, "num_kv_heads": 4}, "num_kv_heads 4 does not divide num_heads 6"),
        ({"num_heads": 2, "num_kv_heads": 4}, "num_kv_heads 4 does not divide num_heads 2"),
        ({"width": 18, "num_heads": 6}, "even head_width, not 3"),
        ({"head_width": 7}, "even head_width, not 7"),
        ({"num_layer": 3}, "num_layer"),
        ({"architecture": "bert"}, "architecture"),
        ({"num_layers": 0}, "num_layers"),
        ({"dropout": 1.0}, "dropout"),
        ({"sliding_window": 0}, "sliding_window"),
        ({"logit_soft_cap": float("inf")}, "logit_soft_cap"),
        ({"rope_theta": float("nan")}, "rope_theta"),
        ({"architecture": "gpt2", "rope_theta": 5.0}, "no effect with learned positions"),
        ({"architecture": "rnn", "value_residual": True}, "value_residual has no effect with rnn"),
        ({"architecture": "rnn", "smear": True}, "smear has no effect with rnn"),
        ({"architecture": "rnn", "norm_weight": False}, "norm_weight has no effect with rnn"),
        ({"architecture": "gpt2", "norm_weight": False}, "needs norm = rmsnorm"),
        ({"bigram_table_size": 1}, "leaves no row for a pair"),
        ({"look_back_heads": 7}, "look_back_heads 7 is more than num_heads 6"),
        ({"context_length": 2, "look_back_heads": 2}, "attention reaches 1 tokens back"),
        ({"sliding_window": 2, "look_back_heads": 2}, "attention reaches 1 tokens back"),
        ({"architecture": "gpt2", "look_back_heads": 1}, "no effect with learned positions"),
        ({"look_back_heads": 1, "induction_heads": 2}, "induction_heads 2 is more than look_back"),
        ({"look_back_heads": 1, "induction_heads": 1, "num_layers": 1}, "in the second block"),
        ({"look_back_heads": 2, "look_back_blocks": 7}, "look_back_blocks 7 is more than num_lay"),
        ({"look_back_blocks": 2}, "look_back_blocks has no effect without look_back_heads"),
        (
            {"look_back_heads": 2, "look_back_blocks": 2, "context_length": 4},
            "look_back_heads 2 in 2 blocks: attention reaches 3 tokens back",
        ),
        (
            {"look_back_heads": 1, "look_back_blocks": 2, "induction_heads": 1},
            "look_back_blocks must be 1, not 2",
        ),
        (
            {"look_back_heads": 2, "induction_heads": 2, "width": 6, "num_heads": 3},
            "width 6 has no room",
        ),
        ({"architecture": "rnn", "num_heads": 4}, "num_heads has no effect with rnn"),
        ({"architecture": "rnn", "num_kv_heads": 2}, "num_kv_heads has no effect with rnn"),
        ({"architecture": "rnn", "head_width": 64}, "head_width has no effect with rnn"),
        ({"architecture": "rnn", "feed_forward_width": 9}, "feed_forward_width has no effect"),
    ],
)
def test_a_bad_value_is_refused_with_its_name(options, advice):
    with pytest.raises(ValidationError, match=advice):
        ModelConfig(**options)


def test_learned_positions_allow_odd_heads():
    assert ModelConfig(architecture="gpt2", width=15, num_heads=5).head_width == 3


def test_a_config_is_frozen():
    with pytest.raises(ValidationError):
        ModelConfig().width = 3  # type: ignore[misc]


def test_the_vocabulary_comes_from_the_tokenizer():
    assert ModelConfig().with_vocabulary(100).vocab_size == 100
    assert ModelConfig(vocab_size=100).with_vocabulary(100).vocab_size == 100
    with pytest.raises(ValueError, match=r"model.vocab_size is 99 but the tokenizer has 100"):
        ModelConfig(vocab_size=99).with_vocabulary(100)


@given(
    architecture=st.sampled_from(list(ARCHITECTURES)),
    width=st.integers(1, 300),
    num_heads=st.integers(1, 20),
    num_kv_heads=st.integers(0, 20),
    head_width=st.integers(0, 20),
)
def test_any_accepted_config_survives_being_written_and_read(**options):
    try:
        config = ModelConfig(**options)
    except ValidationError:
        return
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config
    assert config.architecture == "rnn" or config.num_heads % config.num_kv_heads == 0
