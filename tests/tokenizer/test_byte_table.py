"""Bytes of many ids at once: those of each, one after the other."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UserError
from groundup.tokenizer import byte_table
from groundup.tokenizer.byte_table import ByteTable

TOKENS = [b"", b"a", b"\xff", b"", "€".encode(), b"longer than the others"]
FORMS = [
    list,
    tuple,
    iter,
    np.array,
    lambda ids: np.array(ids, np.uint16),
    lambda ids: map(np.int32, ids),
]


@given(st.lists(st.integers(0, len(TOKENS) - 1)), st.sampled_from(FORMS), st.integers(1, 8))
def test_bytes_of_ids_follow_one_another(ids: list[int], form: Any, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(byte_table, "BLOCK_IDS", block)
        assert ByteTable(TOKENS).gather(form(ids)) == b"".join(TOKENS[number] for number in ids)


def test_a_table_may_hold_no_bytes_at_all() -> None:
    assert ByteTable([]).gather([]) == b""
    assert ByteTable([b"", b""]).gather([1, 0]) == b""


@pytest.mark.parametrize("number", [-1, 6, 2**31, 2**63, -(2**63) - 1, 10**30])
def test_an_id_outside_the_table_is_refused(number: int) -> None:
    forms = [list, np.array] if -(2**63) <= number < 2**63 else [list]
    for form in forms:
        with pytest.raises(UserError, match=f"id {number} is outside the vocabulary of 6 tokens"):
            ByteTable(TOKENS).gather(form([1, number]))


@pytest.mark.parametrize(
    "ids", [[1.0], ["1"], np.array([1.5]), np.array([[1, 2]]), np.array(1), np.array(["1"])]
)
def test_what_is_no_row_of_integers_is_refused(ids: Any) -> None:
    with pytest.raises(TypeError):
        ByteTable(TOKENS).gather(ids)
