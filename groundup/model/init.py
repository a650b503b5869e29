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
from groundup.model.rope import rope_tables, rotate
from groundup.model.transformer import Block, Transformer

SHARED_CHANNEL = 20.0
"""What ``look_back_heads`` puts into a channel of all embeddings, in units of ``init_std``."""


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

    Of these, ``look_back_heads`` sets some anew.

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
    if config.look_back_heads:
        assert isinstance(model, Transformer)
        _look_back(model, config)


def _look_back(model: Transformer, config: ModelConfig) -> None:
    """Make the first block's first heads look 1, 2, … tokens back, whatever the tokens are.

    One channel of all embeddings begins as the same number, large against the others. Queries and
    keys read little else, so a head's key k is the same at every position and so is its query, k
    turned back by d positions; after the rotation their product is Σ cos((i - j - d) θ) over the
    pairs of channels that k lies in, most where key j is d tokens before query i. A position is
    told best by the fastest pairs: k lies in as many of them as give that token the most weight.

    Heads that read by position alone are what a convolution is made of (arXiv 1911.03584); to
    begin with such weights is Zheng et al.'s for images (arXiv 2404.01139). In language models a
    head that looks one token back is the first half of an induction head, which copies from the
    context; the loss falls abruptly when these form (arXiv 2209.11895, "argument 1").
    """
    C, D = config.width, config.head_width
    constant = SHARED_CHANNEL * config.init_std
    normalized = constant / math.sqrt(config.init_std**2 + constant**2 / C)  # by the first norm
    pairs = _telling_pairs(config)
    key_D = torch.zeros(D)
    key_D[:pairs] = math.sqrt(D / pairs) / normalized  # keys and queries of length √D
    block = model.blocks[0]
    assert isinstance(block, Block)
    attention = block.attention
    model.token_embedding.weight[:, 0] = constant
    for head in range(config.look_back_heads):
        cos, sin = rope_tables(torch.tensor([-(head + 1)]), D, config.rope_theta)
        query_D = rotate(key_D, cos[0], sin[0])
        key_head = head * config.num_kv_heads // config.num_heads
        attention.q_proj.weight[head * D : (head + 1) * D, 0] = query_D
        attention.k_proj.weight[key_head * D : (key_head + 1) * D, 0] = key_D


def _telling_pairs(config: ModelConfig) -> int:
    """Return how many of the fastest pairs of channels best tell one distance from all others.

    Few pairs soon come round again, slow ones hardly tell neighbours apart.
    """
    D, distances = config.head_width, torch.arange(config.context_length)
    cos, _ = rope_tables(distances - 1, D, config.rope_theta)
    num_pairs = torch.arange(1, D // 2 + 1)
    scores = math.sqrt(D) * cos.cumsum(-1) / num_pairs  # (distances, pairs)
    return int(scores.softmax(0)[1].argmax()) + 1
