"""TOML to ``Recipe`` and back; every mistake is one line that names the key and the file."""

import difflib
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from groundup.config import IdleKeyError
from groundup.errors import UsageError
from groundup.files import expand_user
from groundup.model import ModelConfig
from groundup.model.config import ARCHITECTURES
from groundup.plan.size import training_rate
from groundup.progress import console
from groundup.recipe.dial import choices, shape_of, training_of, without_dialled
from groundup.recipe.schema import Recipe
from groundup.train.config import TrainConfig


def read_recipe(
    path: Path, overrides: Mapping[str, Any] | None = None, *, preview: bool = False
) -> Recipe:
    """Read a recipe; say what its ``size`` or ``depth`` chose (``recipe.dial``).

    Args:
        path: the TOML file; the run takes the file's name unless the recipe has one.
        overrides: keys from the command line, nested like the file: ``{"model": {"width": 64}}``.
            They are merged before anything is derived, so that changing ``architecture`` changes
            the switches that follow from it. A key of the file that they leave without effect
            is left out, with a note.
        preview: nothing is measured and nothing said: for help, and to know the keys.

    Raises:
        UsageError: no such file, not TOML, an unknown key, or a bad value.
    """
    values = read_keys(path)
    chosen: list[str] = []
    recipe, left_out = change_recipe(
        values,
        overrides or {},
        str(path),
        measure=(lambda _: 1e12) if preview else training_rate,
        say=chosen.append,
    )
    if left_out:
        keys = ", ".join(left_out)
        chosen.insert(0, f"{path}: {keys} left out: replaced or idle with these options")
    for line in [] if preview else chosen:
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return recipe


def read_keys(path: Path) -> dict[str, Any]:
    """Return the keys that a recipe's file sets, nested as there; its name is one of them.

    Raises:
        UsageError: no such file, or not TOML.
    """
    return merge({"name": path.stem}, _read_toml(path))


def change_recipe(
    values: dict[str, Any],
    overrides: Mapping[str, Any],
    source: str,
    *,
    measure: Callable[[TrainConfig], float] = training_rate,
    resume: bool = True,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Recipe, list[str]]:
    """Put ``overrides`` on top of a recipe's keys, and what a dial among them sets below.

    Args:
        values: the recipe's keys, nested as in its file.
        overrides: other values of keys, nested likewise.
        source: where ``values`` come from, for messages.
        measure: FLOP/s of a training step on this machine; asked where a dial needs it.
        resume: whether this may be the run that lies in the recipe's folder.
        say: takes lines that say what the dial chose.

    Returns:
        The recipe, and which of ``values`` are left out because the overrides leave them without
        effect.

    Raises:
        UsageError: an unknown key, or a bad value.
    """
    values, left_out = dict(values), []
    for key, rival in (("max_steps", "budget"), ("budget", "max_steps")):
        given, section = overrides.get("pretrain", {}), values.get("pretrain", {})
        if key in given and rival in section and rival not in given:
            values["pretrain"] = {k: v for k, v in section.items() if k != rival}
            left_out.append(f"pretrain.{rival}")
    for keys in list(without_dialled(values, overrides)):
        values = _without(values, keys)
        left_out.append(".".join(keys))
    while True:
        try:
            recipe, lines = _dialled(merge(values, overrides), measure, resume)
            for line in lines:
                say(line)
            return recipe, left_out
        except ValidationError as error:
            idle = _idle_keys(error, values, overrides)
            if not idle:
                raise UsageError(_first_problem(error, source, overrides)) from None
        for section, key in idle:
            values = _without(values, [section, key])
            left_out.append(f"{section}.{key}")


def _dialled(
    given: Mapping[str, Any], measure: Callable[[TrainConfig], float], resume: bool
) -> tuple[Recipe, list[str]]:
    """Return a recipe of these keys and those that its dial sets, and lines that say which.

    Raises:
        ValidationError: an unknown key, or a bad value.
        UsageError: the context is too long for the dial's training.
    """
    below = shape_of(given)
    recipe = Recipe.model_validate(merge(below, given))
    training = training_of(recipe, given, measure, resume)
    if training is not None:
        below["pretrain"] = training.settings
        recipe = Recipe.model_validate(merge(below, given))
    return recipe, choices(recipe, training, given)


