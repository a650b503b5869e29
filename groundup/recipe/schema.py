"""What a recipe says: one typed section per stage, every key documented, unknown keys refused."""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from groundup.config import Config
from groundup.corpus import CorpusConfig
from groundup.errors import UserError
from groundup.files import expand_user
from groundup.generate import SamplingConfig
from groundup.model import ModelConfig
from groundup.plan.size import DEEPEST, Size
from groundup.tokenizer import TokenizerConfig
from groundup.train.config import TrainConfig

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
"""Keys of ``EvaluateConfig`` that ``SamplingConfig`` has by the same name."""


class EvaluateConfig(Config):
    """Which numbers are taken of the finished model."""

    tasks: tuple[Literal["bits_per_byte", "python_syntax"], ...] = Field(
        default=("bits_per_byte",), min_length=1
    )
    """Numbers to take: bits_per_byte of the held-out text; python_syntax, the share of samples
    that Python parses."""

    batch_size: int = Field(default=32, ge=1)
    """Sequences per forward pass."""

    num_samples: int = Field(default=100, ge=1)
    """Samples that python_syntax draws."""

    sample_tokens: int = Field(default=110, ge=1)
    """Length of each sample, tokens."""

    prompts: tuple[str, ...] = Field(default=("",), min_length=1)
    """Beginnings of the samples, taken in turn; an empty one lets the model open a document."""

    temperature: float = Field(default=0.8, ge=0)
    """Temperature of the samples; 0 always takes the likeliest token."""

    top_k: int = Field(default=0, ge=0)
    """Samples take only this many likeliest tokens; 0: all."""

    top_p: float = Field(default=1.0, gt=0, le=1)
    """Samples take only the likeliest tokens that together reach this probability; 1: all."""

    min_p: float = Field(default=0.0, ge=0, le=1)
    """Samples take only tokens at least this fraction as likely as the likeliest; 0: all."""

    repetition_penalty: float = Field(default=1.0, gt=0)
    """Above 1, tokens already in the sample become less likely; 1 is off."""

    @property
    def sampling(self) -> SamplingConfig:
        """How python_syntax draws its samples."""
        return SamplingConfig(**{key: getattr(self, key) for key in SAMPLING})

    @model_validator(mode="after")
    def _check(self) -> Self:
        if "python_syntax" not in self.tasks:
            idle = ("num_samples", "sample_tokens", "prompts", *SAMPLING)
            self.refuse_idle(*idle, why="without python_syntax in tasks")
        if self.temperature == 0:
            self.refuse_idle("top_k", "top_p", "min_p", why="at temperature 0")
        try:
            _ = self.sampling  # a mistake here would otherwise show after the training
        except ValidationError as error:
            raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
        return self


class Recipe(Config):
    """A whole run, from raw text to a working model; any key can also be given as an option."""

    name: str = Field(default="run", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)
    """Name of the run and of its folder: letters, digits, dot, dash, underscore. A recipe that
    does not say takes its file's name."""

    seed: int = Field(default=1337, ge=0, lt=2**63)
    """Seed of everything random: first weights, order of the data, dropout, samples."""

    runs: Path = Path("runs")
    """Folder that holds the runs."""

    size: Size | None = None
    """One dial for shape and training: sets layers, width, heads, feed-forward and context of the
    model, tokenizer.vocab_size, and of pretrain batch_size, micro_batch_size, the learning rates
    and, without a budget, 20 tokens per parameter. A key that stands beside it wins; on the command
    line it wins over the recipe's keys."""

    depth: int | None = Field(default=None, ge=1, le=DEEPEST, strict=True)
    """The same dial in layers, instead of size; from 8 on the width is 64 × depth. The sizes are
    depths 2, 3, 5, 8, 12, 18 and 26."""

    corpus: CorpusConfig = CorpusConfig()
    """Raw sources to documents."""

    tokenizer: TokenizerConfig = TokenizerConfig()
    """Text to token ids."""

    model: ModelConfig = ModelConfig()
    """Shape of the model."""

    pretrain: TrainConfig = TrainConfig()
    """Training on next tokens."""

    evaluate: EvaluateConfig = EvaluateConfig()
    """Numbers of the finished model."""

    @field_validator("runs")
    @classmethod
    def _at_home(cls, runs: Path) -> Path:
        try:
            return expand_user(runs)
        except UserError as error:
            raise ValueError(str(error)) from None

    @model_validator(mode="after")
    def _one_dial(self) -> Self:
        if self.size and self.depth:
            raise ValueError("size and depth are two names of one dial; leave one out")
        return self

    @property
    def folder(self) -> Path:
        """The run's folder, ``runs/NAME``."""
        return self.runs / self.name
