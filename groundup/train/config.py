"""How a model is trained: every number that decides the result, and what is written on the way."""

from itertools import pairwise
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BeforeValidator,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from groundup.config import Config
from groundup.machine import Precision
from groundup.train.duration import Duration

Ramp = tuple[tuple[float, int], ...]
"""Until which share of the run which value holds."""


def _canonical_budget(budget: Any) -> Any:
    """Return a duration as it is always written, so that equal budgets are equal."""
    if isinstance(budget, bool) or not isinstance(budget, str | int):
        return budget  # pydantic says what is wrong
    return "" if budget == "" else str(Duration.parse(budget))


class TrainConfig(Config):
    """Steps, optimizer, schedule, precision, and what is measured and kept."""

    max_steps: int = Field(default=1000, ge=1)
    """Optimizer steps, unless a budget says how long."""

    budget: Annotated[str, BeforeValidator(_canonical_budget)] = ""
    """How long to train, instead of max_steps: "20M tokens", "3 epochs", "1000 steps", or a time
    ("10 min", "90 s", "1.5 h") from the start of the stage to its end, compiling and saving
    included, which learning rate and ramps follow. By the clock no two runs are the same."""

    batch_size: int = Field(default=32, ge=1)
    """Sequences per step, over all micro-batches."""

    micro_batch_size: int = Field(default=0, ge=0)
    """Sequences per forward pass, a divisor of batch_size; 0: the whole batch. Smaller takes less
    memory and gives the same result."""

    batch_ramp: Ramp = ()
    """Smaller batches at first: [[0.1, 8], [0.3, 16]] is 8 sequences per step until a tenth of the
    run, 16 until 0.3 of it, then batch_size. Learning rates are for batch_size; a smaller step's
    is multiplied by the square root of its share."""

    length_ramp: Ramp = ()
    """Shorter sequences at first: [[0.2, 64]] is 64 tokens until a fifth of the run, then
    model.context_length, of which it is a divisor. There are as many more of them: the tokens of
    a step stay the same, and their order."""

    packing: Literal["stream", "best_fit"] = "stream"
    """stream: documents one after another, cut where a sequence ends. best_fit: no document is cut
    that fits a sequence; a little padding instead."""

    document_mask: bool = False
    """Tokens see only their own document, and positions count from its start."""

    optimizer: Literal["adamw", "muon"] = "muon"
    """adamw for everything, or muon for the matrices of the blocks and adamw for the rest."""

    learning_rate: float = Field(default=3e-3, gt=0)
    """Peak learning rate of AdamW."""

    muon_learning_rate: float = Field(default=0.02, gt=0)
    """Peak learning rate of Muon."""

    embedding_learning_rate: float | None = Field(default=None, gt=0)
    """Peak learning rate of embeddings, and of a head tied to them; by default learning_rate."""

    base_width: int = Field(default=0, ge=0)
    """Width of the model that the learning rates were tuned on: at another width they are scaled
    (train/optimizers/transfer.py); 0: they are taken as they are."""

    base_batch_tokens: int = Field(default=0, ge=0)
    """Tokens per step that the learning rates were tuned on: with others they are scaled by the
    square root of the ratio; 0: they are taken as they are."""

    weight_decay: float = Field(default=0.1, ge=0)
    """Share of a matrix taken away per step and unit of learning rate; embeddings, norms and
    biases have none."""

    cautious_weight_decay: bool = False
    """Decay a weight only where the update shrinks it too (arXiv 2510.12402)."""

    beta1: float = Field(default=0.9, ge=0, lt=1)
    """AdamW: decay of the average gradient."""

    beta2: float = Field(default=0.95, ge=0, lt=1)
    """AdamW: decay of the average squared gradient."""

    eps: float = Field(default=1e-8, gt=0)
    """AdamW: added to the root of the average squared gradient."""

    momentum: float = Field(default=0.95, ge=0, lt=1)
    """Muon: decay of the average gradient."""

    momentum_warmup_steps: int = Field(default=0, ge=0)
    """Muon: steps over which momentum rises from 0.85 to its value; 0: none."""

    muon_coefficients: Literal["jordan", "polar-express"] = "jordan"
    """Muon: polynomials of its Newton–Schulz steps; polar-express comes nearer to orthogonal at the
    same cost (arXiv 2505.16932)."""

    muon_steps: int = Field(default=5, ge=1, le=5)
    """Muon: Newton–Schulz steps; fewer are cheaper and leave singular values further from 1."""

    muon_scale: Literal["shape", "rms"] = "shape"
    """Muon: updates scaled by √max(1, rows/columns), or by 0.2·√max(rows, columns) to the size of
    AdamW's, for a muon_learning_rate like AdamW's (arXiv 2502.16982)."""

    clip_norm: float = Field(default=1.0, ge=0)
    """Gradients of a larger global norm are scaled down to it; 0: never."""

    spike_factor: float = Field(default=0.0, ge=0)
    """A step whose gradient norm or loss exceeds this many times the median of the last accepted
    steps, or is not finite, updates nothing; 0: all are accepted, and one that is not finite ends
    the run."""

    spike_window: int = Field(default=64, ge=2)
    """Accepted steps in that median; until there are as many, all finite ones are accepted."""

    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    """Validate, sample and keep an exponential moving average of the weights, which keeps this
    share of itself at each step; 0: the weights themselves."""

    average_last: int = Field(default=0, ge=0)
    """Validate, sample and keep the mean of this many snapshots of the weights; 0: none."""

    average_fraction: float = Field(default=0.2, gt=0, le=1)
    """average_last: the last part of the run, over which the snapshots are spaced evenly."""

    schedule: Literal["wsd", "cosine", "inverse_sqrt", "constant"] = "wsd"
    """Learning rate after warm-up: warm-up–stable–decay, cosine, 1/√step, or constant."""

    warmup_steps: int = Field(default=20, ge=0)
    """Steps over which the learning rate rises linearly to its peak."""

    warmup_fraction: float = Field(default=0.0, ge=0, lt=1)
    """The same as a share of the run, instead of warmup_steps; 0: by warmup_steps."""

    decay_fraction: float = Field(default=0.4, ge=0, le=1)
    """wsd: the last part of the run, over which the learning rate falls linearly."""

    final_fraction: float = Field(default=0.0, ge=0, le=1)
    """Where cosine and wsd end, as a part of the peak."""

    precision: Precision = "auto"
    """Matrix products in float32 or bfloat16; auto: bfloat16 where it is measured to be faster.
    Weights and optimizer state are float32 either way."""

    float8: bool = False
    """Matrix products of the blocks in float8, on a GPU that has it; the rest stays bfloat16."""

    compile: Literal["auto", "on", "off"] = "auto"
    """Compile the forward and backward pass; auto: where a compiler is and the run is long enough
    to earn the half minute back. A run by the clock tries, and keeps what is faster."""

    device: str = "auto"
    """Where to compute: auto, cpu, cuda, cuda:1, mps."""

    threads: int = Field(default=0, ge=0)
    """CPU threads; 0: as many as torch chooses."""

    split_batch: Literal["auto", "on", "off"] = "auto"
    """On a CPU, each thread takes a part of the batch (and of Muon's matrices) and not of each
    operation; auto: up to 50 million parameters and 33 million logits a batch, in few enough parts
    that their gradients take at most 400 MB. Losses differ by rounding, and by what dropout
    draws."""

    eval_every: int = Field(default=250, ge=0)
    """Steps between validations; 0: only at the end."""

    sample_every: int = Field(default=250, ge=0)
    """Steps between sample texts, the last step included; 0: none."""

    sample_tokens: int = Field(default=100, ge=1)
    """Length of a sample text, tokens."""

    sample_prompt: str = ""
    """Text that the samples continue; empty: a new document."""

    checkpoint_every: int = Field(default=250, ge=0)
    """Steps between checkpoints; 0: only at the end, at the best validation, when interrupted, and
    as checkpoint_minutes says."""

    checkpoint_minutes: float = Field(default=15.0, ge=0)
    """A checkpoint is also taken where the last is this old: slow steps lose little; 0: never."""

    keep_checkpoints: int = Field(default=2, ge=1)
    """Newest checkpoints that are kept, besides the one of the best validation."""

    log_every: int = Field(default=10, ge=1)
    """Steps between lines where the screen is not a terminal; metrics.jsonl has every step."""

    update_ratio_every: int = Field(default=100, ge=0)
    """Steps between measurements of how far an update moves each group of parameters, as a part of
    their norm, for metrics.jsonl; 0: never."""

    tensorboard: Literal["auto", "on", "off"] = "auto"
    """Also write TensorBoard event files; auto: where tensorboard is installed."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.micro_batch_size and self.batch_size % self.micro_batch_size:
            raise ValueError(
                f"micro_batch_size {self.micro_batch_size} does not divide "
                f"batch_size {self.batch_size}"
            )
        self._check_ramps()
        if self.schedule == "inverse_sqrt" and not (self.warmup_steps or self.warmup_fraction):
            raise ValueError("schedule 'inverse_sqrt' needs warmup_steps or warmup_fraction")
        if self.momentum_warmup_steps and self.momentum <= 0.85:
            raise ValueError("momentum_warmup_steps rises from 0.85: momentum must be larger")
        if 0 < self.spike_factor <= 1:
            raise ValueError("spike_factor must be over 1: half of all steps exceed the median")
        if self.ema_decay and self.average_last:
            raise ValueError("ema_decay and average_last are two ways to average; choose one")
        ignored: list[tuple[str, bool, str]] = [
            ("muon_learning_rate", self.optimizer != "muon", "optimizer 'adamw'"),
            ("momentum", self.optimizer != "muon", "optimizer 'adamw'"),
            ("momentum_warmup_steps", self.optimizer != "muon", "optimizer 'adamw'"),
            ("muon_coefficients", self.optimizer != "muon", "optimizer 'adamw'"),
            ("muon_steps", self.optimizer != "muon", "optimizer 'adamw'"),
            ("muon_scale", self.optimizer != "muon", "optimizer 'adamw'"),
            ("cautious_weight_decay", self.weight_decay == 0, "weight_decay 0"),
            ("spike_window", self.spike_factor == 0, "spike_factor 0"),
            ("average_fraction", self.average_last == 0, "average_last 0"),
            ("decay_fraction", self.schedule != "wsd", f"schedule {self.schedule!r}"),
            (
                "final_fraction",
                self.schedule in ("constant", "inverse_sqrt"),
                f"schedule {self.schedule!r}",
            ),
            ("warmup_steps", self.warmup_fraction > 0, "warmup_fraction"),
            ("sample_prompt", self.sample_every == 0, "sample_every 0"),
            ("sample_tokens", self.sample_every == 0, "sample_every 0"),
        ]
        for field, unused, reason in ignored:
            if unused:
                self.refuse_idle(field, why=f"with {reason}")
        return self

    @model_validator(mode="before")
    @classmethod
    def _one_length(cls, values: Any) -> Any:
        if isinstance(values, dict) and values.get("budget") and "max_steps" in values:
            raise ValueError("max_steps and budget both say how long to train; leave one out")
        return values

    @model_serializer(mode="wrap")
    def _without_idle_steps(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values: dict[str, Any] = write(self)
        if self.budget:
            values.pop("max_steps", None)
        return values

    @property
    def duration(self) -> Duration:
        """How long to train: the budget, or ``max_steps`` where there is none."""
        return Duration.parse(self.budget or self.max_steps)

    def _check_ramps(self) -> None:
        for name, ramp in (("batch_ramp", self.batch_ramp), ("length_ramp", self.length_ramp)):
            ends, values = [until for until, _ in ramp], [value for _, value in ramp]
            if any(a >= b for a, b in pairwise([0.0, *ends, 1.0])):
                raise ValueError(f"{name}: the ends {ends} should rise between 0 and 1")
            if any(a >= b for a, b in pairwise([0, *values])):
                raise ValueError(f"{name}: the values {values} should rise from 1 or more")
        sizes = [value for _, value in self.batch_ramp]
        if sizes and sizes[-1] >= self.batch_size:
            raise ValueError(f"batch_ramp {sizes} should stay below batch_size {self.batch_size}")
        micro = self.micro_batch_size
        if micro and any(size % micro for size in sizes):
            raise ValueError(f"micro_batch_size {micro} does not divide batch_ramp {sizes}")
