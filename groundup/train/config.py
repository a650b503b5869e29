"""How a model is trained: every number that decides the result, and what is written on the way."""

from typing import Literal, Self

from pydantic import Field, model_validator

from groundup.config import Config
from groundup.machine import Precision


class TrainConfig(Config):
    """Steps, optimizer, schedule, precision, and what is measured and kept."""

    max_steps: int = Field(default=1000, ge=1)
    """Optimizer steps."""

    batch_size: int = Field(default=32, ge=1)
    """Sequences per step, over all micro-batches and ranks."""

    micro_batch_size: int = Field(default=0, ge=0)
    """Sequences per forward pass, a divisor of batch_size; 0: the whole batch. Smaller takes less
    memory and gives the same result."""

    document_mask: bool = False
    """Tokens see only their own document, and positions count from its start."""

    optimizer: Literal["adamw", "muon"] = "muon"
    """adamw for everything, or muon for the matrices of the blocks and adamw for the rest."""

    learning_rate: float = Field(default=3e-3, gt=0)
    """Peak learning rate of AdamW."""

    muon_learning_rate: float = Field(default=0.02, gt=0)
    """Peak learning rate of Muon."""

    weight_decay: float = Field(default=0.1, ge=0)
    """Share of a matrix taken away per step and unit of learning rate; embeddings, norms and
    biases have none."""

    beta1: float = Field(default=0.9, ge=0, lt=1)
    """AdamW: decay of the average gradient."""

    beta2: float = Field(default=0.95, ge=0, lt=1)
    """AdamW: decay of the average squared gradient."""

    eps: float = Field(default=1e-8, gt=0)
    """AdamW: added to the root of the average squared gradient."""

    momentum: float = Field(default=0.95, ge=0, lt=1)
    """Muon: decay of the average gradient."""

    clip_norm: float = Field(default=1.0, ge=0)
    """Gradients of a larger global norm are scaled down to it; 0: never."""

    schedule: Literal["cosine", "wsd", "constant"] = "wsd"
    """Learning rate after warm-up: cosine, warm-up–stable–decay, or constant."""

    warmup_steps: int = Field(default=20, ge=0)
    """Steps over which the learning rate rises linearly to its peak."""

    decay_fraction: float = Field(default=0.4, ge=0, le=1)
    """wsd: the last part of the steps, over which the learning rate falls linearly."""

    final_fraction: float = Field(default=0.0, ge=0, le=1)
    """Where cosine and wsd end, as a part of the peak."""

    precision: Precision = "auto"
    """Matrix products in float32 or bfloat16; auto: bfloat16 where it is measured to be faster.
    Weights and optimizer state are float32 either way."""

    compile: Literal["auto", "on", "off"] = "auto"
    """Compile the forward and backward pass; auto: where a compiler is and the run is long enough
    to earn the half minute back."""

    device: str = "auto"
    """Where to compute: auto, cpu, cuda, cuda:1, mps."""

    threads: int = Field(default=0, ge=0)
    """CPU threads; 0: as many as torch chooses."""

    eval_every: int = Field(default=250, ge=0)
    """Steps between validations; 0: only at the end."""

    sample_every: int = Field(default=250, ge=0)
    """Steps between sample texts, the last step included; 0: none."""

    sample_tokens: int = Field(default=100, ge=1)
    """Length of a sample text, tokens."""

    sample_prompt: str = ""
    """Text that the samples continue; empty: a new document."""

    checkpoint_every: int = Field(default=250, ge=0)
    """Steps between checkpoints; 0: only at the end, at the best validation, when interrupted."""

    keep_checkpoints: int = Field(default=2, ge=1)
    """Newest checkpoints that are kept, besides the one of the best validation."""

    log_every: int = Field(default=10, ge=1)
    """Steps between lines where the screen is not a terminal; metrics.jsonl has every step."""

    tensorboard: Literal["auto", "on", "off"] = "auto"
    """Also write TensorBoard event files; auto: where tensorboard is installed."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.micro_batch_size and self.batch_size % self.micro_batch_size:
            raise ValueError(
                f"micro_batch_size {self.micro_batch_size} does not divide "
                f"batch_size {self.batch_size}"
            )
        # A setting that would be ignored is a mistake. Compared with the default, not by whether it
        # was given: a recipe that was written out in full names every field.
        ignored: list[tuple[str, bool, str]] = [
            ("muon_learning_rate", self.optimizer != "muon", "optimizer 'adamw'"),
            ("momentum", self.optimizer != "muon", "optimizer 'adamw'"),
            ("decay_fraction", self.schedule != "wsd", f"schedule {self.schedule!r}"),
            ("final_fraction", self.schedule == "constant", "schedule 'constant'"),
            ("sample_prompt", self.sample_every == 0, "sample_every 0"),
            ("sample_tokens", self.sample_every == 0, "sample_every 0"),
        ]
        for field, unused, reason in ignored:
            if unused and getattr(self, field) != type(self).model_fields[field].default:
                raise ValueError(f"{field} has no effect with {reason}; leave it out")
        return self
