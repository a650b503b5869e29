"""Which steps are compiled: all, none, or what a trial found faster."""

import io
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console

from groundup.objectives import NextToken
from groundup.train import TrainConfig
from groundup.train import compile as compile_module
from groundup.train.batches import StepBatches
from groundup.train.compile import TRIAL_PAIRS, Compilation
from groundup.train.display import Display
from groundup.train.horizon import Clock, Counted, Recorded, Stopwatch
from groundup.train.precision import Masters
from groundup.train.workers import Workers

CPU = torch.device("cpu")
TRIAL = [False, True] * TRIAL_PAIRS


class Compiled:
    """An objective that says it is compiled."""

    def __call__(self, model, batch):
        return NextToken()(model, batch)


class Rig:
    """Batches of a run whose clock and compiler the test decides."""

    def __init__(
        self, model, loader, monkeypatch, config, *, compiling=30.0, fails=False, horizon=None
    ):
        self.time, self.compiling, self.fails = 0.0, compiling, fails
        self.shown = io.StringIO()
        config = TrainConfig(batch_size=4, warmup_steps=0, **config)
        display = Display(Console(file=self.shown, width=200), max_steps=9, log_every=9)
        seconds = config.duration.seconds
        self.horizon = horizon or (
            Counted(config.max_steps)
            if seconds is None
            else Clock(seconds, Stopwatch(0.0, 0.0, lambda: self.time))
        )
        monkeypatch.setattr(compile_module, "compile_obstacle", lambda model, device: "")
        monkeypatch.setattr(compile_module, "compile_objective", self._compile)
        monkeypatch.setattr(compile_module, "time", SimpleNamespace(perf_counter=lambda: self.time))
        self.batches = StepBatches(loader, config, CPU)
        masters = Masters(model, torch.float32)
        workers = Workers()
        self.compilation = Compilation(
            NextToken(), model, masters, config, CPU, display, self.horizon, workers
        )

    def _compile(self, objective, *_):
        self.time += self.compiling
        return objective if self.fails else Compiled()

    def steps(self, count, eager=1.0, compiled=0.75, slower_from=10**9):
        """Run some steps; return which were compiled, and the shares at which they began."""
        kinds, shares = [], []
        for step in range(count):
            slow = 2.0 if step >= slower_from else 1.0
            while True:
                share = self.horizon.progress(step).share
                if not self.compilation.prepare(self.batches.read(step, share)):
                    break
            is_compiled = isinstance(self.compilation.objective, Compiled)
            assert self.compilation.compiled == is_compiled
            seconds = slow * (compiled if is_compiled else eager)
            self.time += seconds
            self.horizon.stepped(seconds)
            self.compilation.stepped(seconds)
            kinds.append(is_compiled)
            shares.append(share)
        return kinds, shares


@pytest.fixture
def rig(tiny_model, loader, monkeypatch):
    """Make a rig: ``rig({"budget": "10 min"})``."""
    return lambda config, **how: Rig(tiny_model(), loader, monkeypatch, config, **how)


def test_by_the_clock_compiled_steps_are_tried_and_kept_where_they_are_faster(rig):
    run = rig({"budget": "10 min"})
    kinds, shares = run.steps(100)
    assert kinds == TRIAL + [True] * (100 - len(TRIAL))
    shown = run.shown.getvalue()
    assert "compiled in 30 s" in shown
    assert "compiled steps take 0.75 of the time of eager ones" in shown
    assert "back to" not in shown
    # 30 of 600 seconds went by, of which the schedule sees almost nothing.
    falls = [later - earlier for earlier, later in pairwise(shares)]
    assert max(falls) < 0.005


def test_by_the_clock_eager_steps_go_on_where_compiled_ones_are_slower(rig):
    run = rig({"budget": "10 min"})
    kinds, _ = run.steps(60, eager=0.131, compiled=0.149)
    assert kinds == TRIAL + [False] * (60 - len(TRIAL))
    assert "compiled steps take 1.14 of the time of eager ones: back to" in run.shown.getvalue()


