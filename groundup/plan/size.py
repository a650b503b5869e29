"""One dial, ``size`` or ``depth``: the shape of a model and how it is trained follow from it.

A size is the name of a depth. Parameters are counted by ``plan.estimate.num_parameters``, all of
them, embeddings too (the head is tied to them), for architecture qwen3:

=====  =====  =====  =====  ============  =======  ==========  ===========
size   depth  width  heads  feed-forward  context  vocabulary  parameters
=====  =====  =====  =====  ============  =======  ==========  ===========
1m         2    160      5           448      256       2,048    0.96 M
3m         3    256      4           704      256       2,048    2.93 M
10m        5    384      6         1,024      512       4,096    10.4 M
30m        8    512      8         1,408      512       8,192    29.9 M
124m      12    768     12         2,048    1,024      49,152     123 M
350m      18  1,152     18         3,072    2,048      49,152     343 M
1b        26  1,664     26         4,480    2,048      49,152     951 M
=====  =====  =====  =====  ============  =======  ==========  ===========

*Shape.* From depth 8 on the width is 64 × depth, nanochat's rule. Below that it is wider: a core
multiplies larger matrices faster, and few layers wait less for each other. Heads are 64 wide, at
depths 1 and 2 only 32, so that there are a few. The vocabulary grows with the model, or the head
would be most of the work: it is a third of 1m and of 124m, a tenth of 1b.

*Tokens.* Without a budget, 20 per parameter (Hoffmann et al. 2022, arXiv 2203.15556, table 3).
Their models had 70 M parameters and more; below that the ratio is carried on as it is, for want of
a better one. A corpus with fewer tokens is repeated: up to four times costs almost nothing, and at
about forty there is nothing left to learn (arXiv 2305.16264, figure 1); ``--dry-run`` shows epochs.

*Batch.* 0.58 D^0.571 tokens per step for D tokens in all, whatever the model (Step Law, arXiv
2503.04715), to a power of two. Where the budget is a time, D is what this machine will manage.

*Learning rates.* Those found for a 3m, 256 wide, carried over by ``train.optimizers.transfer``; for
AdamW alone ``TrainConfig``'s, 384 wide. The batch that the rule above gives leaves them as they
are: the quickstart's 4,096 tokens and nanochat's 524,288 have one Muon rate, 0.02; a longer
training seems to want a lower rate as a larger batch wants a higher one. Another batch scales them
by the square root of the ratio. None of this was tried here beyond 10 M parameters.
"""

import math
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Literal

import torch

from groundup import machine
from groundup.errors import UsageError
from groundup.model import ModelConfig
from groundup.plan.estimate import (
    UTILIZATION,
    activation_bytes,
    flops_per_token,
    loss_bytes,
    num_parameters,
    training_memory,
)
from groundup.train.config import TrainConfig
from groundup.train.duration import Duration
from groundup.train.optimizers.transfer import batch_factor, width_factor

Size = Literal["1m", "3m", "10m", "30m", "124m", "350m", "1b"]

DEPTHS: dict[Size, int] = {
    "1m": 2,
    "3m": 3,
    "10m": 5,
    "30m": 8,
    "124m": 12,
    "350m": 18,
    "1b": 26,
}

DEEPEST = 48
"""3,072 wide, five and a half billion parameters."""

TOKENS_PER_PARAMETER = 20

MEMORY_SHARE = 0.5
"""Of the machine's memory that a training step may take; the rest is for others and for errors of
the estimate."""


