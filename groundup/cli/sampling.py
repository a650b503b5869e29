"""What the commands that let a model write have in common: which model, and how to sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro
from pydantic import ValidationError

from groundup.cli.flags import parse_options
from groundup.errors import UsageError
from groundup.files import expand_user
from groundup.generate import SamplingConfig
from groundup.machine import pick_device, pick_precision
from groundup.model import RNN, Transformer, load_model, resolve_model_folder
from groundup.recipe.read import say_problem
from groundup.tokenizer import Tokenizer, load_tokenizer

Option = tuple[str, Any, Any]

MODEL_OPTIONS: tuple[Option, ...] = (
    (
        "run",
        Annotated[
            str,
            tyro.conf.Positional,
            tyro.conf.arg(metavar="RUN", help="A run's folder, runs/NAME, or a model folder."),
        ],
        tyro.MISSING,
    ),
    (
        "device",
        Annotated[str, tyro.conf.arg(help="auto, cpu, cuda, mps.")],
        "auto",
    ),
    (
        "precision",
        Annotated[
            Literal["auto", "float32", "bfloat16"],
            tyro.conf.arg(help="Of the weights; auto: bfloat16 where it multiplies faster."),
        ],
        "float32",
    ),
)


@dataclass(frozen=True)
class Writer:
    """A model, ready to write, and the folder it came from."""

    model: Transformer | RNN
    tokenizer: Tokenizer
    folder: Path


def read_options(
    program: str,
    arguments: Sequence[str],
    options: Sequence[Option],
    defaults: SamplingConfig,
) -> tuple[Any, SamplingConfig]:
    """Return the command's own options and how to sample.

    Raises:
        UsageError: an unknown option, a bad value, or values that contradict each other.
    """
    parsed, given = parse_options(arguments, defaults, options, program)
    try:
        return parsed, SamplingConfig.model_validate(defaults.model_dump() | given)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        flag = "".join(f"--{key}: " for key in problem["loc"][:1]).replace("_", "-")
        raise UsageError(f"{flag}{say_problem(problem)}") from None


def open_writer(run: str, device: str, precision: Literal["auto", "float32", "bfloat16"]) -> Writer:
    """Load the model that ``run`` means, and its tokenizer.

    Raises:
        UserError: there is none, or its files are damaged.
    """
    folder = resolve_model_folder(expand_user(run))
    where = pick_device(device)
    model = load_model(folder, device=where, dtype=pick_precision(precision, where))
    return Writer(model, load_tokenizer(folder), folder)
