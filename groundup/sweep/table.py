"""A sweep in the terminal: what is planned, what came out, and the best setting to paste."""

from rich.table import Table

from groundup.recipe.read import toml_value
from groundup.sweep.results import UNITS, Score, why_failed
from groundup.sweep.run import Sweep
from groundup.sweep.space import in_words, short_names
from groundup.sweep.trials import Plan
from groundup.train.display import duration


def plan_words(plan: Plan, seconds: float | None) -> str:
    """Return how many trainings there are and how long they take.

    Args:
        plan: the sweep.
        seconds: that it takes; None where that cannot be known yet.
    """
    time = "time known once the text is tokenized"
    if seconds is not None:
        time = (
            f"about {duration(seconds)} and what starting and saving {plan.num_trials} times take"
        )
    rungs = f" in {len(plan.sizes)} rungs" if len(plan.sizes) > 1 else ""
    return f"{plan.recipe.folder / 'sweep'}: {plan.num_trials} trainings{rungs}, {time}"


def plan_table(plan: Plan) -> Table:
    """Return the settings of the first rung, and how many the later ones have."""
    table = Table()
    names = short_names(plan.keys)
    for heading in ("rung", *(names[key] for key in plan.keys), "seeds", "budget"):
        table.add_column(heading, justify="right")
    seeds = f"{plan.recipe.seed}"
    if plan.seeds > 1:
        seeds += f"–{plan.recipe.seed + plan.seeds - 1}"
    for trial in plan.trials(0, range(plan.sizes[0]))[:: plan.seeds]:
        values = [_shown(trial.setting[key]) for key in plan.keys]
        table.add_row("1", *values, seeds, str(trial.budget))
    for rung in range(1, len(plan.sizes)):
        budget = plan.trials(rung, [0])[0].budget
        best = [f"the best {plan.sizes[rung]}", *[""] * (len(plan.keys) - 1)]
        table.add_row(str(rung + 1), *best, seeds, str(budget))
    return table


def result_table(found: Sweep) -> Table:
    """Return each setting, the best first: mean and standard error over the seeds."""
    plan = found.plan
    halved = len(plan.sizes) > 1
    table = Table(title=str(found.folder), title_justify="left")
    names = short_names(plan.keys)
    headings = [*(names[key] for key in plan.keys), UNITS[plan.metric], "steps", "time"]
    for heading in ["rung", *headings] if halved else headings:
        table.add_column(heading, justify="right", no_wrap=heading == UNITS[plan.metric])
    for score in found.ranking:
        values = [_shown(score.results[0].setting[key]) for key in plan.keys]
        cells = [*values, str(score), *_work(score)]
        table.add_row(*([str(score.rung + 1), *cells] if halved else cells))
    return table


def failures(found: Sweep) -> list[str]:
    """Return a line for each setting that failed: which, and why."""
    return [
        f"failed: {in_words(score.results[0].setting)}, {why}"
        for score in found.ranking
        if (why := why_failed(score))
    ]


def _work(score: Score) -> tuple[str, str]:
    """Return the mean number of steps and seconds of a setting's trainings."""
    done = [result for result in score.results if not result.failed]
    if not done:
        return "", ""
    steps = sum(result.steps for result in done) / len(done)
    return f"{steps:,.0f}", duration(sum(result.seconds for result in done) / len(done))


def _shown(value: object) -> str:
    return value if isinstance(value, str) else "off" if value is None else toml_value(value)
