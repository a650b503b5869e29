import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus.mix import copies_of, epochs_of
from groundup.corpus.sections import MixConfig
from groundup.errors import UserError


def test_weights_are_shares_of_bytes_and_the_scarcest_decides() -> None:
    config = MixConfig(weights={"a": 3, "b": 1}, max_epochs=2.0)
    sizes = np.array([1000, 4000, 500])
    epochs = epochs_of(["a", "b", "c"], sizes, config)
    assert epochs == [2.0, pytest.approx(2000 / 3 / 4000), 0.0]
    mixed = np.array(epochs) * sizes
    assert mixed[0] / mixed.sum() == pytest.approx(0.75)


def test_sources_without_epochs_are_written_once() -> None:
    assert epochs_of(["a", "b"], np.array([1, 1]), MixConfig(epochs={"b": 2.5})) == [1.0, 2.5]
    assert epochs_of(["a", "b"], np.array([1, 1]), MixConfig()) == [1.0, 1.0]


def test_a_source_with_a_weight_and_no_text_is_a_user_error() -> None:
    with pytest.raises(UserError, match="nothing is left of b"):
        epochs_of(["a", "b"], np.array([1, 0]), MixConfig(weights={"a": 1, "b": 1}))


@given(st.floats(0, 5), st.integers(0, 2**62))
def test_bytes_are_the_epochs_to_within_half_a_document(epochs: float, seed: int) -> None:
    draw = np.random.default_rng(0)
    ids = draw.integers(0, 2**64, (4000, 2), np.uint64)
    sizes, origins = draw.integers(0, 1000, 4000), draw.integers(0, 3, 4000, np.int32)
    copies = copies_of(ids, origins, sizes, [epochs, 0.0, 2.5], seed)
    mine = origins == 0
    assert set(copies[mine]) <= {int(epochs), int(epochs) + 1}
    # the bytes are those asked for, to within half of a document, not on the average alone
    wanted = epochs * sizes[mine].sum()
    assert (copies * sizes)[mine].sum() == pytest.approx(wanted, abs=500)
    assert (copies * sizes)[origins == 2].sum() == pytest.approx(
        2.5 * sizes[origins == 2].sum(), abs=500
    )
    assert not copies[origins == 1].any()
    # neither the order of documents nor the other sources matter
    order = draw.permutation(np.flatnonzero(mine))
    alone = copies_of(ids[order], origins[order], sizes[order], [epochs], seed)
    np.testing.assert_array_equal(alone, copies[order])
    more = copies_of(ids, origins, sizes, [epochs + 0.1, 0.0, 2.5], seed)
    assert (more >= copies)[mine].all()


def test_another_seed_chooses_other_documents() -> None:
    ids = np.random.default_rng(0).integers(0, 2**64, (1000, 2), np.uint64)
    one, other = (
        copies_of(ids, np.zeros(1000, np.int32), np.ones(1000, np.int64), [0.5], seed)
        for seed in (0, 1)
    )
    assert one.sum() == other.sum() == 500
    assert 200 < (one & other).sum() < 300
