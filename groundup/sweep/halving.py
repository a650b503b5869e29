"""Successive halving: short trainings of all settings, longer ones of the best.

Jamieson and Talwalkar 2016 (arXiv 1502.07943), with a factor as in the inner loop of Hyperband
(Li et al. 2018, arXiv 1603.06560, algorithm 1). Each *rung* trains what the rung before it left,
for ``halving`` times as long, and leaves one of ``halving``. Every training is annealed to its own
end, for a loss in the middle of a schedule says little about its end: so a setting that is kept is
trained anew and not longer, and a rung's results compare with those of the same rung only.
"""

from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise

from groundup.errors import UsageError
from groundup.train import Duration


def rung_sizes(settings: int, halving: int, rungs: int) -> list[int]:
    """Return how many settings each rung trains: ``settings``, then one of ``halving``, …

    Raises:
        UsageError: there are too few settings for so many rungs.
    """
    sizes = [max(1, settings // halving**rung) for rung in range(rungs)]
    if len(set(sizes)) < rungs:
        raise UsageError(
            f"--rungs {rungs}: too many for {settings} settings, of which a rung leaves one of "
            f"{halving}; at most {len(set(sizes))}"
        )
    return sizes


def rung_budgets(full: Duration, halving: int, rungs: int) -> list[Duration]:
    """Return how long the trainings of each rung are; the last are trained in full.

    Raises:
        UsageError: the first would be nothing, or as long as the next.
    """
    finest = Decimal(1) if full.unit in ("steps", "tokens") else Decimal("0.001")
    budgets = []
    for rung in range(rungs):
        amount = (full.amount / halving ** (rungs - 1 - rung)).quantize(finest)
        budgets.append(Duration(amount if rung < rungs - 1 else full.amount, full.unit))
    amounts = [Decimal(0), *(budget.amount for budget in budgets)]
    if any(longer <= shorter for shorter, longer in pairwise(amounts)):
        raise UsageError(f"a budget of {full} is too short for {rungs} rungs")
    return budgets


def kept(scores: Mapping[int, float | None], count: int) -> list[int]:
    """Return the settings of the next rung, the best first.

    Args:
        scores: of each setting, lower is better; None where a training of it failed, which loses.
        count: how many are kept, fewer if so many have failed.
    """
    trained = [(score, setting) for setting, score in scores.items() if score is not None]
    return [setting for _, setting in sorted(trained)[:count]]
