"""The first weights of a model."""

import math

import torch
from torch import Tensor, nn

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

CARRIED, COPIED = 3.0, 4.0
"""By how much ``induction_heads`` write louder than an embedding: tokens before, and copies."""

HEAD = 0.5
"""What an output head of its own begins as with ``induction_heads``, in embeddings."""


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

    Of these, ``look_back_heads`` and ``induction_heads`` set some anew.

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
        if config.induction_heads:
            _copy_from_context(model, config, generator)


def _look_back(model: Transformer, config: ModelConfig) -> None:
    """Make the first heads of the first blocks look 1, 2, … tokens back, whatever the tokens are.

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
    D = config.head_width
    constant = SHARED_CHANNEL * config.init_std
    normalized = constant / _embedding_rms(config)  # by the first norm
    pairs = _telling_pairs(config)
    key_D = torch.zeros(D)
    key_D[:pairs] = math.sqrt(D / pairs) / normalized  # keys and queries of length √D
    model.token_embedding.weight[:, 0] = constant
    for place in range(config.look_back_blocks * config.look_back_heads):
        number, head = divmod(place, config.look_back_heads)
        block = model.blocks[number]
        assert isinstance(block, Block)
        cos, sin = rope_tables(torch.tensor([-(place + 1)]), D, config.rope_theta)
        query_D = rotate(key_D, cos[0], sin[0])
        key_head = head * config.num_kv_heads // config.num_heads
        block.attention.q_proj.weight[head * D : (head + 1) * D, 0] = query_D
        block.attention.k_proj.weight[key_head * D : (key_head + 1) * D, 0] = key_D


def _copy_from_context(model: Transformer, config: ModelConfig, generator: torch.Generator) -> None:
    """Make the second block's first heads copy what followed the latest tokens before.

    The construction of Bietti et al. (arXiv 2306.00802), with orthogonal maps in place of random
    ones. P reads a part of an embedding. The head of the first block that looks d tokens back
    writes P e of that token through R_d, whose rows are orthogonal to P's and to each other's. So
    in the second block a query P e_i meets the keys R_1 x_j of the places j whose token before was
    the same: what stands at such a place is what followed. A head for two tokens compares [P e_i,
    R_1 x_i] with [R_1 x_j, R_2 x_j], and so on. Its values read Q, a part of its own, of the
    embedding at j, its output writes that back by Qᵀ: the residual stream gets nearer to that
    token's embedding, which is where a tied head reads, and one of its own that begins as half the
    embedding. All lies in the pairs of channels that the rotation turns slowly, for a comparison
    should not depend on the distance.

    Such heads form by themselves, at the price of thousands of steps (arXiv 2209.11895).
    """
    D, heads = config.head_width, config.induction_heads
    rest = config.width - 1  # all channels but the shared one
    places = _slow_channels(config)
    m = min(len(places), rest // (heads + 2) // 2 * 2)
    places = places[-m:]
    drawn = torch.randn(rest, min((heads + 1) * m + heads * D, rest), generator=generator)
    basis_NC = torch.cat([torch.zeros(drawn.shape[1], 1), torch.linalg.qr(drawn)[0].T], 1)
    reads = basis_NC[: (heads + 1) * m].split(m)  # P, R_1, R_2, …
    values = basis_NC[(heads + 1) * m :]  # the rows of all Q
    rms = _embedding_rms(config)
    scale = 1.0 if config.embedding_norm else rms
    blocks = [block for block in model.blocks if isinstance(block, Block)]
    first, second = blocks[0].attention, blocks[1].attention
    for head in range(heads):
        key_head = head * config.num_kv_heads // config.num_heads
        first.v_proj.weight[key_head * D : key_head * D + m] = reads[0]
        first.o_proj.weight[:, head * D : head * D + m] = CARRIED * scale * reads[head + 1].T
    # As long as a norm makes them, where there is none.
    length = 1.0 if config.qk_norm else math.sqrt(D / m) * rms / config.init_std
    for head in range(heads):
        query_head = head * (config.num_heads // config.num_kv_heads)  # one for each head of keys
        queries = second.q_proj.weight[query_head * D : (query_head + 1) * D]
        keys = second.k_proj.weight[head * D : (head + 1) * D]
        queries.zero_()
        for back in range(head + 1):
            mine = torch.arange(m) // 2 % (head + 1) == back  # whole pairs
            loud = CARRIED if back else 1.0  # what a head of the first block has brought
            queries[places[mine]] = reads[back][mine] * (length / loud)
            keys[places[mine]] = reads[back + 1][mine] * (length / CARRIED)
        copied = values[head::heads]
        second.v_proj.weight[head * D : head * D + len(copied)] = copied
        columns = slice(query_head * D, query_head * D + len(copied))
        second.o_proj.weight[:, columns] = COPIED * scale * copied.T
    if model.lm_head is not None:
        model.lm_head.weight.copy_(model.token_embedding.weight).mul_(HEAD)


def _embedding_rms(config: ModelConfig) -> float:
    """Return the root mean square of an embedding with the channel that all share."""
    constant = SHARED_CHANNEL * config.init_std
    return math.sqrt(config.init_std**2 + constant**2 / config.width)


def _slow_channels(config: ModelConfig) -> Tensor:
    """Return the channels of a head that turn by less than a radian in the whole context.

    At least a quarter of all, the slowest.
    """
    D = config.head_width
    turns = config.rope_theta ** (-torch.arange(D // 2) / (D // 2)) * config.context_length
    pairs = min(int((turns >= 1).sum()), D // 2 - max(1, D // 8))
    slow = torch.arange(pairs, D // 2)
    return torch.stack([slow, slow + D // 2], 1).flatten()


def _telling_pairs(config: ModelConfig) -> int:
    """Return how many of the fastest pairs of channels best tell one distance from all others.

    Few pairs soon come round again, slow ones hardly tell neighbours apart.
    """
    D, distances = config.head_width, torch.arange(config.context_length)
    cos, _ = rope_tables(distances - 1, D, config.rope_theta)
    num_pairs = torch.arange(1, D // 2 + 1)
    scores = math.sqrt(D) * cos.cumsum(-1) / num_pairs  # (distances, pairs)
    return int(scores.softmax(0)[1].argmax()) + 1
