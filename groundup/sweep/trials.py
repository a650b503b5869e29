"""From settings to recipes that are known to be right before the first of them is trained."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from groundup.errors import UsageError
from groundup.files import fingerprint
from groundup.plan.size import training_rate
from groundup.recipe import Recipe, write_toml
from groundup.recipe.pretrain import learning_inputs
from groundup.recipe.read import change_recipe, merge
from groundup.recipe.stage import read_json
from groundup.sweep.halving import rung_budgets, rung_sizes
from groundup.sweep.results import Metric
from groundup.sweep.space import Over, Range, Setting, draws, grid, in_words, nested, spelt
from groundup.train import Duration, TrainConfig, check_length_ramp

RATES = "rates.json"
"""In a sweep's folder, what a dial measured of this machine as the sweep began."""


@dataclass(frozen=True)
class Trial:
    """One training: a setting, a seed and a rung.

    Attributes:
        index: of the setting among all.
        setting: its values.
        rung: 0 is the first and shortest.
        recipe: all of it, the rung's budget and the seed included; only its folder is yet to come.
    """

    index: int
    setting: Setting
    rung: int
    recipe: Recipe

    @property
    def budget(self) -> Duration:
        """How long it trains."""
        return self.recipe.pretrain.duration


@dataclass(frozen=True)
class Plan:
    """A whole sweep, checked.

    Attributes:
        recipe: that all settings change; the sweep lies in its folder.
        settings: each with its recipe, trained in full.
        seeds: trainings of each setting; the recipe's seed is the first, then the numbers after it.
        halving: a rung leaves one setting of so many for the next.
        sizes: settings that each rung trains.
        metric: what is compared.
        rates: FLOP/s that were measured for a dial, by device, precision and threads.
    """

    recipe: Recipe
    settings: tuple[tuple[Setting, Recipe], ...]
    seeds: int
    halving: int
    sizes: tuple[int, ...]
    metric: Metric
    rates: dict[str, float]

    @property
    def keys(self) -> list[str]:
        """Return the keys that are swept."""
        return list(self.settings[0][0])

    @property
    def num_trials(self) -> int:
        """Return how many trainings there are, if none fails."""
        return sum(self.sizes) * self.seeds

    def trials(self, rung: int, indices: Iterable[int]) -> list[Trial]:
        """Return a rung's trials, of these settings."""
        found = []
        for index in indices:
            setting, recipe = self.settings[index]
            budgets = rung_budgets(recipe.pretrain.duration, self.halving, len(self.sizes))
            for number in range(self.seeds):
                length = {"budget": str(budgets[rung])}
                changes = {
                    "seed": recipe.seed + number,
                    "pretrain": recipe.pretrain.model_copy(update=length),
                }
                found.append(Trial(index, setting, rung, recipe.model_copy(update=changes)))
        return found


