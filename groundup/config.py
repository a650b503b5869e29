"""The base of every configuration in groundup: typed, frozen, and closed to unknown keys."""

from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    """A frozen set of options; the docstring under each field is its ``--help`` text.

    Units are part of that docstring. An unknown key or a bad value raises pydantic's
    ``ValidationError``, which the command line turns into one line naming key and file.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        validate_default=True,
        allow_inf_nan=False,
    )
