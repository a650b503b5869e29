"""Command lines by tyro: every key of a recipe is an option, every mistake one line."""

import contextlib
import dataclasses
import difflib
import io
import itertools
from collections.abc import Callable, Sequence
from functools import partial, reduce
from typing import Annotated, Any, TypeVar

import tyro
from pydantic import BaseModel

from groundup.config import Config
from groundup.errors import UsageError

T = TypeVar("T")

SWITCHES = ("true", "false")
"""Words that may stand behind the option of a key that is one or the other."""


def parse(function: Callable[..., T], arguments: Sequence[str], program: str) -> T:
    """Call ``function`` (or build a dataclass) from the command line, by its annotations.

    Raises:
        UsageError: the arguments do not fit; one line instead of tyro's box.
        SystemExit: ``--help`` was asked for and printed.
    """
    box = io.StringIO()
    try:
        # Colours and the terminal's width stay tyro's; only errors are taken from it.
        with contextlib.redirect_stderr(box):
            return tyro.cli(function, prog=program, args=list(arguments))
    except SystemExit as error:
        if error.code in (0, None):
            raise
        raise UsageError(f"{_one_line(box.getvalue())}; see {program} --help") from None


def _one_line(box: str) -> str:
    """Return the message of one of tyro's boxes: what stands between its title and a rule.

    Where stdout is not UTF-8 the box has no sides and a rule under its title.
    """
    lines = [line.strip("│ ") for line in box.splitlines() if not line.startswith(("╭", "╰"))]
    if not box.startswith("╭"):
        lines = lines[2:]
    message = itertools.takewhile(lambda line: not line or set(line) - {"─", "-"}, lines)
    return " ".join(" ".join(message).split()).rstrip(".") or "these arguments do not fit"


def parse_options(
    arguments: Sequence[str],
    known: Config,
    extra: Sequence[tuple[str, Any, Any]],
    program: str,
    about: str | None = None,
) -> tuple[Any, dict[str, Any]]:
    """Return a command's options, and those among them that are keys of ``known``, nested.

    Args:
        arguments: the command line.
        known: gives names, types, help texts and defaults of keys.
        extra: the command's own options: name, annotation, default.
        program: the command, for messages.
        about: the help's first lines; by default those of ``known``.

    Raises:
        UsageError: an unknown option, or a value that does not fit; not yet whether values fit
            together.
        SystemExit: ``--help`` was asked for and printed.
    """
    words = _as_flags(arguments, known)
    _check_names(words, known, [*(name for name, _, _ in extra), "help"], program)
    kind = options_of(known, extra)
    if about is not None:
        kind.__doc__ = about
    parsed = parse(kind, words, program)
    return parsed, _given_options(parsed, words, known)


def options_of(config: Config, extra: Sequence[tuple[str, type, Any]] = ()) -> type[Any]:
    """Return a dataclass with one plain, unchecked field per key of ``config``.

    tyro makes options of it. Nothing is derived or refused here, because a key means something
    only together with the others: the merged recipe is checked as a whole.

    Args:
        config: gives names, types, help texts and the defaults that ``--help`` shows.
        extra: more fields before them: name, annotation, default.
    """
    fields: list[tuple[str, Any, Any]] = [
        (name, annotation, dataclasses.field(default=default))
        for name, annotation, default in extra
    ]
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        text = tyro.conf.arg(help=" ".join((field.description or "").split()))
        kind: Any = field.annotation
        if isinstance(value, Config):
            kind = options_of(value)
            value = kind()
        # a table of numbers can be changed, so each made options object gets its own
        default: Any = (
            dataclasses.field(default_factory=partial(dict, value))
            if isinstance(value, dict)
            else dataclasses.field(default=value)
        )
        fields.append((name, Annotated[kind, text], default))
    made = dataclasses.make_dataclass(type(config).__name__, fields, frozen=True)
    made.__doc__ = type(config).__doc__
    return made


def _given_options(parsed: Any, arguments: Sequence[str], known: Config) -> dict[str, Any]:
    """Return, nested, the values of those options that the command line names.

    Named, not changed: ``--model.no-bias`` counts even where the recipe says so too, for it must
    hold when another option changes the architecture and with it the default.
    """
    overrides: dict[str, Any] = {}
    for name in _named(arguments):
        path = _key_path(name, known)
        if path is None:
            continue
        value, node = parsed, overrides
        for key in path:
            value = getattr(value, key)
        for key in path[:-1]:
            node = node.setdefault(key, {})
        node[path[-1]] = value
    return overrides


def _as_flags(arguments: Sequence[str], known: Config) -> list[str]:
    """Return the command line with ``--key true`` and ``--key=false`` as ``--key``, ``--no-key``.

    A recipe says it so, and other programs do.
    """
    words: list[str] = []
    for before, word in itertools.pairwise(["", *arguments]):
        if word.lower() in SWITCHES and _is_switch(before, known):
            words[-1] = _switched(before, word)
            continue
        name, _, value = word.partition("=")
        switches = value.lower() in SWITCHES and _is_switch(name, known)
        words.append(_switched(name, value) if switches else word)
    return words


def _is_switch(word: str, known: Config) -> bool:
    """Whether a word is ``--key``, not ``--no-key``, of a key that is true or false."""
    path = _key_path(word[2:].replace("-", "_"), known) if word.startswith("--") else None
    if path is None or path[-1] != word.rpartition(".")[2].lstrip("-").replace("-", "_"):
        return False
    return isinstance(reduce(getattr, path, known), bool)


def _switched(name: str, value: str) -> str:
    if value.lower() == "true":
        return name
    section, dot, key = name[2:].rpartition(".")
    return f"--{section}{dot}no-{key}"


def _check_names(
    arguments: Sequence[str], known: Config, others: Sequence[str], program: str
) -> None:
    """Refuse an option that no key answers to, and say which one was probably meant.

    Raises:
        UsageError: the first such option.
    """
    names = [*_key_names(known), *others]
    for name in _named(arguments):
        if _key_path(name, known) is None and name.removeprefix("no_") not in others:
            flags = {f"--{known_name.replace('_', '-')}" for known_name in names}
            wrong = f"--{name.replace('_', '-')}"
            close = difflib.get_close_matches(wrong, flags, n=1, cutoff=0.6)
            same = [flag for flag in flags if flag.endswith(f".{wrong[2:]}")]
            hint = f"did you mean {(same or close)[0]}? " if same or close else ""
            raise UsageError(f"{wrong}: unknown option; {hint}See {program} --help")


def _named(arguments: Sequence[str]) -> list[str]:
    """Return the options that the command line names, with underscores: ``pretrain.max_steps``."""
    return [
        argument[2:].partition("=")[0].replace("-", "_")
        for argument in arguments
        if argument.startswith("--") and len(argument) > 2
    ]


def _key_path(name: str, config: Config) -> list[str] | None:
    """Return where an option's value lies in ``config``: ``model.no_bias`` → model, bias."""
    *sections, key = name.split(".")
    node: Any = config
    for section in sections:
        node = getattr(node, section, None)
        if not isinstance(node, BaseModel):
            return None
    fields = type(node).model_fields
    positive = key.removeprefix("no_")
    for candidate in (key, positive if isinstance(getattr(node, positive, None), bool) else key):
        if candidate in fields and not isinstance(getattr(node, candidate), BaseModel):
            return [*sections, candidate]
    return None


def _key_names(config: Config, prefix: str = "") -> list[str]:
    names = []
    for key in type(config).model_fields:
        value = getattr(config, key)
        if isinstance(value, Config):
            names += _key_names(value, f"{prefix}{key}.")
        else:
            names.append(prefix + key)
    return names
