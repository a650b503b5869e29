"""The first weights of a model."""

import math

import torch
from torch import nn

from groundup.model.attention import Attention
from groundup.model.config import ModelConfig
from groundup.model.embedding import BigramTable, Smear, ValueEmbedding
from groundup.model.feed_forward import FeedForward
from groundup.model.norm import LayerNorm, RMSNorm
from groundup.model.rnn import RNN
from groundup.model.transformer import Block, Transformer


def build_on_meta(config: ModelConfig) -> Transformer | RNN:
    """Return the model on torch's meta device: names and shapes, not a byte of weights."""
    with torch.device("meta"):
        return RNN(config) if config.architecture == "rnn" else Transformer(config)


def build_model(
    config: ModelConfig, *, seed: int, device: str | torch.device = "cpu"
) -> Transformer | RNN:
    """Return a model with fresh float32 weights: the same for the same config and seed.

    Drawn on the CPU, so that a seed means the same weights on every device. The model is made on
    the meta device, where torch's own initialization takes nothing from the global generator.
    """
    model = build_on_meta(config).to_empty(device="cpu")
    initialize(model, config, torch.Generator().manual_seed(seed))
    return model.to(device)


@torch.no_grad()
def initialize(model: nn.Module, config: ModelConfig, generator: torch.Generator) -> None:
    """Draw every matrix and embedding from N(0, init_std²); biases 0, norms 1, value mixes ½.

    Every parameter is set, whatever was in its memory. Options that add to the model
    (``BigramTable``, ``Smear``, ``ValueEmbedding``, ``x0_mix``) start where they add nothing and
    take nothing from the generator: with them or without, the first logits are the same.

    As GPT-2 (Radford et al. 2019, section 2.3), the two matrices of a block that write to the
    residual stream are scaled by 1/√(2L), so that the sum over L blocks keeps its size; or they
    start at zero (``zero_init_projections``), so that each block begins as the identity (Fixup,
    arXiv 1901.09321, section 3).
    """
    additions = [m for m in model.modules() if isinstance(m, BigramTable | Smear | ValueEmbedding)]
    begin_at_zero = {id(module) for addition in additions for module in addition.modules()}
    for module in model.modules():
        if id(module) in begin_at_zero:
            for parameter in module.parameters():
                parameter.zero_()
            continue
        if isinstance(module, nn.Linear | nn.Embedding):
            module.weight.normal_(0.0, config.init_std, generator=generator)
        elif isinstance(module, RMSNorm | LayerNorm) and module.weight is not None:
            module.weight.fill_(1.0)
        elif isinstance(module, Attention) and module.value_mix is not None:
            module.value_mix.fill_(0.5)
        elif isinstance(module, Block) and module.x0_mix is not None:
            module.x0_mix.copy_(torch.tensor([1.0, 0.0]))
        if isinstance(module, nn.Linear | LayerNorm) and module.bias is not None:
            module.bias.zero_()
    residual_scale = 0.0 if config.zero_init_projections else 1 / math.sqrt(2 * config.num_layers)
    for module in model.modules():
        if isinstance(module, Attention):
            module.o_proj.weight.mul_(residual_scale)
        elif isinstance(module, FeedForward):
            module.down_proj.weight.mul_(residual_scale)
