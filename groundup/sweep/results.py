"""What the trials gave: a line each in ``sweep.jsonl``; and their means, which are compared."""

import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal

from groundup.files import write_atomic
from groundup.sweep.halving import kept
from groundup.sweep.space import Setting, spelt

Metric = Literal["bits_per_byte", "nats_per_token"]
"""Of the held-out text, at the end of a training; lower is better."""

UNITS = {"bits_per_byte": "bits/byte", "nats_per_token": "nats/token"}


@dataclass(frozen=True)
class Result:
    """One training, over.

    Attributes:
        trial: name of its folder, after all that decides its result.
        setting: values of the keys that are swept.
        seed: of the training.
        rung: 0 is the first and shortest.
        budget: how long it was to train.
        failed: why it has no result; empty where it has one.
        bits_per_byte: of the held-out text; None where it failed or is not comparable.
        nats_per_token: likewise.
        parameters: of the model.
        steps: optimizer steps.
        tokens: trained on.
        seconds: of training.
    """

    trial: str
    setting: Setting
    seed: int
    rung: int
    budget: str
    failed: str = ""
    bits_per_byte: float | None = None
    nats_per_token: float | None = None
    parameters: int = 0
    steps: int = 0
    tokens: int = 0
    seconds: float = 0.0

    def value(self, metric: Metric) -> float | None:
        """Return what is compared; None where there is nothing finite to compare."""
        value = self.bits_per_byte if metric == "bits_per_byte" else self.nats_per_token
        return None if self.failed or value is None or not math.isfinite(value) else value


@dataclass(frozen=True)
class Score:
    """A setting in one rung.

    Attributes:
        index: of the setting.
        rung: 0 is the first and shortest.
        results: one for each seed.
        mean: over the seeds; None if one of them failed.
        error: standard error of the mean; None with one seed.
    """

    index: int
    rung: int
    results: tuple[Result, ...]
    mean: float | None
    error: float | None

    @classmethod
    def of(cls, index: int, results: Sequence[Result], metric: Metric) -> "Score":
        """Average a setting's results of one rung."""
        values = [value for result in results if (value := result.value(metric)) is not None]
        mean = statistics.fmean(values) if len(values) == len(results) else None
        error = None
        if mean is not None and len(values) > 1:
            error = statistics.stdev(values) / math.sqrt(len(values))
        return cls(index, results[0].rung, tuple(results), mean, error)

    def __str__(self) -> str:
        if self.mean is None:
            return "failed"
        return f"{self.mean:.4f}" + ("" if self.error is None else f" ± {self.error:.4f}")


def ranked(rungs: Sequence[Iterable[Score]]) -> list[Score]:
    """Return each setting once, as it was trained longest; the best first, those that failed last.

    Settings of a later rung come before those that it left behind: their numbers do not compare.
    """
    order: list[Score] = []
    placed: set[int] = set()
    for rung in reversed(rungs):
        scores = {score.index: score for score in rung if score.index not in placed}
        best = kept({index: score.mean for index, score in scores.items()}, len(scores))
        order += [scores[index] for index in best]
        order += [score for index, score in scores.items() if index not in best]
        placed |= scores.keys()
    return order


def read_results(path: Path) -> dict[str, Result]:
    """Return a file's results by their trials' names; a line that is not one is passed over."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    names = {field.name for field in fields(Result)}
    results = {}
    for line in lines:
        try:
            values = json.loads(line)
            result = Result(**{name: value for name, value in values.items() if name in names})
        except (ValueError, TypeError, AttributeError):
            continue
        results[result.trial] = result
    return results


def append_result(path: Path, result: Result) -> None:
    """Add a line, whole or not at all."""
    before = path.read_bytes() if path.exists() else b""
    line = json.dumps(asdict(result), ensure_ascii=False).encode() + b"\n"
    write_atomic(path, before + line)


def why_failed(score: Score) -> str:
    """Return the first seed's reason, if one failed."""
    return next((f"seed {r.seed}: {r.failed}" for r in score.results if r.failed), "")


def best_toml(score: Score, unit: str) -> str:
    """Return the setting as it stands in a recipe, with what it gave as a comment."""
    seeds = len(score.results)
    lines = [f"# {score} {unit} ({seeds} seed{'' if seeds == 1 else 's'})"]
    return "\n".join([*lines, *_tables(score.results[0].setting)])


def _tables(setting: Setting) -> list[str]:
    sections: dict[str, list[str]] = {}
    # Keys of no section come first, or TOML would take them for the section's above.
    for key, value in sorted(setting.items(), key=lambda item: "." in item[0]):
        section, _, name = key.rpartition(".")
        sections.setdefault(section, []).append(f"{name} = {spelt(value)}")
    return [
        line for name, keys in sections.items() for line in ([f"[{name}]"] if name else []) + keys
    ]
