"""What personal data is looked for."""

from typing import Annotated, Literal, get_args

from pydantic import Field

from groundup.config import Config

Kind = Literal["key", "email", "iban", "card", "ip", "phone"]

KINDS: tuple[Kind, ...] = get_args(Kind)
"""What is looked for. Where two of these begin at the same place, the first counts."""


class PiiConfig(Config):
    """What is masked."""

    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] = KINDS
    """Each becomes its name in capitals: "email" is masked as <EMAIL>, "phone" as <PHONE>, and
    likewise <IP>, <CARD>, <IBAN> and <KEY>. StarCoder (arXiv 2305.06161) writes them so; Dolma has
    |||EMAIL_ADDRESS|||, and FineWeb puts addresses that belong to nobody, which a model would learn
    to write."""
