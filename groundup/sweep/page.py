"""``sweep.html``: the metric against each key, the best setting, and all of them."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from groundup import __version__
from groundup.errors import printable
from groundup.page import page
from groundup.sweep.chart import Dot, scatter
from groundup.sweep.results import UNITS, Score, best_toml, ranked, why_failed
from groundup.sweep.space import in_words, short_names, spelt
from groundup.sweep.trials import Plan

COLOURS = 5
"""Of rungs, in page.css; more rungs share the last."""


def sweep_page(plan: Plan, rungs: Sequence[Sequence[Score]]) -> str:
    """Return the page; it needs nothing but a browser, no network either."""
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    ranking = ranked(rungs)
    best = next((score for score in ranking if score.mean is not None), None)
    name = _said(plan.recipe.name)
    body = [
        f"<header><h1>Sweep of {name}</h1><p>{_said(_numbers(plan, rungs))}</p></header>",
        "<main>",
        _best(best, UNITS[plan.metric]),
        _charts(plan, rungs, best),
        _table(plan, ranking),
        "</main>",
        f"<footer>Made by groundup {__version__}.</footer>",
    ]
    return page(f"Sweep of {printable(plan.recipe.name)}", body, style=style)


def _numbers(plan: Plan, rungs: Sequence[Sequence[Score]]) -> str:
    results = [result for rung in rungs for score in rung for result in score.results]
    failed = sum(bool(result.failed) for result in results)
    words = [
        f"{len(plan.settings)} settings",
        f"{plan.seeds} seed{'' if plan.seeds == 1 else 's'}",
        f"{len(results)} of {plan.num_trials} trainings",
    ]
    if failed:
        words.append(f"{failed} failed")
    return ", ".join(words) + ". Lower is better."


def _best(best: Score | None, unit: str) -> str:
    if best is None:
        return '<div class="card"><p>No training has given a result.</p></div>'
    return f'<div class="card"><h2>Best</h2><pre>{_said(best_toml(best, unit))}</pre></div>'


def _charts(plan: Plan, rungs: Sequence[Sequence[Score]], best: Score | None) -> str:
    unit, figures = UNITS[plan.metric], []
    names = short_names(plan.keys)
    for key in plan.keys:
        dots = [
            Dot(
                result.setting[key],
                result.value(plan.metric),
                min(score.rung, COLOURS - 1),
                f"{in_words(result.setting)}, seed {result.seed}, {result.budget}: "
                + (result.failed or f"{result.value(plan.metric):.4f} {unit}"),
                best=score is best,
            )
            for rung in rungs
            for score in rung
            for result in score.results
        ]
        drawn = scatter(dots, names[key], unit)
        figures.append(f'<figure class="card"><h3>{unit} by {_said(key)}</h3>{drawn}</figure>')
    return f'{_legend(plan, rungs)}<div class="charts">{"".join(figures)}</div>'


def _legend(plan: Plan, rungs: Sequence[Sequence[Score]]) -> str:
    entries = []
    for number, scores in enumerate(rungs):
        colour = min(number, COLOURS - 1)
        what = "a training"
        if len(plan.sizes) > 1:
            budgets = {result.budget for score in scores for result in score.results}
            what = ", ".join([f"rung {number + 1}", *(budgets if len(budgets) == 1 else ())])
        entries.append(_key(f'<circle class="rung{colour}" cx="7" cy="7" r="4"/>', what))
    top = min(len(rungs), COLOURS) - 1
    entries.append(_key(f'<circle class="rung{top} best" cx="7" cy="7" r="5.5"/>', "best setting"))
    results = [result for scores in rungs for score in scores for result in score.results]
    if any(result.failed for result in results):
        entries.append(_key('<path class="failed" d="M3 3l8 8m0 -8l-8 8"/>', "failed"))
    return f'<p class="legend">{"".join(entries)}</p>'


def _key(mark: str, what: str) -> str:
    svg = f'<svg viewBox="0 0 14 14" width="14" height="14" aria-hidden="true">{mark}</svg>'
    return f"<span>{svg}{_said(what)}</span>"


def _table(plan: Plan, ranking: Sequence[Score]) -> str:
    names = short_names(plan.keys)
    halved = len(plan.sizes) > 1
    columns = [*(names[key] for key in plan.keys), UNITS[plan.metric], "seeds"]
    columns += ["rung"] if halved else []
    head = "".join(f'<th scope="col">{_said(column)}</th>' for column in [*columns, ""])
    rows = []
    for score in ranking:
        setting = score.results[0].setting
        cells = [*(spelt(setting[key]) for key in plan.keys), str(score), str(len(score.results))]
        cells += [str(score.rung + 1)] if halved else []
        inner = "".join(f"<td>{_said(cell)}</td>" for cell in cells)
        rows.append(f'<tr>{inner}<td class="note">{_said(why_failed(score))}</td></tr>')
    note = (
        " Settings that went on to a later rung come first: rungs do not compare." if halved else ""
    )
    return (
        '<section><h2>All settings</h2><p class="soft">Mean and standard error over the seeds.'
        f'{note}</p><div class="card scroll"><table><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div></section>"
    )


def _said(text: str) -> str:
    """Return text as it may stand in a page: no markup and no control characters."""
    return escape(printable(text))
