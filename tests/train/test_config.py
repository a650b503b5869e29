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
        ({"learning_rate": 0}, "greater than 0"),
        ({"learning_rate": float("nan")}, "finite number"),
        ({"steps": 3}, "Extra inputs"),
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
