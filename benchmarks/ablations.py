"""What each option is worth: the race's settings for groundup with one thing changed, by the clock.

    python benchmarks/ablations.py [--budget 60] [--corpus stdlib] [--seeds 0 1 2] [--only tied]

All run for the same time, so an option pays for what it costs in steps. Scores are of text held out
of the race's training text (as with ``race.py --tune``). Differences are between runs with the same
seed, their mean and their extremes: where these have two signs, the option's worth is within what a
seed is worth. The race's text is one piece, so what is done about documents (``packing``,
``document_mask``) is compared by ``groundup sweep``. Results are kept in --results, a file each;
what is there is not run again.
"""

import argparse
import json
import os
import statistics
from pathlib import Path
from typing import Any

from race.corpora import corpus, shared_data
from race.load import is_disturbed
from race.report import measure_key
from race.run import Heat, run_heat
from race.settings import changed, settings_for

from groundup.model import ModelConfig
from groundup.train import TrainConfig

BASE = "as raced"

OPTIONS: dict[str, dict[str, Any]] = {
    BASE: {},
    # the architecture
    "projections not zero at first": {"model.zero_init_projections": False},
    "queries and keys not normalized": {"model.qk_norm": False},
    "tied head": {"model.tie_embeddings": True},
    "untied head": {"model.tie_embeddings": False},
    "no heads that begin by copying": {"model.induction_heads": 0},
    "no heads that begin by copying, tied head": {
        "model.induction_heads": 0,
        "model.tie_embeddings": True,
    },
    "no heads that begin by copying, second block looks back": {
        "model.induction_heads": 0,
        "model.look_back_blocks": 2,
    },
    "no heads that begin by copying or looking back": {
        "model.look_back_heads": 0,
        "model.look_back_blocks": 1,
        "model.induction_heads": 0,
    },
    "two heads that begin by copying": {"model.induction_heads": 2, "model.look_back_blocks": 1},
    "value residual": {"model.value_residual": True},
    "value embeddings": {"model.value_embeddings": True},
    "x0 shortcut": {"model.x0_shortcut": True},
    "embedding norm": {"model.embedding_norm": True},
    "smear": {"model.smear": True},
    "logit soft cap of 15": {"model.logit_soft_cap": 15.0},
    "bigram table of 16,384": {"model.bigram_table_size": 16_384},
    "ReLU squared": {"model.activation": "relu2"},
    "norms without weights": {"model.norm_weight": False},
    "all of speedrun": {"model.architecture": "speedrun"},
    # the optimizer
    "AdamW alone, rate 0.003": {"pretrain.optimizer": "adamw", "pretrain.learning_rate": 0.003},
    "AdamW alone, rate 0.006": {"pretrain.optimizer": "adamw", "pretrain.learning_rate": 0.006},
    "weight decay of 0.1": {"pretrain.weight_decay": 0.1},
    "cautious weight decay of 0.1": {
        "pretrain.weight_decay": 0.1,
        "pretrain.cautious_weight_decay": True,
    },
    "momentum warm-up, 100 steps": {"pretrain.momentum_warmup_steps": 100},
    "Polar Express": {"pretrain.muon_coefficients": "polar-express"},
    "the head's rate a third of the embeddings'": {
        "pretrain.learning_rate": 0.01,
        "pretrain.embedding_learning_rate": 0.03,
    },
    "3 Newton-Schulz steps": {"pretrain.muon_steps": 3},
    "Muon's rate by RMS": {"pretrain.muon_scale": "rms", "pretrain.muon_learning_rate": 0.007},
    "gradients not clipped": {"pretrain.clip_norm": 0.0},
    "spikes skipped": {"pretrain.spike_factor": 3.0},
    # the schedule, and what is read when
    "cosine": {"pretrain.schedule": "cosine", "pretrain.decay_fraction": 0.4},
    "decay over the last 0.4": {"pretrain.decay_fraction": 0.4},
    "batch ramp": {},  # from a quarter of the batch: see changes_of
    "length ramp": {"pretrain.length_ramp": [[0.2, 64], [0.5, 128]]},
    # averages of weights
    "moving average, 0.99": {"pretrain.ema_decay": 0.99},
    "mean of the last 5": {"pretrain.average_last": 5},
}
"""What is changed, by the name it has in the table."""


