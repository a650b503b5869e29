from collections import Counter

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from groundup.data import Loader
from groundup.errors import UserError

sizes = {
    "num_tokens": st.integers(2, 400),
    "batch_size": st.integers(1, 9),
    "context_length": st.integers(1, 40),
    "seed": st.integers(0, 2**63 - 1),
}


GOLDEN = [
    [83, 63, 43, 23, 13],
    [3, 53, 73, 93, 33],
    [49, 39, 79, 89, 19],
]
"""The first epoch's ten windows and half of the second's."""


def same(one, other):
    pairs = [(one.inputs, other.inputs), (one.targets, other.targets)]
    if one.document_ids is not None:
        pairs += [(one.document_ids, other.document_ids), (one.positions, other.positions)]
    return all(torch.equal(a, b) for a, b in pairs)


@given(**sizes)
@settings(max_examples=60, deadline=None)
def test_every_epoch_visits_each_window_once(
    make_counting, num_tokens, batch_size, context_length, seed
):
    assume(num_tokens > context_length)
    shards = make_counting(num_tokens)
    loader = Loader(shards, batch_size=batch_size, context_length=context_length, seed=seed)
    num_windows = num_tokens // context_length
    assert loader.sequences_per_epoch == num_windows
    num_steps = -(-3 * num_windows // batch_size)
    batches = [loader.batch(step) for step in range(num_steps)]
    inputs = torch.cat([batch.inputs for batch in batches])
    targets = torch.cat([batch.targets for batch in batches])
    assert torch.equal(targets, (inputs + 1) % num_tokens)
    for epoch in range(3):
        seen = inputs[epoch * num_windows : (epoch + 1) * num_windows]
        # Token i is i here: all different means that no window overlaps another.
        assert len(seen.unique()) == num_windows * context_length > num_tokens - context_length


@given(**sizes, steps=st.lists(st.integers(0, 50), min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_a_batch_does_not_depend_on_what_was_read_before(
    make_counting, num_tokens, batch_size, context_length, seed, steps
):
    assume(num_tokens > context_length)
    shards = make_counting(num_tokens)
    sizes = {"batch_size": batch_size, "context_length": context_length, "seed": seed}
    loader = Loader(shards, **sizes)
    for step in steps:
        assert same(loader.batch(step), Loader(shards, **sizes).batch(step))


def test_a_resumed_loader_goes_on_as_if_never_stopped(make_counting):
    shards = make_counting(40, 60, 33)
    options = {"batch_size": 4, "context_length": 8, "seed": 3, "document_mask": True}
    loader = Loader(shards, **options)
    whole = [loader.batch(step) for step in range(12)]
    resumed = Loader(shards, **options)
    resumed.check_state(loader.state(5))
    step = loader.state(5)["step"]
    rest = [resumed.batch(number) for number in range(step, 12)]
    assert all(same(one, other) for one, other in zip(whole[5:], rest, strict=True))


def test_order_is_the_same_on_every_machine_and_with_every_numpy(make_counting):
    loader = Loader(make_counting(100), batch_size=5, context_length=10, seed=1337)
    assert [loader.batch(step).inputs[:, 0].tolist() for step in range(3)] == GOLDEN


def test_epochs_and_seeds_cut_the_text_in_different_places(make_counting):
    shards = make_counting(1000)
    cuts = Counter()
    for seed in range(20):
        loader = Loader(shards, batch_size=10, context_length=100, seed=seed)
        for epoch in range(5):
            cuts[int(loader.batch(epoch).inputs[0, 0]) % 100] += 1
    assert len(cuts) > 50


def test_a_step_may_begin_in_one_epoch_and_end_in_the_next(make_counting):
    shards = make_counting(30)
    loader = Loader(shards, batch_size=2, context_length=10, seed=5)
    single = Loader(shards, batch_size=1, context_length=10, seed=5)
    alone = [int(single.batch(step).inputs[0, 0]) for step in range(6)]
    assert [loader.batch(step).inputs[:, 0].tolist() for step in range(3)] == [
        alone[0:2],
        alone[2:4],
        alone[4:6],
    ]
    assert len(set(alone[:3])) == len(set(alone[3:])) == 3


def test_a_small_corpus_fills_a_large_batch_from_many_epochs(make_counting):
    loader = Loader(make_counting(11), batch_size=9, context_length=5, seed=0)
    assert loader.sequences_per_epoch == 2
    assert loader.batch(0).inputs.shape == (9, 5)
    starts = loader.batch(0).inputs[:, 0].tolist()
    assert all(abs(starts[i] - starts[i + 1]) in (5, 6) for i in range(0, 8, 2))


def test_one_window_and_its_target_are_enough(make_counting):
    batch = Loader(make_counting(6), batch_size=1, context_length=5, seed=0).batch(0)
    assert torch.equal(batch.targets, (batch.inputs + 1) % 6)


def test_a_split_shorter_than_a_window_is_refused_with_advice(make_counting):
    with pytest.raises(UserError, match=r"has 5 tokens.*context_length 5.*lower model.context_len"):
        Loader(make_counting(5), batch_size=1, context_length=5, seed=0)


def test_a_batch_names_the_documents_it_holds(make_counting):
    shards = make_counting(7, 1, 12, 3, 17)
    loader = Loader(shards, batch_size=2, context_length=6, seed=8)
    document_of_token = [0] * 7 + [1] + [2] * 12 + [3] * 3 + [4] * 17
    for step in range(10):
        tokens = loader.batch(step).inputs.flatten().tolist()
        assert loader.documents_of(step) == sorted({document_of_token[t] for t in tokens})


def test_steps_far_away_are_read_at_once(make_counting):
    loader = Loader(make_counting(50), batch_size=32, context_length=8, seed=0)
    assert loader.batch(10**12).inputs.shape == (32, 8)


def test_state_is_a_few_integers_and_a_fingerprint(make_counting):
    shards = make_counting(50)
    loader = Loader(shards, batch_size=2, context_length=8, seed=7, document_mask=True)
    assert loader.state(41) == {
        "step": 41,
        "seed": 7,
        "batch_size": 2,
        "context_length": 8,
        "document_mask": 1,
        "packing": "stream",
        "fingerprint": shards.fingerprint,
        "stages": [[0, 0, 2, 8]],
    }


@pytest.mark.parametrize(
    ("key", "value"),
    [("seed", 8), ("batch_size", 3), ("context_length", 9), ("document_mask", True)],
)
def test_another_setting_is_refused_by_name_with_both_values(make_counting, key, value):
    shards = make_counting(50)
    options = {"seed": 7, "batch_size": 2, "context_length": 8, "document_mask": False}
    state = Loader(shards, **options).state(3)
    other = Loader(shards, **(options | {key: value}))
    old, new = int(options[key]), int(value)
    with pytest.raises(UserError, match=rf"{key} {old}, but it is {new} now; set {key} back"):
        other.check_state(state)


def test_other_data_is_refused_by_fingerprint(make_counting):
    options = {"seed": 7, "batch_size": 2, "context_length": 8}
    old, new = make_counting(50), make_counting(51)
    with pytest.raises(UserError, match=rf"{old.fingerprint}.*{new.fingerprint}.*start anew"):
        Loader(new, **options).check_state(Loader(old, **options).state(3))


def test_a_state_that_lacks_a_key_is_refused(make_counting):
    loader = Loader(make_counting(50), seed=7, batch_size=2, context_length=8)
    state = loader.state(3)
    del state["seed"]
    with pytest.raises(UserError, match="seed"):
        loader.check_state(state)


def test_a_wide_range_of_seeds_gives_different_orders(make_counting):
    shards = make_counting(1000)
    orders = {
        tuple(
            Loader(shards, batch_size=100, context_length=10, seed=seed)
            .batch(0)
            .inputs[:, 0]
            .tolist()
        )
        for seed in (0, 1, 2**32, 2**32 + 1, 2**63 - 1)
    }
    assert len(orders) == 5


stages = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 7), st.sampled_from([1, 2, 4, 12])), max_size=5
)


