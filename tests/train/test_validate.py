import math

import pytest
import torch

from groundup.data import TokenShards, validation_batches
from groundup.objectives import NextToken
from groundup.train import known_text_bytes, validate

CPU = torch.device("cpu")


@pytest.fixture
def shards(tokens):
    return TokenShards.open(tokens, "validation")


def test_bits_per_byte_is_all_nats_over_all_bytes(tiny_model, shards):
    model = tiny_model().eval()
    batches = list(validation_batches(shards, batch_size=4, context_length=16))
    bytes_V = torch.from_numpy(shards.token_bytes.astype("int64"))
    measured = validate(model, NextToken(), batches, device=CPU, token_bytes=bytes_V)

    nats = 0.0
    with torch.no_grad():
        for batch in batches:
            log_probs_BTV = model(batch.inputs).log_softmax(-1)
            log_probs_BT = log_probs_BTV.gather(-1, batch.targets[..., None])[..., 0]
            nats -= log_probs_BT[batch.loss_mask].sum().item()
    targets = len(shards) - 1
    num_bytes = targets - (5 - 1)  # every token is a byte, but for the ends of text after the first
    assert num_bytes == shards.header.text_bytes
    assert measured.nats_per_token == pytest.approx(nats / targets, rel=1e-6)
    assert measured.bits_per_byte == pytest.approx(nats / math.log(2) / num_bytes, rel=1e-6)


def test_the_batch_size_does_not_matter(tiny_model, shards):
    model = tiny_model()
    losses = [
        validate(
            model,
            NextToken(),
            validation_batches(shards, batch_size=size, context_length=16),
            device=CPU,
        )
        for size in (1, 3, 8)
    ]
    assert [loss.nats_per_token for loss in losses] == pytest.approx([losses[0].nats_per_token] * 3)
    assert losses[0].bits_per_byte is None


def test_looking_leaves_no_trace(tiny_model, shards):
    model = tiny_model(dropout=0.5).train()
    batches = list(validation_batches(shards, batch_size=4, context_length=16))
    before = torch.get_rng_state()

    def noisy(model, batch):
        torch.rand(3)
        return NextToken()(model, batch)

    first, second = (validate(model, noisy, batches, device=CPU) for _ in range(2))
    assert first == second, "dropout is off"
    assert torch.equal(torch.get_rng_state(), before)
    assert model.training
    model.blocks[0].eval()  # a frozen part, say
    validate(model, noisy, batches, device=CPU)
    assert not model.blocks[0].training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_bits_per_byte_is_not_given_where_a_targets_bytes_are_not_known(tiny_model, shards):
    bytes_V = known_text_bytes(shards)
    assert bytes_V[0] == 0, "the end of text is known to stand for nothing"
    bytes_V[5] = -1
    batches = validation_batches(shards, batch_size=4, context_length=16)
    measured = validate(tiny_model(), NextToken(), batches, device=CPU, token_bytes=bytes_V)
    assert measured.bits_per_byte is None
    assert measured.unknown == (shards.tokens[1:] == 5).sum()
    assert f"not comparable: {measured.unknown} unknown characters" in str(measured)
