from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.data import Loader
from groundup.data.packing import BestFit, Stream, best_fit_rows
from groundup.data.windows import PADDING, read_places
from groundup.reference.packing import best_fit_decreasing

documents = st.lists(st.integers(1, 30), min_size=1, max_size=25)


@given(st.integers(1, 40).flatmap(lambda T: st.tuples(st.just(T), st.lists(st.integers(1, T)))))
@settings(max_examples=200)
def test_pieces_placed_by_length_equal_pieces_placed_one_at_a_time(case):
    capacity, lengths = case
    falling = np.array(sorted(lengths, reverse=True), np.int64)
    rows = best_fit_rows(falling, capacity)
    mine = Counter()
    for row, length in zip(rows.tolist(), falling.tolist(), strict=True):
        mine[row] += length
    plain = best_fit_decreasing(lengths, capacity)
    assert sorted(mine) == list(range(len(mine)))
    assert sorted(mine.values()) == sorted(sum(row) for row in plain)


def test_a_million_pieces_are_packed_in_no_time():
    lengths = np.sort(np.random.default_rng(0).integers(1, 1025, 1_000_000))[::-1]
    rows = best_fit_rows(lengths, 1024)
    filled = np.bincount(rows, lengths)
    assert filled.max() <= 1024
    assert filled.mean() > 0.998 * 1024


@given(documents, st.integers(1, 12), st.integers(1, 5), st.integers(0, 2**63 - 1))
@settings(max_examples=80)
def test_every_token_stands_once_in_an_epoch_and_no_row_is_too_long(
    make_counting, lengths, context_length, batch_size, seed
):
    if sum(lengths) <= context_length:
        lengths = [*lengths, context_length]
    shards = make_counting(*lengths)  # token i is i
    options = {"context_length": context_length, "seed": seed, "packing": "best_fit"}
    loader = Loader(shards, batch_size=batch_size, document_mask=True, **options)
    rows = loader.sequences_per_epoch
    starts = set(shards.document_starts.tolist())
    batches = [loader.batch(step) for step in range(-(-3 * rows // batch_size))]
    columns = ["inputs", "targets", "loss_mask", "document_ids", "positions"]
    inputs, targets, kept, document_ids, positions = (
        torch.cat([getattr(batch, name) for batch in batches])[: 3 * rows] for name in columns
    )
    assert inputs.shape == (3 * rows, context_length)
    for epoch in range(3):
        here = slice(epoch * rows, (epoch + 1) * rows)
        assert sorted(inputs[here][kept[here]].tolist()) == list(range(len(shards)))
    # The next token is the document's own; after its last one comes an end of text.
    assert torch.equal(targets[kept], (inputs[kept] + 1) % len(shards))
    # Within a document tokens follow one another, and another one begins with its beginning, or,
    # if it is longer than a row, with the beginning of a piece.
    document_of = np.searchsorted(shards.document_starts, inputs.numpy(), side="right")
    for row in range(3 * rows):
        for column in range(1, context_length):
            same = document_ids[row, column] == document_ids[row, column - 1]
            if not kept[row, column]:
                assert same == (not kept[row, column - 1])
            elif same:
                assert inputs[row, column] == inputs[row, column - 1] + 1
                assert positions[row, column] == positions[row, column - 1] + 1
                assert document_of[row, column] == document_of[row, column - 1]
            else:
                assert positions[row, column] == 0
                first = int(inputs[row, column])
                length = lengths[document_of[row, column] - 1]
                assert first in starts or length > context_length
    # What fits is never cut.
    for number, length in enumerate(lengths):
        if length <= context_length:
            found = (document_of == number + 1) & kept.numpy()
            assert found.any(axis=1).sum() == 3


@given(documents, st.integers(0, 99), st.integers(2, 6))
@settings(max_examples=40)
@pytest.mark.parametrize("packing", ["stream", "best_fit"])
def test_the_order_is_the_same_for_any_batch_size(
    make_counting, packing, lengths, seed, batch_size
):
    shards = make_counting(*lengths, 8)
    options = {"context_length": 7, "seed": seed, "packing": packing}
    one, many = (Loader(shards, batch_size=size, **options) for size in (1, batch_size))
    alone = torch.cat([one.batch(step).inputs for step in range(3 * batch_size)])
    together = torch.cat([many.batch(step).inputs for step in range(3)])
    assert torch.equal(alone, together)


def test_every_epoch_is_packed_in_another_order(make_counting):
    shards = make_counting(*[3, 5, 2, 7, 4, 19] * 20)
    layout = BestFit(shards, 8, seed=1)
    numbers = np.arange(layout.sequences_per_epoch)
    first, second = layout.places(0, numbers), layout.places(1, numbers)
    assert not np.array_equal(first, second)
    assert {tuple(row) for row in first.tolist()} != {tuple(row) for row in second.tolist()}
    assert np.array_equal(layout.places(0, numbers), first)
    assert np.array_equal(BestFit(shards, 8, seed=1).places(1, numbers), second)


def test_padding_is_an_end_of_text_that_teaches_nothing(make_shards):
    shards = make_shards([[0, 5, 6], [0, 7]])
    batch = read_places(shards, np.array([[3, 4, PADDING, PADDING]]), document_mask=True)
    assert batch.inputs.tolist() == [[0, 7, 0, 0]]
    assert batch.targets[0, :2].tolist() == [7, 0]
    assert batch.loss_mask.tolist() == [[True, True, False, False]]
    assert batch.document_ids.tolist() == [[0, 0, 1, 1]]
    assert batch.positions.tolist() == [[0, 1, 0, 1]]


def test_waste_is_the_share_of_padding_and_of_cut_documents(make_counting):
    shards = make_counting(6, 6, 10, 2)  # 24 tokens: 6+2, 6, 8, and 2 of the long one
    layout = BestFit(shards, 8, seed=0)
    assert layout.sequences_per_epoch == 3
    assert layout.tokens_per_sequence == 8
    assert layout.waste().padding == 0
    assert layout.waste().cut == 0.25
    assert str(layout.waste()) == "0.00% padding, 25.0% of the documents cut"
    assert BestFit(make_counting(6, 6), 8, seed=0).waste().padding == pytest.approx(0.25)


@given(documents, st.integers(1, 12), st.integers(0, 99))
@settings(max_examples=40)
def test_the_streams_waste_counts_the_documents_that_its_windows_cut(
    make_counting, lengths, context_length, seed
):
    shards = make_counting(*lengths, context_length)
    layout = Stream(shards, context_length, seed)
    N = len(shards)
    starts = layout.places(0, np.arange(layout.sequences_per_epoch))[:, 0]
    # Walk around the ring from the epoch's offset: which window, or the rest, is each token in?
    offset = next(
        place
        for place in starts.tolist()
        if all((start - place) % N % context_length == 0 for start in starts.tolist())
    )
    window = {(offset + n) % N: n // context_length for n in range(N)}
    cut, place = 0, 0
    for length in [*lengths, context_length]:
        windows = [window[p] for p in range(place, place + length)]
        wraps = offset in range(place + 1, place + length)
        cut += len(set(windows)) > 1 or wraps
        place += length
    assert layout.waste().cut == pytest.approx(cut / (len(lengths) + 1))
