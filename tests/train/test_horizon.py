from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from groundup.train import TrainConfig
from groundup.train.horizon import Clock, Counted, Recorded, Stopwatch, horizon_of
from groundup.train.schedules import multiplier
from groundup.train.state import RunState


class Machine:
    """A clock that the test moves."""

    def __init__(self):
        self.time = 100.0

    def __call__(self):
        return self.time


def clock_of(budget, machine, *, before=0.0, **options):
    return Clock(budget, Stopwatch(before, machine.time, machine), **options)


def run(clock, machine, durations, *, pauses=None):
    """Train on a machine whose steps take these seconds; return the shares and the last rates."""
    shares, step = [], 0
    while not clock.over(step):
        shares.append(clock.progress(step).share)
        machine.time += (seconds := durations[step % len(durations)])
        clock.stepped(seconds)
        step += 1
        machine.time += (pauses or {}).get(step, 0.0)
    return shares


def test_counted_steps_are_equal_shares():
    horizon = Counted(4)
    assert [horizon.progress(step).share for step in range(4)] == [0, 0.25, 0.5, 0.75]
    assert [horizon.done(step) for step in range(1, 5)] == [0.25, 0.5, 0.75, 1]
    assert not horizon.over(3)
    assert horizon.over(4)


def test_a_run_by_the_clock_is_annealed_when_its_time_is_over():
    machine = Machine()
    clock = clock_of(60, machine, ends={"validation": 4.0, "checkpoint": 0.8})
    machine.time += 14  # compiling: in the budget, and not in the schedule
    shares = run(clock, machine, [0.5])
    # 60 s, of which 14 s are over and 1.25 × 4.8 s held back: 40 s, 80 steps.
    assert len(shares) == 80
    assert shares == pytest.approx([step / 80 for step in range(80)])
    assert clock.watch.elapsed == pytest.approx(54)
    config = TrainConfig(budget="1 min")
    assert multiplier(clock.progress(80), config) < 1e-6


@given(
    st.floats(5, 600),
    st.lists(st.floats(0.01, 3), min_size=1, max_size=30),
    st.dictionaries(st.integers(1, 50), st.floats(0, 5), max_size=3),
    st.floats(0, 2),
    st.floats(0, 3),
)
@settings(max_examples=200)
def test_whatever_the_machine_does_a_run_is_never_more_than_a_step_late(
    budget, durations, pauses, compiling, end
):
    assume(compiling + 1.25 * end < budget)
    machine = Machine()
    clock = clock_of(budget, machine, ends={"validation": end})
    machine.time += compiling
    shares = run(clock, machine, durations, pauses=pauses)
    late = clock.watch.elapsed + 1.25 * end - budget
    assert late <= max(durations) + max(pauses.values(), default=0.0) + 1e-6
    assert shares[0] == 0
    assert all(0 <= a <= b < 1 for a, b in pairwise(shares))


def test_a_resumed_run_goes_on_from_the_seconds_used():
    machine = Machine()
    first = clock_of(100, machine)
    for step in range(40):
        first.progress(step)
        machine.time += 1
        first.stepped(1.0)
    elapsed = first.watch.elapsed
    assert elapsed == 40
    machine.time += 10_000  # nobody worked
    second = clock_of(100, machine, before=elapsed, begun=first.begun, share=first.share)
    machine.time += 5  # loading and compiling again
    assert second.progress(40).share == pytest.approx(0.45)
    assert len(run(second, machine, [1.0])) == 55


def test_progress_never_runs_backwards():
    machine = Machine()
    clock = clock_of(100, machine, ends={"validation": 20.0})
    clock.progress(0)
    machine.time += 50
    clock.stepped(1.0)
    before = clock.progress(1).share
    clock.ended("validation", 2.0)  # it took less than feared
    assert clock.progress(2).share == before


def test_what_the_end_needs_is_not_spent_before():
    machine = Machine()
    clock = clock_of(100, machine, ends={"validation": 10.0})
    clock.progress(0)
    clock.stepped(1.0)
    machine.time += 70
    assert clock.affords("validation")
    machine.time += 10
    assert not clock.affords("validation")
    assert not clock.over(5)


def test_the_first_step_is_taken_even_if_compiling_used_up_all():
    machine = Machine()
    clock = clock_of(10, machine)
    machine.time += 30
    assert not clock.over(0)
    assert clock.progress(0).share == 0
    clock.stepped(1.0)
    assert clock.over(1)


def test_a_recorded_run_is_as_long_as_it_was():
    horizon = Recorded([0.0, 0.3, 0.9])
    assert [horizon.progress(step).share for step in range(3)] == [0.0, 0.3, 0.9]
    assert [horizon.done(step) for step in range(1, 4)] == [0.0, 0.3, 0.9]
    assert horizon.over(3)


def test_a_run_that_is_given_more_time_goes_on_and_a_finished_one_does_not():
    state = RunState(step=9, elapsed=60.0, begun=0.0, progress=0.99, budget=60.0, finished=True)
    watch = Stopwatch(60.0, 0.0, lambda: 0.0)
    assert horizon_of(TrainConfig(budget="1 min"), state, watch).over(9)
    longer = horizon_of(TrainConfig(budget="2 min"), state, watch)
    assert not longer.over(9)
    assert longer.progress(9).share == pytest.approx(0.5)
