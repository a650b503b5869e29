import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from groundup.train import TrainConfig


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 8, "micro_batch_size": 3}, "micro_batch_size 3 does not divide"),
        ({"optimizer": "adamw", "muon_learning_rate": 0.1}, "muon_learning_rate has no effect"),
        ({"schedule": "cosine", "decay_fraction": 0.1}, "decay_fraction has no effect"),
        ({"schedule": "constant", "final_fraction": 0.1}, "final_fraction has no effect"),
        ({"sample_every": 0, "sample_prompt": "x"}, "sample_prompt has no effect"),
        ({"optimizer": "adamw", "muon_scale": "rms"}, "muon_scale has no effect"),
        ({"weight_decay": 0, "cautious_weight_decay": True}, "cautious_weight_decay has no effect"),
        ({"momentum": 0.8, "momentum_warmup_steps": 9}, "momentum must be larger"),
        ({"spike_factor": 0.5}, "spike_factor must be over 1"),
        ({"spike_window": 9}, "spike_window has no effect"),
        ({"ema_decay": 0.9, "average_last": 3}, "choose one"),
        ({"average_fraction": 0.5}, "average_fraction has no effect"),
        ({"learning_rate": 0}, "greater than 0"),
        ({"learning_rate": float("nan")}, "finite number"),
        ({"steps": 3}, "Extra inputs"),
        ({"warmup_fraction": 0.1, "warmup_steps": 5}, "warmup_steps has no effect with warmup_fr"),
        ({"schedule": "inverse_sqrt", "warmup_steps": 0}, "needs warmup_steps or warmup_fraction"),
        ({"batch_ramp": [[0.3, 8], [0.1, 16]]}, "batch_ramp: the ends .* should rise between"),
        ({"batch_ramp": [[0.0, 8]]}, "batch_ramp: the ends .* should rise between 0 and 1"),
        ({"length_ramp": [[1.0, 8]]}, "length_ramp: the ends .* should rise between 0 and 1"),
        ({"length_ramp": [[0.1, 64], [0.2, 32]]}, "length_ramp: the values .* should rise"),
        ({"batch_ramp": [[0.1, 32]]}, "should stay below batch_size 32"),
        ({"batch_ramp": [[0.1, 6]], "micro_batch_size": 4}, "does not divide batch_ramp"),
    ],
)
def test_a_wrong_or_ignored_setting_is_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        TrainConfig(**options)


@given(
    st.sampled_from(["adamw", "muon"]),
    st.sampled_from(["cosine", "wsd", "constant"]),
    st.integers(1, 64),
)
def test_a_config_written_out_in_full_is_read_back(optimizer, schedule, batch_size):
    config = TrainConfig(optimizer=optimizer, schedule=schedule, batch_size=batch_size)
    assert TrainConfig(**config.model_dump(mode="json")) == config
