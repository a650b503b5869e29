"""The sweep: rung by rung, trial by trial; what is done is not done again."""

import gc
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from groundup import machine
from groundup.errors import UserError, is_out_of_memory
from groundup.files import fingerprint, write_atomic, write_json
from groundup.progress import console
from groundup.recipe import InterruptedRun, Recipe, run_recipe
from groundup.recipe.lock import BusyError, locked
from groundup.recipe.pretrain import learning_inputs
from groundup.recipe.stage import read_json, read_record
from groundup.sweep.forecast import Pace, peak_flops, training_seconds
from groundup.sweep.halving import kept
from groundup.sweep.page import sweep_page
from groundup.sweep.results import (
    UNITS,
    Metric,
    Result,
    Score,
    append_result,
    ranked,
    read_results,
)
from groundup.sweep.space import Over, in_words
from groundup.sweep.text import link_text, make_text, tokens_of
from groundup.sweep.trials import RATES, Plan, Trial, plan_sweep, text_key
from groundup.train import NonFiniteError, SpikeError, TrainConfig
from groundup.train.display import duration

PRECISIONS = "precisions.json"
"""In a sweep's folder, what its first trial on a device took for ``precision = "auto"``."""


@dataclass(frozen=True)
class Sweep:
    """A sweep and what it has given.

    Attributes:
        plan: what was to be trained.
        folder: ``runs/NAME/sweep``.
        rungs: the scores of each rung, in the order of the settings.
    """

    plan: Plan
    folder: Path
    rungs: tuple[tuple[Score, ...], ...]

    @property
    def ranking(self) -> list[Score]:
        """Return each setting once, the best first."""
        return ranked(self.rungs)

    @property
    def best(self) -> Score | None:
        """Return the best setting, None if none could be trained."""
        return next((score for score in self.ranking if score.mean is not None), None)


def sweep(
    recipe: Recipe,
    over: Over,
    *,
    seeds: int = 1,
    samples: int = 0,
    halving: int = 3,
    rungs: int = 1,
    metric: Metric = "bits_per_byte",
) -> Sweep:
    """Train a recipe with many values of its keys.

    Each training is a run in ``runs/NAME/sweep/trials``. One that is interrupted goes on where it
    stopped when this is called again with the same arguments; one that is over is not repeated.

    Args:
        recipe: all other keys; how long a training is in full, and the seed of the draws.
        over: the values of each key; every combination is tried, or ``samples`` draws.
        seeds: trainings of each setting.
        samples: random settings; 0: all combinations.
        halving: of the settings of a rung, one of so many is trained in the next, so many times
            as long (``sweep.halving``).
        rungs: the last trains in full; 1: no halving.
        metric: of the held-out text, lower is better.

    Raises:
        UsageError: something is wrong with the arguments; nothing has been run.
        UserError: the text cannot be made.
        InterruptedRun: the user stopped it; what is done is kept.
    """
    plan = plan_sweep(
        recipe, over, seeds=seeds, samples=samples, halving=halving, rungs=rungs, metric=metric
    )
    return run_plan(plan)


def run_plan(plan: Plan) -> Sweep:
    """Run a sweep that is checked; see ``sweep``."""
    folder = plan.recipe.folder / "sweep"
    with locked(folder, ()):
        write_json(folder / RATES, plan.rates)
        runner = _Runner(plan, folder)
        indices = list(range(len(plan.settings)))
        rungs: list[tuple[Score, ...]] = []
        for rung in range(len(plan.sizes)):
            trials = plan.trials(rung, indices)
            results = [runner.run(trial, rest=trials[n:]) for n, trial in enumerate(trials)]
            scores = tuple(
                Score.of(
                    index,
                    [r for t, r in zip(trials, results, strict=True) if t.index == index],
                    plan.metric,
                )
                for index in indices
            )
            rungs.append(scores)
            found = Sweep(plan, folder, tuple(rungs))
            write_atomic(folder / "sweep.html", sweep_page(plan, found.rungs))
            if rung + 1 < len(plan.sizes):
                best = kept({score.index: score.mean for score in scores}, plan.sizes[rung + 1])
                indices = sorted(best)
                if not indices:
                    break
    return found


