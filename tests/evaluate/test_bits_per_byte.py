import math
from dataclasses import asdict

import pytest
import torch

from groundup.data import validation_batches
from groundup.errors import UserError
from groundup.evaluate import bits_per_byte
from groundup.objectives import NextToken
from groundup.tokenizer import CharacterTokenizer
from groundup.train import known_text_bytes, validate


@torch.inference_mode()
def nats_of_targets(model, tokens, document_starts=()):
    """Each target's nats in the open: one at a time, from what its window holds before it."""
    T, nats = model.config.context_length, []
    for target in range(1, len(tokens)):
        first = (target - 1) // T * T
        first = max([first, *(start for start in document_starts if start < target)])
        logits_V = model(torch.tensor([tokens[first:target]]))[0, -1].double()
        nats.append(-logits_V.log_softmax(-1)[tokens[target]].item())
    return nats


@pytest.mark.parametrize("architecture", ["qwen3", "gpt2", "rnn"])
@pytest.mark.parametrize("batch_size", [1, 3, 64])
def test_equals_one_target_at_a_time(make_model, shards, architecture, batch_size):
    model = make_model(architecture).eval()
    result = bits_per_byte(model, shards, batch_size=batch_size)
    nats = nats_of_targets(model, shards.tokens.tolist())
    assert result["tokens"] == len(shards) - 1 == len(nats)
    assert result["bytes"] == shards.header.text_bytes
    assert result["nats_per_token"] == pytest.approx(sum(nats) / len(nats), rel=1e-5)
    bits = sum(nats) / math.log(2) / result["bytes"]
    assert result["bits_per_byte"] == pytest.approx(bits, rel=1e-5)


def test_document_mask_reads_each_document_alone(make_model, shards):
    model = make_model().eval()
    nats = nats_of_targets(model, shards.tokens.tolist(), shards.document_starts.tolist())
    result = bits_per_byte(model, shards, document_mask=True)
    assert result["nats_per_token"] == pytest.approx(sum(nats) / len(nats), rel=1e-5)
    assert result != bits_per_byte(model, shards)


def test_a_model_that_knows_nothing_needs_the_log_of_its_vocabulary(make_model, shards):
    result = bits_per_byte(make_model(scale=0.0), shards)
    V = shards.vocab_size
    assert result["nats_per_token"] == pytest.approx(math.log(V), rel=1e-6)
    bits = result["tokens"] * math.log2(V) / shards.header.text_bytes
    assert result["bits_per_byte"] == pytest.approx(bits, rel=1e-6)


def test_it_is_what_training_measures(make_model, shards):
    model = make_model()
    batches = validation_batches(shards, batch_size=3, context_length=16)
    device, bytes_V = torch.device("cpu"), known_text_bytes(shards)
    measured = validate(model, NextToken(), batches, device=device, token_bytes=bytes_V)
    assert bits_per_byte(model, shards, batch_size=3) == asdict(measured)


def test_with_characters_that_the_tokenizer_does_not_know_there_are_no_bits_per_byte(
    make_model, make_shards
):
    tokenizer = CharacterTokenizer.train(["abc abc"], 10)
    result = bits_per_byte(
        make_model(vocab_size=tokenizer.vocab_size), make_shards(["a ü b", "é"], tokenizer)
    )
    assert result["bits_per_byte"] is None
    assert result["unknown"] == 2
    assert result["bytes"] == len("a  b")
    assert result["nats_per_token"] > 0


def test_dropout_is_off_and_the_mode_is_restored(make_model, shards):
    model = make_model(dropout=0.5).train()
    first = bits_per_byte(model, shards)
    assert model.training
    assert first == bits_per_byte(model, shards) == bits_per_byte(model.eval(), shards)
    assert all(weight.grad is None for weight in model.parameters())


def test_a_split_without_text_is_the_users_to_mend(make_model, make_shards):
    with pytest.raises(UserError, match="too few"):
        bits_per_byte(make_model(), make_shards([""]))
    with pytest.raises(UserError, match="no text"):
        bits_per_byte(make_model(), make_shards(["", "", ""]))


def test_tokens_of_a_larger_vocabulary_are_refused(make_model, shards):
    with pytest.raises(UserError, match="vocabulary of 270, the model's has 260"):
        bits_per_byte(make_model(vocab_size=260), shards)


def test_a_padded_vocabulary_is_fine(make_model, shards):
    result = bits_per_byte(make_model(vocab_size=300, scale=0.0), shards)
    assert result["nats_per_token"] == pytest.approx(math.log(300), rel=1e-6)
