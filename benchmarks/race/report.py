"""What the results in a folder say: a table, ratios, and the picture."""

import itertools
import json
import statistics
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

from race.load import MOST_DISTURBED, is_disturbed

MARK = "†"
"""At what a part of the cores was taken from."""

NAMES = {
    "huggingface": "transformers",
    "nanochat": "nanochat-style",
    "nanogpt": "nanoGPT-style",
}
"""How contenders are written that are written otherwise; two are loops of our own, in the style of
a project that is no library."""

Group = dict[tuple[str, float, str], dict[str, list[dict[str, Any]]]]
"""Results by corpus, budget and processor, then by contender and kind: what was raced on two
machines does not compare."""


def read_results(folder: Path) -> list[dict[str, Any]]:
    """Return the results in a folder, each of a heat."""
    paths = sorted(folder.glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def grouped(results: list[dict[str, Any]]) -> Group:
    """Return results by what was run where, and by whom."""
    groups: Group = defaultdict(lambda: defaultdict(list))
    for result in results:
        who = f"{name_of(result['contender'])} {result['kind']}"
        groups[result["corpus"], result["budget"], cpu_of(result)][who].append(result)
    return groups


def name_of(contender: str) -> str:
    """Return how a contender is written."""
    return NAMES.get(contender, contender)


def cpu_of(heat: dict[str, Any]) -> str:
    """Return the processor of a heat, without its maker's decoration."""
    name = str(heat.get("machine", {}).get("cpu", "?"))
    return name.replace("(R)", "").replace("(TM)", "").removesuffix(" Processor")


def table(results: list[dict[str, Any]]) -> str:
    """Return a Markdown table for each corpus, budget and processor, the best first.

    The column ``late`` says by how much the latest heat was over its time: a rival finishes the
    step it is in.
    """
    parts = []
    for (corpus, budget, cpu), contenders in sorted(grouped(results).items()):
        measure = "nats/character" if in_nats(corpus) else "bits/byte"
        parts.append(
            f"{corpus}, {minutes(budget)}, on {cpu}\n\n"
            f"| | {measure} | from … to | seeds | parameters | steps | late |\n"
            "|---|---:|---:|---:|---:|---:|---:|"
        )
        rows, failed = [], []
        for who, heats in contenders.items():
            whole = [heat for heat in heats if "error" not in heat]
            if not whole:
                failed.append(f"| {who} | {heats[0]['error'].splitlines()[0]} | | | | | |")
                continue
            scores = [heat[measure_key(corpus)] for heat in whole]
            mean = statistics.mean(scores)
            steps = statistics.mean(heat["steps"] for heat in whole)
            late = max(heat["seconds"] for heat in whole) / budget - 1
            mark = f" {MARK}" if any(is_disturbed(heat) for heat in whole) else ""
            line = (
                f"| {who}{mark} | {mean:.4f} | {min(scores):.4f} … {max(scores):.4f} "
                f"| {len(scores)} | {whole[0]['parameters'] / 1e6:.2f} M | {steps:,.0f} "
                f"| {late:+.1%} |"
            )
            rows.append((mean, line))
        parts.append("\n".join([line for _, line in sorted(rows)] + failed) + "\n")
    if any(is_disturbed(result) for result in results):
        parts.append(
            f"{MARK} other programs took over {MOST_DISTURBED:.0%} of the cores from a heat; "
            "`--retry` runs it again\n"
        )
    return "\n".join(parts)


def measure_key(corpus: str) -> str:
    """Return what a corpus is judged by."""
    return "nats_per_character" if in_nats(corpus) else "bits_per_byte"


def in_nats(corpus: str) -> bool:
    """Return whether a corpus is one of which others count nats per character."""
    return corpus.startswith("shakespeare")


def minutes(budget: float) -> str:
    """Return ``3 minutes`` or ``10 seconds``."""
    number, unit = (budget / 60, "minute") if budget >= 60 else (budget, "second")
    return f"{number:g} {unit}{'' if number == 1 else 's'}"


def ratios(results: list[dict[str, Any]]) -> dict[str, float]:
    """Return the best rival's bits per byte over ours, and its time over ours for its score.

    Above 1, groundup wins. Two are compared by the seeds with which neither failed, on one machine;
    where a corpus and budget were raced on several, a ratio's name says on which.
    """
    found = {}
    groups = grouped(results)
    raced = Counter((corpus, budget) for corpus, budget, _ in groups)
    for (corpus, budget, cpu), contenders in sorted(groups.items()):
        scores = {who: _scores(heats) for who, heats in contenders.items()}
        pairs = []
        for mine, rival in itertools.product(scores, scores):
            seeds = scores[mine].keys() & scores[rival].keys()
            if seeds and mine.startswith("groundup") and not rival.startswith("groundup"):
                means = [
                    statistics.mean(scores[who][seed] for seed in seeds) for who in (rival, mine)
                ]
                pairs.append((means[0] / means[1], rival, means[0]))
        if pairs:
            ratio, best, score = min(pairs)
            where = f", {cpu}" if raced[corpus, budget] > 1 else ""
            found[f"{corpus} {minutes(budget)}{where}: {best} / groundup"] = round(ratio, 4)
            if enough := _enough(groups, corpus, cpu, score):
                race = f"{corpus}{where}: {minutes(budget)} of {best}"
                key = f"{race} / time of groundup for that score"
                found[key] = round(budget / enough, 2)
    return found


def _scores(heats: list[dict[str, Any]]) -> dict[int, float]:
    """Return bits per byte by seed, of those that did not fail."""
    return {heat["seed"]: heat["bits_per_byte"] for heat in heats if "error" not in heat}


def _enough(groups: Group, corpus: str, cpu: str, score: float) -> float | None:
    """Return the shortest budget with which groundup was as good there; None if with none."""
    budgets = [
        budget
        for (text, budget, where), contenders in groups.items()
        for who, heats in contenders.items()
        if (text, where) == (corpus, cpu) and who.startswith("groundup")
        if (scores := _scores(heats)) and statistics.mean(scores.values()) <= score
    ]
    return min(budgets, default=None)
