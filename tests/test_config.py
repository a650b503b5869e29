import pytest
from pydantic import ValidationError

from groundup.config import Config


class Oven(Config):
    degrees: float = 180.0
    """Heat, °C."""


def test_a_config_is_frozen_and_closed_to_unknown_keys():
    with pytest.raises(ValidationError, match="frozen"):
        Oven().degrees = 200.0  # type: ignore[misc]
    with pytest.raises(ValidationError, match="degree"):
        Oven(degree=200.0)  # type: ignore[call-arg]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "hot"])
def test_a_value_that_is_no_number_is_refused(value):
    with pytest.raises(ValidationError):
        Oven(degrees=value)


def test_the_docstring_under_a_field_is_its_description():
    assert Oven.model_fields["degrees"].description == "Heat, °C."
