"""Before you train: how many parameters, tokens, operations, bytes and minutes."""

from dataclasses import dataclass

import torch

from groundup.model import ModelConfig, build_on_meta
from groundup.model.attention import FUSED_FROM, TILE
from groundup.objectives.linear_cross_entropy import CHUNK_LOGITS, CHUNK_ROWS
from groundup.objectives.pretrain import FUSED_FROM as ONE_OPERATION_FROM
from groundup.train import flops as train_flops
from groundup.train.budget import num_sequences, step_sizes
from groundup.train.config import TrainConfig
from groundup.train.workers import most_parts

UTILIZATION = {torch.float32: 0.6, torch.bfloat16: 0.4}
"""Share of the measured matrix-product peak that a whole training step reaches.

Training 8 layers of 256 on two AVX512-BF16 cores logged 0.29 to 0.53 in bfloat16, compiled, as
other programs came and went; an eager float32 step of the benchmark's shape ran at about 0.65. The
rest goes into norms, softmax, the optimizer and moving memory; where bfloat16's peak is higher
still, that rest weighs more.
"""


LOGIT_BYTES = 14
"""Memory that a logit takes at its most, in the backward pass of the plain loss: its
log-probability and the gradients of both in float32, and about as much as a bfloat16 copy besides.
Measured: 13.6 in float32, 13.5 in bfloat16.
"""


def num_parameters(config: ModelConfig) -> int:
    """Return the number of trained numbers, tied matrices counted once."""
    return sum(parameter.numel() for parameter in build_on_meta(config).parameters())


def num_matmul_parameters(config: ModelConfig) -> int:
    """Return the number of parameters that multiply every token: the matrices, head included."""
    return train_flops.flops_per_token(build_on_meta(config), 0) // 6


def flops_per_token(config: ModelConfig, context_length: int | None = None) -> int:
    """Return the operations of one training step per token (``train.flops``).

    Args:
        config: the model.
        context_length: tokens per sequence; by default the model's longest.
    """
    return train_flops.flops_per_token(
        build_on_meta(config), context_length or config.context_length
    )


def training_memory(
    config: ModelConfig, pretrain: TrainConfig, dtype: torch.dtype, threads: int = 1
) -> int:
    """Return about how many bytes training needs besides Python and torch themselves.

    Weights, gradients and optimizer state in float32 (AdamW keeps two numbers per weight, Muon
    one), an average of the weights if one is kept, a copy of them in ``dtype``, and what the
    backward pass needs of one micro-batch: the blocks' activations, the logits and their loss, and
    gradients in ``dtype`` for each part that one of a CPU's ``threads`` takes.
    """
    size = dtype.itemsize
    state = 8 if pretrain.optimizer == "adamw" else 6
    average = 4 if pretrain.ema_decay or pretrain.average_last else 0
    parameters = num_parameters(config)
    weights = parameters * (4 + 4 + state + average + (size if size < 4 else 0))
    parts = most_parts(pretrain, config, parameters, threads)
    if parts > 1:
        weights += parts * parameters * size
    sequences = pretrain.micro_batch_size or pretrain.batch_size
    tokens = sequences * config.context_length
    return weights + tokens * activation_bytes(config, dtype) + loss_bytes(config, tokens, dtype)


