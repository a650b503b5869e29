import string
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from groundup.train import TrainConfig
from groundup.train.duration import LONGEST, Duration

units = st.sampled_from(["steps", "tokens", "epochs", "seconds"])


@pytest.mark.parametrize(
    ("text", "canonical", "amount", "unit"),
    [
        (1000, "1000 steps", 1000, "steps"),
        ("1000", "1000 steps", 1000, "steps"),
        ("1 step", "1 steps", 1, "steps"),
        ("10k steps", "10000 steps", 10_000, "steps"),
        ("20M tokens", "20M tokens", 20_000_000, "tokens"),
        ("20 M tokens", "20M tokens", 20_000_000, "tokens"),
        ("1.5B tokens", "1500M tokens", 1_500_000_000, "tokens"),
        ("1_234_567 tokens", "1234567 tokens", 1_234_567, "tokens"),
        ("3 epochs", "3 epochs", 3, "epochs"),
        ("0.25 epochs", "0.25 epochs", Decimal("0.25"), "epochs"),
        ("10 min", "10 min", 600, "seconds"),
        ("10min", "10 min", 600, "seconds"),
        ("90 s", "90 s", 90, "seconds"),
        ("120 seconds", "2 min", 120, "seconds"),
        ("1.5 h", "90 min", 5400, "seconds"),
        (" 2 hours ", "2 h", 7200, "seconds"),
        ("0.1 h", "6 min", 360, "seconds"),
    ],
)
def test_durations_are_read_and_written_in_one_form(text, canonical, amount, unit):
    duration = Duration.parse(text)
    assert duration == Duration(Decimal(amount), unit)
    assert str(duration) == canonical


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is no duration; write"),
        ("ten minutes", "is no duration; write"),
        ("3 apples", "is no duration; write"),
        ("10 m", "is no duration; write"),
        ("-5 steps", "is no duration; write"),
        ("1e3 steps", "is no duration; write"),
        ("20M", "is no duration; write"),
        ("nan s", "is no duration; write"),
        ("٣ steps", "is no duration; write"),
        ("10 min\n5 s", "is no duration; write"),
        (0, "nothing to do"),
        ("0 min", "nothing to do"),
        ("1.5 steps", "whole number of steps"),
        ("1.0000001M tokens", "whole number of tokens"),
        ("2k min", "k goes with steps or tokens"),
        ("400 days", "is no duration; write"),
        ("9000 h", "a slip?"),
    ],
)
def test_what_is_no_duration_is_refused_in_one_line(text, message):
    with pytest.raises(ValueError, match=message.replace("?", r"\?")) as raised:
        Duration.parse(text)
    assert "\n" not in str(raised.value)


@given(units, st.data())
def test_every_duration_is_read_back_as_it_was_written(unit, data):
    places = 0 if unit in ("steps", "tokens") else data.draw(st.integers(0, 6))
    number = data.draw(st.integers(1, 10 ** min(14, len(str(LONGEST[unit])) - 1 + places)))
    duration = Duration(Decimal(number).scaleb(-places), unit)
    assert Duration.parse(str(duration)) == duration
    assert str(Duration.parse(str(duration))) == str(duration)


@given(st.text() | st.text(string.digits + ". _kMBsminhtokeps", max_size=12))
def test_any_text_is_a_duration_or_one_line(text):
    try:
        duration = Duration.parse(text)
    except ValueError as error:
        message = str(error)
    else:
        message = str(duration)
        assert duration.amount > 0
        assert Duration.parse(message) == duration
    assert len(message.splitlines()) == 1


def test_only_durations_of_one_unit_are_compared():
    minutes = Duration.parse("10 min")
    assert Duration.parse("1 h").at_least(minutes)
    assert minutes.at_least(Duration.parse("600 s"))
    assert not minutes.at_least(Duration.parse("601 s"))
    assert not Duration.parse("1000 steps").at_least(minutes)


def test_a_config_has_one_length_and_writes_only_that():
    config = TrainConfig(budget="600 s")
    assert config.budget == "10 min"
    assert "max_steps" not in config.model_dump()
    assert TrainConfig(**config.model_dump(mode="json")) == config
    assert TrainConfig().duration == Duration.parse(1000)
    assert TrainConfig(budget=50).duration == TrainConfig(max_steps=50).duration
    with pytest.raises(ValidationError, match="max_steps and budget both say how long"):
        TrainConfig(max_steps=1000, budget="10 min")
    with pytest.raises(ValidationError, match="'soon' is no duration; write"):
        TrainConfig(budget="soon")
    with pytest.raises(ValidationError, match="valid string"):
        TrainConfig(budget=1.5)