class _Runner:
    """Runs trials one after another, and knows how far the sweep is."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self.results = read_results(folder / "sweep.jsonl")
        self.texts = self._make_texts()
        self.peak = peak_flops(plan.recipe)
        self.pace = Pace()
        self.expected: dict[tuple[int, int], float] = {}
        self.number = 0

    def _make_texts(self) -> dict[int, Recipe]:
        """Make the tokens of all settings; return for each the recipe of where they are."""
        made: dict[str, Recipe] = {}
        texts = {}
        for index, (_, recipe) in enumerate(self.plan.settings):
            key = text_key(recipe)
            if key not in made:
                made[key] = make_text(recipe, self.folder / "shared")
                held_out = read_record(made[key].folder / "tokens")["result"]["validation"]
                if held_out["tokens"] < 2:
                    raise UserError("no text is held out to compare on: raise validation_fraction")
            texts[index] = made[key]
        return texts

    def run(self, trial: Trial, rest: list[Trial]) -> Result:
        """Train one, or return what is known of it; ``rest`` are those of its rung from it on."""
        self.number += 1
        text = self.texts[trial.index]
        name = fingerprint([tokens_of(text), learning_inputs(trial.recipe)])
        if name in self.results:
            return replace(self.results[name], setting=trial.setting, rung=trial.rung)
        left = self.pace.left(map(self._expected, [*rest, *self._later(trial.rung)]))
        rungs = len(self.plan.sizes)
        _say(
            f"trial {self.number} of {self.plan.num_trials}"
            + (f", rung {trial.rung + 1} of {rungs}" if rungs > 1 else "")
            + f": {in_words(trial.setting)}, seed {trial.recipe.seed}, {trial.budget}; "
            f"about {duration(left)} left"
        )
        started = time.perf_counter()
        try:
            result, lasting = self._train(trial, name, text)
        except InterruptedRun:
            raise InterruptedRun(
                f"interrupted in trial {self.number} of {self.plan.num_trials}; saved; "
                "run the same command to resume"
            ) from None
        self.pace.done(self._expected(trial), time.perf_counter() - started)
        if lasting:
            append_result(self.folder / "sweep.jsonl", result)
        self.results[name] = result
        value = result.value(self.plan.metric)
        unit = UNITS[self.plan.metric]
        _say(f"  failed: {result.failed}" if value is None else f"  {value:.4f} {unit}")
        return result

    def _train(self, trial: Trial, name: str, text: Recipe) -> tuple[Result, bool]:
        """Return what a trial gave, and whether it would give the same again.

        What the user can mend between two calls, memory for one, is tried again at the next.
        """
        recipe = _as_trial(trial.recipe, self.folder / "trials", name)
        recipe = recipe.model_copy(update={"pretrain": self._with_precision(recipe.pretrain)})
        link_text(text, recipe)
        known = Result(name, trial.setting, recipe.seed, trial.rung, str(trial.budget))
        _forget_compiled()
        try:
            with _quiet():
                (outcome,) = run_recipe(recipe, only="pretrain")
        except BusyError:
            raise
        except (UserError, MemoryError, RuntimeError) as error:
            if not (isinstance(error, UserError) or is_out_of_memory(error)):
                raise
            failed = " ".join(str(error).split()) or type(error).__name__
            lasting = isinstance(error, NonFiniteError | SpikeError)
            if lasting:
                _drop_checkpoints(recipe)
            return replace(known, failed=failed), lasting
        _drop_checkpoints(recipe)
        numbers = outcome.result
        result = replace(
            known,
            bits_per_byte=numbers["validation"]["bits_per_byte"],
            nats_per_token=numbers["validation"]["nats_per_token"],
            parameters=numbers["parameters"],
            steps=numbers["steps"],
            tokens=numbers["tokens"],
            seconds=numbers["training_seconds"],
        )
        if result.value(self.plan.metric) is None:
            result = replace(result, failed=f"{self.plan.metric} is not comparable or not finite")
        return result, True

    def _with_precision(self, config: TrainConfig) -> TrainConfig:
        """Choose once what ``auto`` is; trials of two precisions could not be compared."""
        if config.precision != "auto":
            return config
        path = self.folder / PRECISIONS
        known = read_json(path)
        if config.device not in known:
            picked = machine.pick_precision("auto", machine.pick_device(config.device))
            known[config.device] = str(picked).removeprefix("torch.")
            write_json(path, known)
        return config.model_copy(update={"precision": known[config.device]})

    def _later(self, rung: int) -> Iterator[Trial]:
        """Return the trials of the rungs to come; the first settings stand for the best."""
        for later in range(rung + 1, len(self.plan.sizes)):
            yield from self.plan.trials(later, range(self.plan.sizes[later]))

    def _expected(self, trial: Trial) -> float:
        """Return about how many seconds a trial takes, the same for every seed."""
        place = trial.index, trial.rung
        if place not in self.expected:
            folder = self.texts[trial.index].folder
            vocab_size = read_record(folder / "tokenizer")["result"]["vocab_size"]
            tokens = read_record(folder / "tokens")["result"]["train"]["tokens"]
            found = training_seconds(trial.recipe, self.peak, vocab_size, tokens)
            self.expected[place] = found
        return self.expected[place]


def _as_trial(recipe: Recipe, folder: Path, name: str) -> Recipe:
    """Return a trial's recipe: in its folder, and with little of what is only to be looked at."""
    plain = type(recipe.pretrain).model_fields
    unseen = {key: plain[key].default for key in ("sample_prompt", "sample_tokens")}
    changes = {**unseen, "sample_every": 0, "keep_checkpoints": 1}
    pretrain = recipe.pretrain.model_copy(update=changes)
    return recipe.model_copy(update={"runs": folder, "name": name, "pretrain": pretrain})


def _drop_checkpoints(recipe: Recipe) -> None:
    """Remove what only a training that goes on needs: twice as large as a model, and more."""
    shutil.rmtree(recipe.folder / "pretrain" / "checkpoints", ignore_errors=True)


def _forget_compiled() -> None:
    """Free what the trial before left, compiled code included."""
    gc.collect()
    if "torch._dynamo" in sys.modules:
        torch.compiler.reset()


@contextmanager
def _quiet() -> Iterator[None]:
    """Let a training be silent: a hundred of them would bury the sweep's own lines."""
    before, console.quiet = console.quiet, True
    try:
        yield
    finally:
        console.quiet = before


def _say(line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=True)