@dataclass(frozen=True)
class Shape:
    """What a depth says about model and vocabulary."""

    num_layers: int
    width: int
    head_width: int
    context_length: int
    vocab_size: int

    @classmethod
    def of_depth(cls, depth: int) -> "Shape":
        """Return the shape of a model of so many layers, from 1 on."""
        assert depth >= 1
        if depth < 3:
            width, head_width = 64 * depth + 32, 32
        else:
            width, head_width = 64 * (depth if depth >= 8 else depth + 1), 64
        return cls(
            num_layers=depth,
            width=width,
            head_width=head_width,
            context_length=_by_depth(depth, {1: 256, 4: 512, 9: 1024, 16: 2048}),
            vocab_size=_by_depth(depth, {1: 2048, 4: 4096, 7: 8192, 9: 16_384, 12: 49_152}),
        )

    def num_heads(self, width: int, head_width: int = 0) -> int:
        """Return how many heads go into ``width``: as wide as the shape's, or a little wider."""
        if head_width:
            return max(1, width // head_width)
        fitting = (d for d in range(self.head_width, width, 2) if width % d == 0)
        return width // next(fitting, width)


def _by_depth(depth: int, values: dict[int, int]) -> int:
    """Return the value of the last of the depths, in rising order, that is not deeper."""
    return [value for least, value in values.items() if least <= depth][-1]


def batch_tokens(tokens: float) -> int:
    """Return how many tokens a step should have in a training on ``tokens``: a power of two."""
    return 2 ** max(0, round(math.log2(0.58 * tokens**0.571)))


def tokens_of_steps(steps: int) -> float:
    """Return the tokens of so many steps, each of ``batch_tokens`` of them before rounding."""
    return (0.58 * steps) ** (1 / (1 - 0.571))


def chinchilla_tokens(parameters: int) -> int:
    """Return 20 tokens per parameter, to two digits."""
    tokens = TOKENS_PER_PARAMETER * parameters
    unit = 10 ** max(0, len(str(tokens)) - 2)
    return round(tokens / unit) * unit


@dataclass(frozen=True)
class Training:
    """What the dial says about training.

    Attributes:
        settings: keys of ``TrainConfig`` and their values.
        tokens: that it reckons with.
        reason: where they come from, in words.
    """

    settings: dict[str, Any]
    tokens: float
    reason: str


def choose_training(
    model: ModelConfig,
    pretrain: TrainConfig,
    given: AbstractSet[str],
    *,
    flops_per_second: Callable[[], float],
    memory_bytes: int,
) -> Training:
    """Return the settings of training that are not ``given``, for a model of known vocabulary.

    Args:
        model: whose shape is settled.
        pretrain: with what the user has set.
        given: the names of what the user has set; a ``base_width`` or ``base_batch_tokens`` among
            them says that the learning rates, too, are the user's.
        flops_per_second: what a training step reaches here; asked where the budget is a time.
        memory_bytes: of the device; 0: unknown.

    Raises:
        UsageError: a sequence of the model's context is longer than the budget.
    """
    settings: dict[str, Any] = {}
    length = pretrain.duration if given & {"budget", "max_steps"} else None
    if length is None:
        tokens: float = chinchilla_tokens(num_parameters(model))
        reason = f"{TOKENS_PER_PARAMETER} per parameter, arXiv 2203.15556"
        settings["budget"] = str(Duration.parse(f"{int(tokens)} tokens"))
    else:
        tokens, reason = _tokens_within(length, model, pretrain, given, flops_per_second)
    T = model.context_length
    if length is not None and length.unit == "tokens" and length.amount < T:
        raise UsageError(
            f"model.context_length {T}: one sequence is longer than pretrain.budget, {length}"
        )
    best = max(batch_tokens(tokens), T)
    if "batch_size" not in given:
        settings["batch_size"] = max(1, best // T)
    batch_size = settings.get("batch_size", pretrain.batch_size)
    if not given & {"base_width", "base_batch_tokens"}:
        rates = _learning_rates(model, pretrain)
        if "learning_rate" in given:
            del rates["embedding_learning_rate"]  # which by default is the same
        # 3 digits: enough, and they read well
        factor = batch_factor(batch_size * T, best) if "batch_size" in given else 1.0
        settings |= {k: float(f"{v * factor:.3g}") for k, v in rates.items() if k not in given}
    if "micro_batch_size" not in given:
        tried = pretrain.model_copy(update={"batch_size": batch_size})
        settings["micro_batch_size"] = _micro_batch_size(model, tried, memory_bytes)
    return Training(settings, tokens, reason)


def _tokens_within(
    length: Duration,
    model: ModelConfig,
    pretrain: TrainConfig,
    given: AbstractSet[str],
    flops_per_second: Callable[[], float],
) -> tuple[float, str]:
    """Return about how many tokens a training of this length sees, and why, in words."""
    if length.unit == "tokens":
        return float(length.amount), "as the budget says"
    if length.unit == "steps":
        steps = int(length.amount)
        if "batch_size" in given:
            return steps * pretrain.batch_size * model.context_length, f"in {steps:,} steps"
        return tokens_of_steps(steps), f"in {steps:,} steps"
    if length.unit == "seconds":
        rate = flops_per_second()
        tokens = float(length.amount) * rate / flops_per_token(model)
        return max(1.0, tokens), f"in {length} at {rate / 1e12:.2g} TFLOP/s measured here"
    # how many an epoch has is known when the text is tokenized
    tokens = chinchilla_tokens(num_parameters(model))
    return tokens, f"{TOKENS_PER_PARAMETER} per parameter are reckoned with for {length}"


def _learning_rates(model: ModelConfig, pretrain: TrainConfig) -> dict[str, float]:
    """Return the rates at the model's width, for the batch that ``batch_tokens`` gives."""

    def at_width(rate: float, base: int, group: str, scale: Any = None) -> float:
        return rate * width_factor(group, scale, width=model.width, base_width=base)

    if pretrain.optimizer == "adamw":
        return {
            "learning_rate": at_width(3e-3, 384, "block matrices"),
            "embedding_learning_rate": at_width(3e-3, 384, "embeddings"),
        }
    scale = pretrain.muon_scale
    muon = (0.02, 256) if scale == "shape" else (3e-3, 384)  # by "rms" updates are as AdamW's
    # AdamW's own: norms and biases, and the head where it is not tied
    rest = "norms and biases" if model.tie_embeddings else "other matrices"
    return {
        "muon_learning_rate": at_width(*muon, "block matrices", scale),
        "learning_rate": at_width(0.03, 256, rest),
        "embedding_learning_rate": at_width(0.03, 256, "embeddings"),
    }


def _micro_batch_size(model: ModelConfig, pretrain: TrainConfig, memory_bytes: int) -> int:
    """Return the most sequences at once that memory bears, 0 for all: the result is the same.

    One at least, also where that is too much: the plan tells how much memory it takes.
    """
    dtype = _dtype(pretrain)
    # every size of a ramp is made of whole micro-batches
    whole = math.gcd(pretrain.batch_size, *(size for _, size in pretrain.batch_ramp))
    micro = pretrain.batch_size

    def too_large(micro: int) -> bool:
        tried = pretrain.model_copy(update={"micro_batch_size": micro})
        return training_memory(model, tried, dtype) > MEMORY_SHARE * memory_bytes

    if not memory_bytes or not too_large(micro):
        return 0
    return next((m for m in _divisors(whole) if not too_large(m)), 1)


def check_context(model: ModelConfig, pretrain: TrainConfig, memory_bytes: int) -> None:
    """Refuse a context of which one sequence takes more memory than there is.

    Args:
        model: whose context the user chose.
        pretrain: tells the precision.
        memory_bytes: of the device; 0: unknown.

    Raises:
        UsageError: it does.
    """
    T, dtype = model.context_length, _dtype(pretrain)
    one = T * activation_bytes(model, dtype) + loss_bytes(model, T, dtype)
    if memory_bytes and one > memory_bytes:
        raise UsageError(
            f"model.context_length {T}: to train on one sequence takes about {one / 1e9:.0f} GB of "
            f"memory, and this machine has {memory_bytes / 1e9:.0f}; make it shorter"
        )


def _dtype(pretrain: TrainConfig) -> torch.dtype:
    """Return the precision that is reckoned with: the one that takes more, where it is open."""
    return torch.bfloat16 if pretrain.precision == "bfloat16" else torch.float32


def _divisors(number: int) -> list[int]:
    """Return the divisors of a number, the largest first."""
    small = [d for d in range(1, math.isqrt(number) + 1) if number % d == 0]
    return sorted({*small, *(number // d for d in small)}, reverse=True)


def training_rate(pretrain: TrainConfig) -> float:
    """Return the FLOP/s that a training step should reach here; measured for about a second."""
    machine.set_threads(pretrain.threads)
    device = machine.pick_device(pretrain.device)
    dtype = machine.pick_precision(pretrain.precision, device)
    return machine.peak_flops(dtype, device) * UTILIZATION[dtype]


def device_memory(pretrain: TrainConfig) -> int:
    """Return the memory that training would have here, bytes; 0 where the system does not say."""
    device = machine.pick_device(pretrain.device)
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return int(machine.describe()["memory_bytes"])
