"""Which settings go on, and how long each rung trains."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UsageError
from groundup.sweep.halving import kept, rung_budgets, rung_sizes
from groundup.train import Duration


def test_the_rungs_of_hyperbands_example():
    # Li et al. 2018, table 1, the first bracket (s = 4): 81 settings, 81 epochs at most.
    assert rung_sizes(81, 3, 5) == [81, 27, 9, 3, 1]
    budgets = rung_budgets(Duration.parse("81 epochs"), 3, 5)
    assert [int(budget.amount) for budget in budgets] == [1, 3, 9, 27, 81]


def test_budgets_keep_their_unit_and_the_last_is_the_whole():
    assert [str(b) for b in rung_budgets(Duration.parse("2 min"), 3, 3)] == [
        "13.333 s", "40 s", "2 min",
    ]  # fmt: skip
    assert [str(b) for b in rung_budgets(Duration.parse("1M tokens"), 2, 2)] == [
        "500k tokens", "1M tokens",
    ]  # fmt: skip
    assert [str(b) for b in rung_budgets(Duration.parse(1000), 3, 2)] == ["333 steps", "1000 steps"]
    for text in ("2 steps", "1 steps"):
        with pytest.raises(UsageError, match="too short for 3 rungs"):
            rung_budgets(Duration.parse(text), 3, 3)


def test_too_many_rungs_are_refused_where_they_would_leave_nothing_to_compare():
    assert rung_sizes(6, 3, 3) == [6, 2, 1]
    with pytest.raises(UsageError, match=r"too many for 6 settings, .* at most 3"):
        rung_sizes(6, 3, 4)
    assert rung_sizes(1, 3, 1) == [1]


def test_the_best_go_on_and_one_that_failed_never_does():
    scores = {0: 2.0, 1: None, 2: 1.5, 3: 1.7, 4: 1.5}
    assert kept(scores, 2) == [2, 4]
    assert kept(scores, 3) == [2, 4, 3]
    assert kept(scores, 5) == [2, 4, 3, 0]
    assert kept({0: None, 1: None}, 1) == []


@given(st.integers(1, 500), st.integers(2, 5))
def test_a_rung_never_has_more_than_its_share(settings, halving):
    rungs = 1
    while settings // halving ** (rungs - 1) > 1 and rungs < 10:
        rungs += 1
    sizes = rung_sizes(settings, halving, rungs)
    assert sizes[0] == settings
    assert all(1 <= b <= max(1, a / halving) for a, b in pairwise(sizes))
