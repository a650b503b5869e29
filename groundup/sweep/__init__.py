"""Many trainings of one recipe with other values of its keys, and which of them is best.

space.py     the values: lists and ranges, all combinations or random draws
trials.py    recipes of them, checked before anything runs
halving.py   successive halving: short trainings for all, longer ones for the best
text.py      corpus, tokenizer and tokens, made once and shared
results.py   what the trials gave, kept in sweep.jsonl, and what that means
run.py       the sweep itself
forecast.py  how long it takes
table.py     the results in the terminal, the best setting as TOML
page.py      the results in a browser (chart.py draws)
"""

from groundup.sweep.results import Metric, Result, Score
from groundup.sweep.run import Sweep, sweep
from groundup.sweep.space import Range
from groundup.sweep.trials import Plan, plan_sweep

__all__ = ["Metric", "Plan", "Range", "Result", "Score", "Sweep", "plan_sweep", "sweep"]
