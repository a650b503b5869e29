"""Texts → texts with ``<EMAIL>`` and the like in the place of personal data, and counts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from groundup.corpus.pii.addresses import Place, find_emails, find_ip_addresses
from groundup.corpus.pii.config import KINDS, Kind, PiiConfig
from groundup.corpus.pii.keys import find_keys
from groundup.corpus.pii.numbers import find_cards, find_ibans, find_phones

FINDERS: Mapping[Kind, Callable[[str], Iterator[Place]]] = MappingProxyType(
    {
        "key": find_keys,
        "email": find_emails,
        "iban": find_ibans,
        "card": find_cards,
        "ip": find_ip_addresses,
        "phone": find_phones,
    }
)


MAX_PASSES = 16
"""How often a text is looked at. Data side by side hides other data rarely more than three deep;
deeper only where it is made to take time, and what is left then are pieces."""


class Masked(NamedTuple):
    """A text without personal data."""

    text: str
    counts: Mapping[str, int]
    """How often each kind was masked; kinds that do not occur are not in it."""


def mask(texts: Sequence[str], config: PiiConfig | None = None) -> list[Masked]:
    """Mask personal data in each text; masking what was masked changes nothing (``MAX_PASSES``).

    Args:
        texts: documents.
        config: what is masked; None: everything that can be.
    """
    kinds = (config or PiiConfig()).kinds
    ordered = [kind for kind in KINDS if kind in kinds]
    return [_mask(text, ordered) for text in texts]


def _mask(text: str, kinds: Sequence[Kind]) -> Masked:
    counts: dict[str, int] = {}
    # Once more after each change: what stood beside a number may have hidden another.
    for _ in range(MAX_PASSES):
        places = _find(text, kinds)
        if not places:
            break
        pieces, position = [], 0
        for start, end, kind in places:
            pieces += [text[position:start], f"<{kind.upper()}>"]
            position = end
            counts[kind] = counts.get(kind, 0) + 1
        text = "".join(pieces) + text[position:]
    return Masked(text, counts)


def _find(text: str, kinds: Sequence[Kind]) -> list[tuple[int, int, Kind]]:
    """Return where data is, in order and without overlaps."""
    found = [(*place, kind) for kind in kinds for place in FINDERS[kind](text)]
    found.sort(key=lambda one: one[0])  # stable: of those that begin together the first kind leads
    apart: list[tuple[int, int, Kind]] = []
    for one in found:
        if not apart or one[0] >= apart[-1][1]:
            apart.append(one)
    return apart