@pytest.mark.parametrize("slower_from", range(0, len(TRIAL), 3))
@pytest.mark.parametrize(("compiled", "kept"), [(0.75, True), (1.25, False)])
def test_a_machine_that_grows_slower_on_the_way_misleads_no_trial(rig, slower_from, compiled, kept):
    run = rig({"budget": "10 min"})
    kinds, _ = run.steps(40, compiled=compiled, slower_from=slower_from)
    assert kinds == TRIAL + [kept] * (40 - len(TRIAL))


def test_by_the_clock_nothing_is_compiled_that_would_not_be_earned_back(rig):
    run = rig({"budget": "2 min"})
    kinds, _ = run.steps(20)
    assert not any(kinds)
    assert run.shown.getvalue().count("not compiling") == 1


def test_a_ramp_that_only_adds_micro_batches_compiles_once(rig):
    run = rig({"budget": "4 min", "batch_ramp": ((0.7, 2),), "micro_batch_size": 2})
    kinds, shares = run.steps(240)
    assert shares[-1] > 0.7
    assert kinds == TRIAL + [True] * (240 - len(TRIAL))
    assert run.shown.getvalue().count("compiled in") == 1


def test_nor_is_another_shape_late_in_a_run(rig):
    run = rig({"budget": "4 min", "batch_ramp": ((0.7, 2),)})
    kinds, shares = run.steps(240)
    second = next(step for step, share in enumerate(shares) if share >= 0.7)
    assert kinds[second - 1]
    assert not any(kinds[second:])
    assert run.shown.getvalue().count("not compiling") == 1


def test_compiling_another_shape_does_not_cut_into_the_schedule(rig):
    run = rig({"budget": "10 min", "compile": "on", "batch_ramp": ((0.2, 2),)}, compiling=60.0)
    kinds, shares = run.steps(400, compiled=1.0)
    assert all(kinds)
    assert shares[0] == 0
    assert run.shown.getvalue().count("compiled in 1 min") == 2
    # Of what was left, a tenth and more went by at once; a fifth of the way is more of the rest.
    assert max(later - earlier for earlier, later in pairwise(shares)) < 0.03


def test_that_nothing_can_be_compiled_is_said_once(rig, monkeypatch):
    run = rig({"budget": "10 min"})
    monkeypatch.setattr(compile_module, "compile_obstacle", lambda model, device: "there is none")
    run.steps(3)
    assert run.shown.getvalue().count("not compiling: there is none") == 1


def test_a_compiler_that_fails_ends_the_trial(rig):
    run = rig({"budget": "10 min"}, fails=True)
    kinds, _ = run.steps(40)
    assert not any(kinds)
    assert run.time == pytest.approx(40 + 30), "it is not asked again"


def test_each_shape_of_a_ramp_has_its_trial(rig):
    run = rig({"budget": "20 min", "batch_ramp": ((0.1, 2),)})
    kinds, shares = run.steps(300, eager=1.0, compiled=0.5)
    second = next(step for step, share in enumerate(shares) if share >= 0.1)
    assert kinds[second - 1]
    assert kinds[second : second + len(TRIAL) + 1] == [*TRIAL, True]


@pytest.mark.parametrize(
    ("config", "compiles"),
    [
        ({"max_steps": 10}, False),
        ({"max_steps": 10, "compile": "on"}, True),
        ({"max_steps": 10**9}, True),
        ({"max_steps": 10**9, "compile": "off"}, False),
        ({"budget": "10 min", "compile": "on"}, True),
        ({"budget": "10 min", "compile": "off"}, False),
    ],
)
def test_counted_runs_decide_without_a_clock(rig, config, compiles):
    run = rig(config)
    kinds, _ = run.steps(3)
    assert kinds == [compiles] * 3
    assert ("compiled in" in run.shown.getvalue()) == compiles


@pytest.mark.parametrize("config", [{"budget": "10 min"}, {"max_steps": 10**9}])
def test_a_run_that_repeats_another_compiles_nothing_by_itself(rig, config):
    run = rig(config, horizon=Recorded([0.0, 0.3, 0.6]))
    kinds, _ = run.steps(3)
    assert not any(kinds)
    assert run.shown.getvalue().count("repeats another's progress") == 1


def test_a_short_counted_run_says_why_it_does_not_compile(rig):
    run = rig({"max_steps": 10})
    run.steps(1)
    assert "not compiling" in run.shown.getvalue()
