import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data import Loader
from groundup.data.windows import cut_windows


def read_slowly(documents, start, context_length):
    """One window in plain Python: walk around the ring token by token."""
    ring = [(token, n == 0) for ids in documents for n, token in enumerate(ids)]
    inputs, targets, document_ids, positions = [], [], [], []
    for step in range(context_length):
        token, begins = ring[(start + step) % len(ring)]
        inputs.append(token)
        targets.append(ring[(start + step + 1) % len(ring)][0])
        if step == 0:
            document_ids.append(0)
            positions.append(0)
        else:
            document_ids.append(document_ids[-1] + begins)
            positions.append(0 if begins else positions[-1] + 1)
    return inputs, targets, document_ids, positions


documents = st.lists(
    st.lists(st.integers(1, 99), max_size=12).map(lambda ids: [0, *ids]), min_size=1, max_size=8
)


@given(
    documents=documents,
    starts=st.lists(st.integers(0, 200), min_size=1, max_size=4),
    context_length=st.integers(1, 30),
)
@settings(max_examples=60, deadline=None)
def test_windows_equal_a_walk_in_plain_python(make_shards, documents, starts, context_length):
    batch = cut_windows(
        make_shards(documents, vocab_size=100),
        np.array(starts),
        context_length,
        document_mask=True,
    )
    for row, start in enumerate(starts):
        inputs, targets, document_ids, positions = read_slowly(documents, start, context_length)
        assert batch.inputs[row].tolist() == inputs
        assert batch.targets[row].tolist() == targets
        assert batch.document_ids[row].tolist() == document_ids
        assert batch.positions[row].tolist() == positions
    assert batch.loss_mask.all()


def test_the_end_of_a_document_is_taught_by_the_next_ones_end_of_text(make_shards):
    shards = make_shards([[0, 5, 6], [0, 7]])
    batch = cut_windows(shards, np.array([1]), 4, document_mask=True)
    assert batch.inputs.tolist() == [[5, 6, 0, 7]]
    assert batch.targets.tolist() == [[6, 0, 7, 0]]  # the last is the first document's, ring-wise
    assert batch.document_ids.tolist() == [[0, 0, 1, 1]]
    assert batch.positions.tolist() == [[0, 1, 0, 1]]
    assert batch.loss_mask.tolist() == [[True] * 4]


def test_one_document_around_the_ring_is_two(make_shards):
    batch = cut_windows(make_shards([[0, 5, 6, 7]]), np.array([2]), 4, document_mask=True)
    assert batch.inputs.tolist() == [[6, 7, 0, 5]]
    assert batch.document_ids.tolist() == [[0, 0, 1, 1]]


def test_tensors_are_contiguous_int64_and_masks_bool(make_counting):
    loader = Loader(
        make_counting(30, 20), batch_size=3, context_length=8, seed=0, document_mask=True
    )
    batch = loader.batch(0)
    for field in (batch.inputs, batch.targets, batch.document_ids, batch.positions):
        assert field.shape == (3, 8)
        assert field.dtype == torch.int64
        assert field.is_contiguous()
    assert batch.loss_mask.shape == (3, 8)
    assert batch.loss_mask.dtype == torch.bool
