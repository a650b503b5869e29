"""What a sweep tries: values of a recipe's keys, all combinations of them or random draws."""

import itertools
import math
import random
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundup.errors import UsageError
from groundup.recipe.read import toml_value

Setting = dict[str, Any]
"""A value for each key that is swept: ``{"pretrain.learning_rate": 0.01}``."""

TRIES = 1000
"""Draws for each setting that is asked for, after which there seem to be no more."""

_RANGE = re.compile(r"""\s*([^\s,"'\[{]+?)\s*\.\.\s*([^\s,"'\[{]+?)(?:\s+(\w+))?\s*""")


@dataclass(frozen=True)
class Range:
    """All numbers from ``low`` to ``high``; whole ones if both ends are written as whole numbers.

    Attributes:
        low: least value.
        high: greatest value, also drawn.
        log: drawn evenly by their logarithm: as many between 0.001 and 0.01 as up to 0.1
            (Bergstra and Bengio 2012, JMLR 13, section 2).
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise UsageError(f"{self}: should rise from a number to another")
        if self.log and self.low <= 0:
            raise UsageError(f"{self}: a logarithmic range should begin above 0")

    def __str__(self) -> str:
        return f"{self.low}..{self.high}" + (" log" if self.log else "")

    def draw(self, random_numbers: random.Random) -> float:
        """Return a number of the range; fractions have three digits, to be read and typed."""
        whole = isinstance(self.low, int) and isinstance(self.high, int)
        # Each whole number owns half a unit on either side, the ends too.
        low, high = (self.low - 0.5, self.high + 0.5) if whole else (self.low, self.high)
        if self.log:
            low, high = math.log(low), math.log(high)
        drawn = random_numbers.uniform(low, high)
        drawn = math.exp(drawn) if self.log else drawn
        number = round(drawn) if whole else float(f"{drawn:.3g}")
        return min(max(number, self.low), self.high)


Over = Mapping[str, Sequence[Any] | Range]
"""For each key that is swept, by its name (``pretrain.learning_rate``), its values."""


def parse_over(texts: Sequence[str]) -> dict[str, tuple[Any, ...] | Range]:
    """Read ``KEY=VALUE,VALUE,…`` and ``KEY=LOW..HIGH [log]``, one text for each key.

    Values are spelt as in TOML, texts without their quotes.

    Raises:
        UsageError: in one line: not of this form, a key twice.
    """
    over: dict[str, tuple[Any, ...] | Range] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        key = key.strip().replace("-", "_")
        if not (key and equals and values.strip()):
            raise UsageError(
                f"--over {text}: should be KEY=VALUE,VALUE,… or KEY=LOW..HIGH [log], like "
                "pretrain.learning_rate=0.01,0.03"
            )
        if key in over:
            raise UsageError(f"--over {key}: given twice; put all its values into one")
        over[key] = _parse_range(text, values) or tuple(map(_parse_value, _split(values)))
    return over


def _parse_range(text: str, values: str) -> Range | None:
    match = _RANGE.fullmatch(values)
    if match is None:
        return None
    low, high = _parse_value(match[1]), _parse_value(match[2])
    if match[3] not in (None, "log") or not (_is_number(low) and _is_number(high)):
        raise UsageError(f"--over {text}: a range is LOW..HIGH or LOW..HIGH log, of numbers")
    return Range(low, high, log=match[3] is not None)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _parse_value(text: str) -> Any:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text.strip()
    return value if isinstance(value, bool | int | float | str | list | dict) else text.strip()


def _split(values: str) -> Iterator[str]:
    """Cut at the commas that stand in no bracket and no quotes."""
    depth, quote, begin = 0, "", 0
    for place, letter in enumerate(values):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "\"'":
            quote = letter
        elif letter in "[{":
            depth += 1
        elif letter in "]}":
            depth -= 1
        elif letter == "," and depth == 0:
            yield values[begin:place]
            begin = place + 1
    yield values[begin:]


def grid(over: Over) -> list[Setting]:
    """Return every combination of the values, the last key's changing fastest.

    Raises:
        UsageError: a range has no values to combine.
    """
    lists: list[Sequence[Any]] = []
    for key, values in over.items():
        if isinstance(values, Range):
            raise UsageError(
                f"--over {key}={values}: a range is drawn from; say how often, --samples"
            )
        lists.append(values)
    return [dict(zip(over, values, strict=True)) for values in itertools.product(*lists)]


def draws(over: Over, count: int, seed: int) -> list[Setting]:
    """Return ``count`` different settings, each key drawn by itself.

    The first of more draws are those of fewer, so that a sweep can be made larger.

    Raises:
        UsageError: there are not so many.
    """
    random_numbers = random.Random(seed)
    found: dict[str, Setting] = {}
    for _ in range(TRIES * count):
        setting = {
            key: values.draw(random_numbers)
            if isinstance(values, Range)
            else random_numbers.choice(values)
            for key, values in over.items()
        }
        found.setdefault(repr(setting), setting)
        if len(found) == count:
            return list(found.values())
    raise UsageError(f"--samples {count}: there are only {len(found)} different settings")


def nested(setting: Setting) -> dict[str, Any]:
    """Return a setting as tables in tables, like a recipe's file."""
    tables: dict[str, Any] = {}
    for key, value in setting.items():
        *path, last = key.split(".")
        node = tables
        for name in path:
            node = node.setdefault(name, {})
        node[last] = value
    return tables


def short_names(keys: Sequence[str]) -> dict[str, str]:
    """Return for each key its last part, or all of it where two would be alike."""
    last = [key.rpartition(".")[2] for key in keys]
    return {
        key: name if last.count(name) == 1 else key for key, name in zip(keys, last, strict=True)
    }


def spelt(value: Any) -> str:
    """Return a value as it stands in a recipe; thresholds that are switched off are a word."""
    return '"off"' if value is None else toml_value(value)


def in_words(setting: Setting) -> str:
    """Return ``learning_rate = 0.03, batch_size = 8``."""
    names = short_names(list(setting))
    return ", ".join(f"{names[key]} = {spelt(value)}" for key, value in setting.items())
