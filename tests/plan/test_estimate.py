"""Estimates against real models."""

import subprocess
import sys

import pytest
import torch

from groundup.model import ModelConfig, build_model
from groundup.plan.estimate import (
    LOGIT_BYTES,
    activation_bytes,
    estimate,
    flops_per_token,
    loss_bytes,
    num_matmul_parameters,
    num_parameters,
    training_memory,
)
from groundup.train import flops
from groundup.train.config import TrainConfig

ARCHITECTURES = ["qwen3", "llama", "gpt2", "speedrun", "rnn"]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_counts_are_those_of_the_real_model(architecture, tie_embeddings):
    config = ModelConfig(
        architecture=architecture,
        vocab_size=97,
        context_length=16,
        num_layers=2,
        width=24,
        tie_embeddings=tie_embeddings,
    )
    model = build_model(config, seed=0)
    assert num_parameters(config) == sum(p.numel() for p in model.parameters())
    assert flops_per_token(config) == flops.flops_per_token(model, 16)
    matrices = [m.weight for m in model.modules() if isinstance(m, torch.nn.Linear)]
    tied = config.vocab_size * config.width if tie_embeddings else 0
    assert num_matmul_parameters(config) == sum(w.numel() for w in matrices) + tied


def test_counting_a_model_takes_no_memory_for_its_weights():
    huge = ModelConfig(vocab_size=100_000, num_layers=4, width=16_384, num_heads=128)
    assert num_parameters(huge) > 10e9


def test_a_sliding_window_bounds_the_cost_of_attention():
    config = ModelConfig(vocab_size=97, context_length=512)
    windowed = ModelConfig(vocab_size=97, context_length=512, sliding_window=64)
    assert flops_per_token(windowed) == flops_per_token(config, 64)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("architecture", ["qwen3", "llama", "gpt2"])
@pytest.mark.parametrize(("T", "dropout"), [(64, 0.0), (64, 0.1), (512, 0.1)])
def test_activations_are_within_a_seventh_of_what_autograd_keeps(architecture, dtype, T, dropout):
    config = ModelConfig(
        architecture=architecture,
        vocab_size=97,
        context_length=T,
        num_layers=4,
        width=128,
        num_heads=4,
        dropout=dropout,
    )
    model = build_model(config, seed=0).to(dtype).train()
    weights = {p.untyped_storage().data_ptr() for p in model.parameters()}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        hidden = model.hidden(torch.zeros(2, T, dtype=torch.long))
    assert hidden.requires_grad
    assert activation_bytes(config, dtype) == pytest.approx(sum(kept.values()) / (2 * T), rel=0.15)


PEAK_OF_THE_LOSS = """
import re, torch
from pathlib import Path
from groundup.data import Batch
from groundup.model import ModelConfig, build_model
from groundup.objectives import NextToken, pretrain

config = ModelConfig(vocab_size=10_000, context_length=128, num_layers=1, width=32, num_heads=2)
model = build_model(config, seed=0)
for module in model.modules():
    if isinstance(module, torch.nn.Linear):
        module.to(torch.DTYPE)

def peak(B):
    ids_BT = torch.zeros(B, 128, dtype=torch.long)
    batch = Batch(ids_BT, ids_BT, torch.ones_like(ids_BT, dtype=torch.bool), None, None)
    NextToken()(model, batch).sum.backward()
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) * 1024

pretrain.FUSED_FROM = 2**24  # so many that the process's own memory is little beside them
print((-peak(1) + peak(12)) / (11 * 128 * 10_000), (-peak(60) + peak(120)) / (60 * 128 * 10_000))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak in /proc")
@pytest.mark.parametrize(("dtype", "dtype_bytes"), [("float32", 4), ("bfloat16", 2)])
def test_logits_take_the_memory_that_a_process_takes_for_them(dtype, dtype_bytes):
    script = PEAK_OF_THE_LOSS.replace("DTYPE", dtype)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    plain, as_one_operation = map(float, done.stdout.split())
    assert plain == pytest.approx(LOGIT_BYTES, rel=0.2), done.stderr
    assert as_one_operation < dtype_bytes, "a chunk at most, however many tokens"


def test_memory_of_a_large_vocabularys_loss_does_not_grow_with_the_tokens():
    config = ModelConfig(vocab_size=32_768, width=384)
    few, many = (loss_bytes(config, tokens, torch.bfloat16) for tokens in (4096, 65_536))
    assert few == many
    assert few == pytest.approx(235e6, rel=0.2)  # measured by benchmarks/loss.py
    assert loss_bytes(config, 4096, torch.float32) == pytest.approx(376e6, rel=0.2)


def test_time_follows_from_operations_and_the_measured_peak():
    config = ModelConfig(vocab_size=4096)
    train = TrainConfig(max_steps=10, batch_size=4)
    found = estimate(config, train, peak_flops=1e12, dtype=torch.float32)
    assert found.tokens_per_step == 4 * 256
    assert found.tokens == 10 * 4 * 256
    assert found.flops == flops_per_token(config) * found.tokens
    assert found.seconds == pytest.approx(found.flops / 0.6e12)


def test_micro_batches_need_less_memory():
    config = ModelConfig(vocab_size=4096)
    whole = training_memory(config, TrainConfig(batch_size=32), torch.float32)
    parts = training_memory(config, TrainConfig(batch_size=32, micro_batch_size=4), torch.float32)
    assert parts < whole / 4
