"""A whole run as one typed, validated TOML file; its stages, and what each reads and writes."""

from groundup.recipe.read import find_recipe, own_recipes, read_recipe, write_toml
from groundup.recipe.run import evaluate_run, run_recipe
from groundup.recipe.schema import EvaluateConfig, Recipe
from groundup.recipe.stage import InterruptedRun, Outcome

__all__ = [
    "EvaluateConfig",
    "InterruptedRun",
    "Outcome",
    "Recipe",
    "evaluate_run",
    "find_recipe",
    "own_recipes",
    "read_recipe",
    "run_recipe",
    "write_toml",
]
