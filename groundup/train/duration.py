"""How long to train, in the unit that a person thinks in: steps, tokens, epochs or time."""

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

Unit = Literal["steps", "tokens", "epochs", "seconds"]

EXAMPLES = '"1000 steps", "20M tokens", "3 epochs", "10 min", "90 s" or "1.5 h"'

_TEXT = re.compile(r"([0-9][0-9_]{0,17}(?:\.[0-9]{1,9})?)\s*([A-Za-z]*)(?:\s+([A-Za-z]+))?")

_COUNTED: dict[str, Unit] = {
    "step": "steps",
    "steps": "steps",
    "token": "tokens",
    "tokens": "tokens",
    "epoch": "epochs",
    "epochs": "epochs",
}

_SECONDS = {
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1),
    **dict.fromkeys(("min", "minute", "minutes"), 60),
    **dict.fromkeys(("h", "hour", "hours"), 3600),
}

_PREFIXES = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9}

LONGEST = {"steps": 10**12, "tokens": 10**18, "epochs": 10**6, "seconds": 366 * 86_400}
"""More than this is a slip of the pen."""


@dataclass(frozen=True)
class Duration:
    """An amount of training. ``parse`` reads what ``str`` writes, exactly.

    Attributes:
        amount: more than 0; whole for steps and tokens. Decimal: 0.1 h is 360 s and no more.
        unit: of the amount; time is held in seconds.
    """

    amount: Decimal
    unit: Unit

    @classmethod
    def parse(cls, text: str | int) -> Self:
        """Read a duration: ``1000 steps``, ``20M tokens``, ``3 epochs``, ``10 min``; 1000 is steps.

        Counts may have a prefix, k, M or B (thousand, million, billion), and underscores.

        Raises:
            ValueError: in one line: the text is no duration, or is nothing, too much or a fraction
                of a step or token.
        """
        whole = str(text).strip()
        match = _TEXT.fullmatch(whole)
        if match is None:
            raise ValueError(f"{text!r} is no duration; write {EXAMPLES}")
        number, first, second = Decimal(match[1].replace("_", "")), match[2], match[3]
        prefix, word = (first, second) if second else ("", first or "steps")
        if prefix not in ("", *_PREFIXES) or word not in (*_COUNTED, *_SECONDS):
            raise ValueError(f"{text!r} is no duration; write {EXAMPLES}")
        if word in _SECONDS:
            if prefix:
                raise ValueError(f"{text!r}: {prefix} goes with steps or tokens, not with time")
            amount, unit = number * _SECONDS[word], "seconds"
        else:
            amount, unit = number * _PREFIXES.get(prefix, 1), _COUNTED[word]
        if amount <= 0:
            raise ValueError(f"{text!r}: nothing to do; it should be more than 0")
        if amount > LONGEST[unit]:
            raise ValueError(f"{text!r} is more than {LONGEST[unit]:,} {unit}; a slip?")
        if unit in ("steps", "tokens") and amount != int(amount):
            raise ValueError(f"{text!r}: should be a whole number of {unit}")
        return cls(amount, unit)  # type: ignore[arg-type]

    def __str__(self) -> str:
        """Return the shortest exact form: the largest unit of which it is a whole number."""
        if self.unit == "seconds":
            units = ((3600, "h"), (60, "min"), (1, "s"))
            size, word = next((u for u in units if self.amount % u[0] == 0), units[-1])
            return f"{_plain(self.amount / size)} {word}"
        prefix = ""
        amount = self.amount
        if self.unit == "tokens":  # steps are read as they are: 1000, not 1k
            for letter in ("B", "M", "k"):
                if self.amount % _PREFIXES[letter] == 0:
                    prefix, amount = letter, self.amount / _PREFIXES[letter]
                    break
        return f"{_plain(amount)}{prefix} {self.unit}"

    @property
    def seconds(self) -> float | None:
        """The time in seconds; None where the unit is not time."""
        return float(self.amount) if self.unit == "seconds" else None

    def at_least(self, other: "Duration") -> bool:
        """Return whether both are in one unit and this is more, or as much."""
        return self.unit == other.unit and self.amount >= other.amount


def _plain(number: Decimal) -> str:
    """Return the digits, without an exponent or idle zeros."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
