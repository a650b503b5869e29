"""How well a model predicts text: bits per byte, which no choice of tokenizer can flatter."""

from typing import TypedDict

from groundup.data import TokenShards, validation_batches
from groundup.errors import UserError
from groundup.model import RNN, Transformer
from groundup.objectives import NextToken
from groundup.progress import progress_bar
from groundup.train import known_text_bytes, validate


class BitsPerByte(TypedDict):
    """What ``bits_per_byte`` measured, as it goes to JSON."""

    bits_per_byte: float | None
    """Bits to encode a byte of the text; None where there are unknown characters."""

    nats_per_token: float
    """Mean cross-entropy of a target: the validation loss."""

    tokens: int
    """Targets, end-of-text tokens included."""

    bytes: int
    """UTF-8 bytes of text that the targets stand for, unknown characters left out."""

    unknown: int
    """Targets that stand for a character which the tokenizer does not know: their bytes are lost,
    so that bits per byte would compare with no other tokenizer's."""


def bits_per_byte(
    model: Transformer | RNN,
    shards: TokenShards,
    *,
    batch_size: int = 16,
    document_mask: bool = False,
) -> BitsPerByte:
    """Measure ``model`` on a whole split, as training measures it (``train.validate``).

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
    batches = validation_batches(
        shards,
        batch_size=batch_size,
        context_length=model.config.context_length,
        document_mask=document_mask,
    )
    with progress_bar() as progress:
        task = progress.add_task("bits per byte", total=len(shards) - 1, unit="tokens")
        found = validate(
            model,
            NextToken(),
            batches,
            device=model.token_embedding.weight.device,
            token_bytes=known_text_bytes(shards),
            advance=lambda count: progress.advance(task, count),
        )
    if not found.bytes and not found.unknown:
        raise UserError(
            f"{shards.folder}: the {shards.split} split has no text to measure; raise "
            "corpus.validation_fraction or add text to corpus.sources"
        )
    return {
        "bits_per_byte": found.bits_per_byte,
        "nats_per_token": found.nats_per_token,
        "tokens": found.tokens,
        "bytes": found.bytes,
        "unknown": found.unknown,
    }