def plan_sweep(
    recipe: Recipe,
    over: Over,
    *,
    seeds: int = 1,
    samples: int = 0,
    halving: int = 3,
    rungs: int = 1,
    metric: Metric = "bits_per_byte",
    keys: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Plan:
    """Check a sweep; nothing is run. The arguments are those of ``sweep``, but for two.

    They are for recipes with a dial (``size``, ``depth``), and where one is swept. ``keys`` are
    those that the recipe's file sets, nested: what a dial sets follows from them for each setting.
    By default all keys of the recipe stand fast, but for what a swept dial sets. ``options`` are
    keys set on top, which a swept dial leaves alone.

    Raises:
        UsageError: in one line: an unknown key, a wrong value, the same twice, a key without
            effect, too many rungs.
    """
    _check_numbers(seeds, samples, halving, rungs)
    if not over:
        raise UsageError("nothing to sweep over; --over pretrain.learning_rate=0.01,0.03")
    for key, values in over.items():
        _check_key(key, values)
    settings = draws(over, samples, recipe.seed) if samples else grid(over)
    sizes = rung_sizes(len(settings), halving, rungs)
    if keys is None:
        keys = tomllib.loads(write_toml(recipe))
    rates = read_json(recipe.folder / "sweep" / RATES)
    measure = _once(training_rate, rates)
    recipes = [_changed(keys, options or {}, setting, measure) for setting in settings]
    if metric == "nats_per_token" and len(set(map(text_key, recipes))) > 1:
        raise UsageError("nats_per_token compares no tokenizers or corpora; use bits_per_byte")
    found = [
        (_as_read(setting, changed), changed)
        for setting, changed in zip(settings, recipes, strict=True)
    ]
    _refuse_the_same_twice(found)
    for changed in recipes:
        check_length_ramp(changed.pretrain, changed.model.context_length)
        rung_budgets(changed.pretrain.duration, halving, rungs)
    return Plan(recipe, tuple(found), seeds, halving, tuple(sizes), metric, rates)


def _check_numbers(seeds: int, samples: int, halving: int, rungs: int) -> None:
    for name, value, least in (
        ("seeds", seeds, 1),
        ("samples", samples, 0),
        ("halving", halving, 2),
        ("rungs", rungs, 1),
    ):
        if value < least:
            raise UsageError(f"--{name} {value}: should be {least} or more")
    if halving != 3 and rungs == 1:
        raise UsageError("--halving has no effect with one rung; give --rungs too, or leave it out")


def _check_key(key: str, values: Any) -> None:
    if key == "seed":
        raise UsageError("--over seed: say how many, --seeds; their results are averaged")
    if isinstance(values, Range):
        return
    if len(values) < 2:
        raise UsageError(f"--over {key}: has one value; set it by --{key.replace('_', '-')}")


def _once(
    measure: Callable[[TrainConfig], float], known: dict[str, float]
) -> Callable[[TrainConfig], float]:
    """Return a measure that all settings share, and the sweep when it goes on another day.

    Two measurements might give two batch sizes: trials could not be compared, and those that are
    done would not be known again.
    """

    def measured(config: TrainConfig) -> float:
        key = f"{config.device} {config.precision} {config.threads}"
        if key not in known:
            known[key] = measure(config)
        return known[key]

    return measured


def _changed(
    keys: Mapping[str, Any],
    options: Mapping[str, Any],
    setting: Setting,
    measure: Callable[[TrainConfig], float],
) -> Recipe:
    """Return the recipe with a setting; a mistake is put down to the option it came by."""
    changes = merge(options, nested(setting))
    try:
        source = "with " + in_words(setting)
        recipe, _ = change_recipe(dict(keys), changes, source, measure=measure, resume=False)
    except UsageError as error:
        option, _, what = str(error).partition(": ")
        if option.startswith("--"):
            option = "--over " + option[2:].replace("-", "_")
        raise UsageError(f"{option}: {what}") from None
    return recipe


def _as_read(setting: Setting, recipe: Recipe) -> Setting:
    """Return the setting's values as the recipe's schema reads them: 1e-2 is 0.01."""
    values = recipe.model_dump(mode="json")
    read = {}
    for key in setting:
        node: Any = values
        for name in key.split("."):
            node = node.get(name)
        if isinstance(node, Mapping) and _is_section(recipe, key):
            raise UsageError(f"--over {key}: is a section; name a key in it")
        read[key] = node
    return read


def _is_section(recipe: Recipe, key: str) -> bool:
    node: Any = recipe
    for name in key.split("."):
        node = getattr(node, name)
    return hasattr(node, "model_fields")


def _refuse_the_same_twice(settings: list[tuple[Setting, Recipe]]) -> None:
    """Refuse two settings that are one training: a value twice, or a key that changes nothing."""
    seen: dict[str, Setting] = {}
    for setting, recipe in settings:
        same = seen.setdefault(training(recipe), setting)
        if same is setting:
            continue
        differing = [key for key in setting if setting[key] != same[key]]
        if not differing:
            raise UsageError(f"--over: {in_words(setting)} stands there twice")
        raise UsageError(
            f"--over {differing[0]}: has no effect on what is learned: the training is the same "
            f"with {spelt(same[differing[0]])} and {spelt(setting[differing[0]])}"
        )


def training(recipe: Recipe) -> str:
    """Return 16 hex digits of all keys that decide what is learned, and from what."""
    return fingerprint([text_key(recipe), learning_inputs(recipe)])


def text_key(recipe: Recipe) -> str:
    """Return 16 hex digits of all keys that decide what is read, and in which tokens."""
    text = recipe.corpus.model_dump(mode="json", exclude={"workers"})
    return fingerprint([text, recipe.tokenizer.model_dump(mode="json")])
