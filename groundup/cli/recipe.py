"""What every command on a recipe begins with: ``groundup COMMAND RECIPE [--key VALUE …]``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from groundup.cli.flags import parse_options
from groundup.errors import UsageError
from groundup.recipe import Recipe, find_recipe, own_recipes, read_recipe


def recipe_options(
    command: str,
    arguments: Sequence[str],
    options: Sequence[tuple[str, Any, Any]],
    example: str = "…",
) -> tuple[Path, Any, dict[str, Any]]:
    """Return the recipe's file, the options, and those among them that are keys of the recipe.

    Args:
        command: the command's name.
        arguments: what follows it.
        options: the command's own options: name, annotation, default.
        example: the options that a message shows after RECIPE.

    Raises:
        UsageError: no recipe, or an option that no key answers to.
        SystemExit: ``--help`` was asked for and printed.
    """
    program = f"groundup {command} RECIPE"
    words = list(arguments)
    if words and not words[0].startswith("-"):
        path = find_recipe(words.pop(0))
        recipe = read_recipe(path, preview=True)
    elif {"--help", "-h"} & set(words):
        path, recipe = Path(), Recipe()
    else:
        names = ", ".join(path.stem for path in own_recipes())
        raise UsageError(
            f"which recipe? It comes before the options: {program} {example}, a .toml file or one "
            f"of: {names}"
        )
    return path, *parse_options(words, recipe, options, program)