@given(stages=stages, seed=st.integers(0, 99), packing=st.sampled_from(["stream", "best_fit"]))
@settings(max_examples=50)
def test_where_batches_change_their_size_nothing_is_read_twice_or_passed_over(
    make_counting, stages, seed, packing
):
    shards = make_counting(20, 5, 9, 31, 2, 40)
    options = {"batch_size": 3, "context_length": 12, "seed": seed, "packing": packing}
    plain, ramped = Loader(shards, **options), Loader(shards, **options)
    step, sequences, seen, counted = 0, 0, [], []
    for steps, size, parts in stages:
        ramped.resize(step, size, 12 // parts)
        assert ramped.size(step) == (size, 12 // parts)
        for _ in range(steps):
            batch = ramped.batch(step)
            assert batch.inputs.shape == (size * parts, 12 // parts)
            seen.append(batch.inputs.reshape(size, 12))
            counted.append(batch.targets.reshape(size, 12))
            step, sequences = step + 1, sequences + size
    assert ramped.position(step) == sequences
    batches = [plain.batch(number) for number in range(-(-sequences // 3))]
    for ours, name in ((seen, "inputs"), (counted, "targets")):
        if ours:
            theirs = torch.cat([getattr(batch, name) for batch in batches])
            assert torch.equal(torch.cat(ours), theirs[:sequences])

    resumed = Loader(shards, **options)
    resumed.check_state(ramped.state(step))
    resumed.restore(ramped.state(step))
    assert all(same(resumed.batch(n), ramped.batch(n)) for n in range(step + 2))


def test_a_shorter_row_of_a_document_begins_at_position_zero(make_counting):
    options = {"batch_size": 1, "context_length": 8, "seed": 0, "document_mask": True}
    loader = Loader(make_counting(500), **options)
    loader.resize(0, 1, 4)
    assert loader.batch(0).positions.tolist() == [[0, 1, 2, 3]] * 2