def activation_bytes(config: ModelConfig, dtype: torch.dtype) -> int:
    """Return about how many bytes per token the blocks keep for the backward pass.

    Counted in what autograd keeps of real models. A block keeps about 6 C with RMSNorm and 8 C with
    LayerNorm, more for rotary positions and for normalized queries and keys, and all of the
    feed-forward layer. In bfloat16, and with dropout, the attention weights of each tile are kept
    too; and dropout keeps a byte for each number that it may zero.
    """
    C, F = config.width, config.feed_forward_width
    if config.architecture == "rnn":
        return config.num_layers * (3 * C * dtype.itemsize + (C if config.dropout else 0))
    heads = config.num_heads * config.head_width
    numbers = round((6.25 if config.norm == "rmsnorm" else 8) * C)
    numbers += (4 if config.activation == "swiglu" else 2) * F
    numbers += round(2.5 * heads) if config.position == "rope" else 0
    numbers += 2 * heads if config.qk_norm else 0
    numbers += C if config.x0_shortcut else 0
    kv_heads = config.num_kv_heads * config.head_width
    numbers += kv_heads * (config.value_residual + config.value_embeddings)
    T = config.context_length
    tiles = -(-T // TILE)
    weights = round(config.num_heads * T * (1 + 1 / tiles) / 2)
    if config.dropout:  # the weights before and after, what was kept, and the same of both outputs
        per_layer = (numbers + 2 * weights) * dtype.itemsize + weights + 2 * C
        return config.num_layers * per_layer + C
    if dtype != torch.float32 and T < FUSED_FROM:  # above, the kernel keeps none, as in float32
        numbers += weights
    return config.num_layers * numbers * dtype.itemsize


def loss_bytes(config: ModelConfig, tokens: int, dtype: torch.dtype) -> int:
    """Return about how many bytes the logits of a micro-batch and their loss take at their most.

    As one operation that is a chunk of logits, and the head's gradient and casts a few times over:
    16 bytes for each of its numbers, between 14 and 18 measured with a vocabulary of 32,768.
    """
    V = config.vocab_size
    if tokens * V < ONE_OPERATION_FROM:
        return LOGIT_BYTES * tokens * V
    rows = min(tokens, max(CHUNK_ROWS, CHUNK_LOGITS // V))
    return rows * V * dtype.itemsize + 16 * V * config.width


@dataclass(frozen=True)
class Estimate:
    """What a training run will take."""

    parameters: int
    matmul_parameters: int
    tokens_per_step: int
    """Of a full batch."""
    steps: int
    tokens: int
    """That the run trains on; with best-fit packing, padding included."""
    flops: float
    """All operations of the run."""
    seconds: float
    memory_bytes: int


def estimate(
    config: ModelConfig,
    pretrain: TrainConfig,
    *,
    peak_flops: float,
    dtype: torch.dtype,
    threads: int = 1,
) -> Estimate:
    """Return what a run will take on a machine whose matrix products reach ``peak_flops`` FLOP/s.

    A budget of time gives as many steps as fit; compiling and validation, which are in it, are
    not counted here.

    Args:
        config: the model, its vocabulary size known.
        pretrain: how it is trained, its budget in time or settled to steps (``train.budget``).
        peak_flops: measured in ``dtype`` (``machine.peak_flops``).
        dtype: of the matrix products.
        threads: of the CPU, where it trains.
    """
    flops_per_second = peak_flops * UTILIZATION[dtype]
    seconds = pretrain.duration.seconds
    steps = pretrain.max_steps
    if seconds is not None:
        # So many if all were as the first; that ramps begin with small ones is made up for once.
        steps = max(1, int(seconds * flops_per_second / run_flops(config, pretrain, 1)))
        steps = max(1, int(steps * seconds * flops_per_second / run_flops(config, pretrain, steps)))
    flops = run_flops(config, pretrain, steps)
    return Estimate(
        parameters=num_parameters(config),
        matmul_parameters=num_matmul_parameters(config),
        tokens_per_step=pretrain.batch_size * config.context_length,
        steps=steps,
        tokens=num_sequences(pretrain, steps) * config.context_length,
        flops=flops,
        seconds=flops / flops_per_second if seconds is None else seconds,
        memory_bytes=training_memory(config, pretrain, dtype, threads),
    )


def run_flops(config: ModelConfig, pretrain: TrainConfig, steps: int) -> float:
    """Return the operations of a run of so many steps, whose sizes the ramps give."""
    sizes = step_sizes(pretrain, steps, config.context_length)
    return float(
        sum(
            size.steps
            * size.sequences
            * config.context_length
            * flops_per_token(config, size.length)
            for size in sizes
        )
    )