def changes_of(name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Return what an option changes in ``settings``."""
    if name == "batch ramp":
        batch = settings["pretrain"]["batch_size"]
        return {"pretrain.batch_ramp": [[0.2, batch // 4], [0.5, batch // 2]]}
    return OPTIONS[name]


def heats(options: argparse.Namespace) -> list[tuple[str, Heat, dict[str, Any]]]:
    """Return what is to be run, seed by seed, so that what is compared is run close together."""
    found = []
    where = f"{options.corpus}-tuning"
    settings = settings_for("groundup", "tuned", options.corpus, options.budget)
    for seed in options.seeds:
        for name in OPTIONS:
            changes = changes_of(name, settings)
            if name != BASE and _configs(changed(settings, changes)) == _configs(settings):
                continue  # the race has it so already, with this much time
            if name == BASE or not options.only or any(part in name for part in options.only):
                suffix = "".join(f"+{key}={value}" for key, value in changes.items())
                heat = Heat("groundup", f"tuned{suffix}", where, options.budget, seed)
                found.append((name, heat, changed(settings, changes)))
    return found


def _configs(settings: dict[str, Any]) -> tuple[ModelConfig, TrainConfig]:
    """Return what the settings say of model and training, what they leave out included."""
    return ModelConfig(**settings["model"]), TrainConfig(**settings["pretrain"])


def table(scores: dict[str, dict[int, dict[str, Any]]], key: str) -> str:
    """Return a Markdown table, the most helpful first.

    Args:
        scores: results by option and seed.
        key: of a result, what is compared.
    """
    base = scores[BASE]
    rows = []
    for name, results in scores.items():
        seeds = results.keys() & base.keys()
        if not seeds:
            rows.append((float("inf"), f"| {name} | failed | | | |"))
            continue
        mean = statistics.mean(results[seed][key] for seed in seeds)
        differences = [results[seed][key] - base[seed][key] for seed in seeds]
        steps = statistics.mean(results[seed]["steps"] / base[seed]["steps"] for seed in seeds)
        mark = " †" if any(is_disturbed(results[seed]) for seed in seeds) else ""
        difference = statistics.mean(differences)
        spread = f"{min(differences):+.4f} … {max(differences):+.4f}" if name != BASE else ""
        line = f"| {name}{mark} | {mean:.4f} | {difference:+.4f} | {spread} | {steps:.2f} |"
        rows.append((difference, line))
    head = "| | score | difference | from … to | steps × |\n|---|---:|---:|---:|---:|"
    note = "† other programs took a part of the cores\n"
    lines = [line for _, line in sorted(rows)]
    return "\n".join([head, *lines, note if any("†" in line for line in lines) else ""])


def main() -> None:
    """Run what has no result yet, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--budget", type=float, default=60.0, help="seconds")
    parser.add_argument("--corpus", choices=("shakespeare", "stdlib", "stories"), default="stdlib")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2])
    parser.add_argument("--only", nargs="*", default=[], help="parts of options' names")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--results", type=Path, default=Path("runs/ablations"))
    options = parser.parse_args()
    options.results.mkdir(parents=True, exist_ok=True)
    texts = corpus(options.corpus, shared_data(), tune=True)
    scores: dict[str, dict[int, dict[str, Any]]] = {}
    todo = heats(options)
    key = measure_key(options.corpus)
    for place, (name, heat, settings) in enumerate(todo, start=1):
        print(f"{place}/{len(todo)} {name}, seed {heat.seed}:", end=" ", flush=True)
        result = run_heat(
            heat,
            settings,
            texts,
            threads=options.threads,
            results=options.results,
            work=options.results / "work",
        )
        of_option = scores.setdefault(name, {})
        if "error" in result:
            print(result["error"].strip().splitlines()[-1], flush=True)
        else:
            of_option[heat.seed] = result
            print(f"{result[key]:.4f}, {result['steps']} steps", flush=True)
    print(table(scores, key))
    base = scores[BASE]
    ratios = {
        name: round(statistics.mean(results[seed][key] / base[seed][key] for seed in results), 4)
        for name, results in scores.items()
        if results.keys() and results.keys() <= base.keys() and name != BASE
    }
    print(json.dumps({"benchmark": "ablations", "ratios": ratios}))


if __name__ == "__main__":
    main()
