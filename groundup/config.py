"""The base of every configuration in groundup: typed, frozen, and closed to unknown keys."""

from pydantic import BaseModel, ConfigDict


class IdleKeyError(ValueError):
    """A key that is set where nothing reads it: a setting that would be ignored is a mistake.

    Attributes:
        key: its name in its section.
    """

    def __init__(self, key: str, why: str) -> None:
        super().__init__(f"{key} has no effect {why}; leave it out")
        self.key = key


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

    def refuse_idle(self, *keys: str, why: str) -> None:
        """Refuse keys that differ from their defaults.

        Not those that were merely given: a recipe that was written out in full names every field.

        Raises:
            IdleKeyError: for the first of them; ``why`` is like ``with schedule 'cosine'``.
        """
        for key in keys:
            if getattr(self, key) != type(self).model_fields[key].default:
                raise IdleKeyError(key, why)
