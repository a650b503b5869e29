"""What workers do: the passes over the parts, each task in a few words."""

from pathlib import Path

from groundup.corpus.answers import Do, Moved
from groundup.corpus.lines import count_lines, drop_lines
from groundup.corpus.part import PartMaker
from groundup.corpus.parts import Plan

PLAN = "plan.json"
"""The plan's file in the corpus' folder."""


def make_worker(folder: Path) -> Do:
    """Return what does the tasks of the corpus in ``folder``: ``make 12``, ``drop-lines 3``."""
    plan = Plan.load(folder / PLAN)
    maker: list[PartMaker] = []  # loads models: only where parts are made

    def do(task: str, moved: Moved) -> None:
        verb, number = task.split()
        match verb:
            case "make":
                if not maker:
                    maker.append(PartMaker(plan, folder))
                maker[0].make(int(number), moved)
            case "count-lines":
                count_lines(folder, int(number), plan.config.dedup.lines)
            case "drop-lines":
                drop_lines(folder, int(number), plan.config.dedup.lines)
            case _:
                raise AssertionError(f"no worker knows how to {task}")

    return do