def _without(values: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """Return ``values`` without a key, which stands in a table where there are two."""
    *above, last = keys
    if above:
        return dict(values) | {above[0]: _without(values[above[0]], [last])}
    return {key: value for key, value in values.items() if key != last}


def merge(base: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``base`` with ``changes`` on top, table by table."""
    merged = dict(base)
    for key, value in changes.items():
        old = merged.get(key)
        nested = isinstance(old, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(old, value) if nested else value  # type: ignore[arg-type]
    return merged


def find_recipe(name: str) -> Path:
    """Return the file that ``name`` means: a path, or the name of a recipe that groundup brings.

    Raises:
        UsageError: there is neither.
    """
    path = expand_user(name)
    if path.is_file():
        return path
    own = {recipe.stem: recipe for recipe in own_recipes()}
    if name in own:
        return own[name]
    known = ", ".join(sorted(own)) or "none installed"
    raise UsageError(f"{name}: no such recipe file (recipes that groundup brings: {known})")


def own_recipes() -> list[Path]:
    """Return the recipes that come with groundup, from the package or from its repository."""
    package = Path(__file__).resolve().parents[1]
    in_repository = (package.parent / "pyproject.toml").is_file()
    folder = package.parent / "recipes" if in_repository else package / "recipes"
    return sorted(folder.glob("*.toml"))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(
            f"{path}: not UTF-8 text (byte {error.start}); a recipe is a text file"
        ) from None
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from None


def _idle_key(problem: Mapping[str, Any]) -> list[str]:
    """Return where the key stands that a config calls without effect: section and key, or []."""
    error = problem.get("ctx", {}).get("error")
    return [*map(str, problem["loc"]), error.key] if isinstance(error, IdleKeyError) else []


def _idle_keys(
    error: ValidationError, values: Mapping[str, Any], overrides: Mapping[str, Any]
) -> list[tuple[str, str]]:
    """Return the sections' keys that the file gives and that overrides left without effect."""
    idle = [_idle_key(problem) for problem in error.errors(include_url=False)]
    return [
        (keys[0], keys[1])
        for keys in idle
        if len(keys) == 2
        and _given(keys, values)
        and not _given(keys, overrides)
        and _given(keys[:1], overrides)
    ]


def _first_problem(error: ValidationError, origin: str, overrides: Mapping[str, Any]) -> str:
    """Return one line for the first of pydantic's complaints, and the number of the others."""
    problems = error.errors(include_url=False)
    problem = problems[0]
    keys = _idle_key(problem) or [str(key) for key in problem["loc"]]
    source = f"{origin}: {'.'.join(keys)}" if keys else origin
    least = 0 if keys and keys[0] not in sections() else 1  # a section alone is no option
    given = next((keys[:n] for n in range(len(keys), least, -1) if _given(keys[:n], overrides)), [])
    if given:
        source = "--" + ".".join(given).replace("_", "-")
    unknown = problem["type"] == "extra_forbidden"
    text = f"unknown key; {_suggestion(keys)}" if unknown else say_problem(problem)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return " ".join(f"{source}: {text}{more}".split())


def say_problem(problem: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, and what it should be, from pydantic's complaint."""
    if problem["type"] == "value_error":
        return str(problem["msg"]).removeprefix("Value error, ")
    if problem["type"] in ("model_type", "model_attributes_type"):
        return f"{problem['input']!r}: should be a table, [{problem['loc'][-1]}]"
    message = problem["msg"].removeprefix("Input ").replace("valid tuple", "list")
    return f"{problem['input']!r}: {message[:1].lower()}{message[1:]}"


def _given(keys: list[str], values: Mapping[str, Any]) -> bool:
    node: Any = values
    for key in keys:
        if not isinstance(node, Mapping) or key not in node:
            return False
        node = node[key]
    return True


def _suggestion(keys: list[str]) -> str:
    """Say which key was probably meant: one of the same section, or the same one elsewhere."""
    *above, wrong = keys
    section: type[BaseModel] = Recipe
    for key in above:
        section = _section_types(section)[key]
    close = difflib.get_close_matches(wrong, section.model_fields, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    elsewhere = [n for n, other in _section_types().items() if wrong in other.model_fields]
    if elsewhere:
        return f"did you mean {elsewhere[0]}.{wrong}?"
    return "known keys: " + ", ".join(section.model_fields)


def _section_types(kind: type[BaseModel] = Recipe) -> dict[str, type[BaseModel]]:
    """Return the type of each section of a recipe, or of a section of it, by name."""
    types = {name: field.annotation for name, field in kind.model_fields.items()}
    return {
        name: kind
        for name, kind in types.items()
        if isinstance(kind, type) and issubclass(kind, BaseModel)
    }


def write_toml(recipe: Recipe) -> str:
    """Return the recipe as TOML that ``read_recipe`` reads back.

    Defaults are written out; what follows from other keys is not, so that it still follows when one
    of those is changed.
    """
    values = recipe.model_dump(mode="json", exclude_none=True)
    values["model"] = _without_what_follows(recipe.model, values["model"])
    lines = [
        f"{key} = {toml_value(value)}" for key, value in values.items() if key not in sections()
    ]
    for section in sections():
        lines += _table(section, values[section], getattr(recipe, section))
    return "\n".join(lines) + "\n"


def _table(name: str, values: Mapping[str, Any], section: BaseModel) -> list[str]:
    """Return a section's lines, those of the sections in it last."""
    inner = _section_types(type(section))
    lines = ["", f"[{name}]"]
    lines += [f"{key} = {toml_value(value)}" for key, value in values.items() if key not in inner]
    # TOML has no None; thresholds that have a default are switched off by a word
    presets = {**getattr(section, "datatrove", {})}
    presets |= ARCHITECTURES.get(getattr(section, "architecture", ""), {})
    for key, field in type(section).model_fields.items():
        has_default = field.default is not None or key in presets
        if getattr(section, key) is None and has_default:
            lines.append(f'{key} = "off"')
    for key in inner:
        lines += _table(f"{name}.{key}", values[key], getattr(section, key))
    return lines


def _without_what_follows(model: ModelConfig, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model's keys but for those whose value would be the same if they were left out."""
    kept = dict(values)
    switches = ARCHITECTURES[model.architecture]
    for key in ("num_kv_heads", "head_width", "feed_forward_width", *switches):
        rest = {name: value for name, value in kept.items() if name != key}
        try:
            follows = ModelConfig.model_validate(rest) == model
        except ValidationError:
            follows = False
        if follows:
            kept = rest
    return kept


def sections() -> tuple[str, ...]:
    """Return the names of a recipe's sections, in the order of the road."""
    return tuple(_section_types())


def toml_value(value: Any) -> str:
    """Return a value as TOML spells it."""
    if isinstance(value, list):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{toml_value(key)} = {toml_value(item)}" for key, item in value.items())
            + "}"
        )
    if isinstance(value, str):
        # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    assert isinstance(value, bool | int | float), f"no TOML for {value!r}"
    return str(value).lower() if isinstance(value, bool) else repr(value)
