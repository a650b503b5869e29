import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data import validation_batches
from groundup.errors import UserError


@given(
    num_tokens=st.integers(2, 300), batch_size=st.integers(1, 7), context_length=st.integers(1, 40)
)
@settings(max_examples=60, deadline=None)
def test_every_token_after_the_first_is_a_target_once(
    make_counting, num_tokens, batch_size, context_length
):
    shards = make_counting(num_tokens)
    batches = list(validation_batches(shards, batch_size=batch_size, context_length=context_length))
    targets = torch.cat([batch.targets[batch.loss_mask] for batch in batches])
    inputs = torch.cat([batch.inputs[batch.loss_mask] for batch in batches])
    assert targets.tolist() == list(range(1, num_tokens))
    assert inputs.tolist() == list(range(num_tokens - 1))
    assert all(batch.inputs.shape == (batch_size, context_length) for batch in batches)
    assert len(batches) == -(-(num_tokens - 1) // (batch_size * context_length))


def test_padding_holds_ids_of_the_vocabulary_and_no_targets(make_shards):
    shards = make_shards([[0, 5, 6], [0, 7]])
    (batch,) = validation_batches(shards, batch_size=2, context_length=3, document_mask=True)
    assert batch.inputs.tolist() == [[0, 5, 6], [0, 7, 0]]
    assert batch.targets.tolist() == [[5, 6, 0], [7, 0, 5]]
    assert batch.loss_mask.tolist() == [[True, True, True], [True, False, False]]
    assert batch.document_ids.tolist() == [[0, 0, 0], [0, 0, 1]]
    assert batch.positions.tolist() == [[0, 1, 2], [0, 1, 0]]


def test_targets_hold_all_the_text_there_is(make_shards):
    shards = make_shards([[0, 5, 6], [0], [0, 7, 8, 9]], split="validation")
    batches = list(validation_batches(shards, batch_size=2, context_length=2))
    targets = torch.cat([batch.targets[batch.loss_mask] for batch in batches])
    assert int(shards.token_bytes[targets.numpy()].sum()) == shards.header.text_bytes == 5


def test_without_document_mask_documents_are_not_told_apart(make_counting):
    (batch,) = validation_batches(make_counting(9), batch_size=1, context_length=8)
    assert batch.document_ids is None
    assert batch.positions is None


def test_a_split_of_one_token_is_refused_at_once(make_shards):
    with pytest.raises(UserError, match=r"has 1 tokens.*corpus.validation_fraction"):
        validation_batches(make_shards([[0]]), batch_size=1, context_length=8)
