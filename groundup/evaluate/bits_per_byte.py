"""How well a model predicts text: bits per byte, which no choice of tokenizer can flatter."""

import math
from typing import TypedDict

import torch
from torch.nn import functional as F

from groundup.data import Batch, TokenShards, validation_batches
from groundup.errors import UserError
from groundup.generate import evaluating
from groundup.model import RNN, Transformer
from groundup.progress import progress_bar

HEAD_TOKENS = 4096
"""Tokens whose logits are in memory at once."""


class BitsPerByte(TypedDict):
    """What ``bits_per_byte`` measured, as it goes to JSON."""

    bits_per_byte: float
    """Bits to encode a byte of the text."""

    nats_per_token: float
    """Mean cross-entropy of a target: the validation loss."""

    tokens: int
    """Targets, end-of-text tokens included."""

    bytes: int
    """UTF-8 bytes of text that the targets stand for."""


def bits_per_byte(
    model: Transformer | RNN,
    shards: TokenShards,
    *,
    batch_size: int = 16,
    document_mask: bool = False,
) -> BitsPerByte:
    """Measure ``model`` on a whole split.

    The nats of all targets, over ln 2, over the bytes of all targets. An end-of-text target counts
    its nats, for where a text ends must be predicted too, and no bytes. Windows of
    ``context_length`` tokens do not overlap, so a window's first tokens have little to go on: with
    a shorter context the same model does worse.

    Args:
        model: any model; its mode is restored afterwards. It computes in its own precision, the
            loss in float32.
        shards: the split to read, of this model's tokenizer.
        batch_size: sequences at a time.
        document_mask: let tokens see their own document only, as the model was trained.

    Raises:
        UserError: the split is empty, or of a larger vocabulary than the model's.
    """
    if shards.vocab_size > model.config.vocab_size:
        raise UserError(
            f"{shards.folder} holds tokens of a vocabulary of {shards.vocab_size}, the model's has "
            f"{model.config.vocab_size}; tokenize with the model's own tokenizer"
        )
    T = model.config.context_length
    batches = validation_batches(
        shards, batch_size=batch_size, context_length=T, document_mask=document_mask
    )
    device = model.token_embedding.weight.device
    bytes_V = torch.from_numpy(shards.token_bytes.astype("int64"))
    nats, tokens, num_bytes = 0.0, 0, 0
    with progress_bar() as progress, evaluating(model):
        task = progress.add_task("bits per byte", total=len(shards) - 1, unit="tokens")
        for batch in batches:
            targets_N = batch.targets[batch.loss_mask]
            nats += _nats(model, batch.to(device))
            tokens += len(targets_N)
            num_bytes += int(bytes_V[targets_N].sum())
            progress.update(task, completed=tokens)
    if not num_bytes:
        raise UserError(
            f"{shards.folder}: the {shards.split} split has no text to measure; raise "
            "corpus.validation_fraction or add text to corpus.sources"
        )
    return {
        "bits_per_byte": nats / math.log(2) / num_bytes,
        "nats_per_token": nats / tokens,
        "tokens": tokens,
        "bytes": num_bytes,
    }


@torch.inference_mode()
def _nats(model: Transformer | RNN, batch: Batch) -> float:
    """Return the cross-entropy of a batch, summed over its targets, in nats."""
    hidden_BTC = model.hidden(batch.inputs, batch.positions, batch.document_ids)
    hidden_NC, targets_N = hidden_BTC[batch.loss_mask], batch.targets[batch.loss_mask]
    total = 0.0
    parts = zip(hidden_NC.split(HEAD_TOKENS), targets_N.split(HEAD_TOKENS), strict=True)
    for part_NC, part_targets_N in parts:
        logits_NV = model.head(part_NC).float()
        total += F.cross_entropy(logits_NV, part_targets_N, reduction="sum").item()
    return total
