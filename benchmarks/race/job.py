"""What a contender is given, and what it gives back: a folder, on either side of the process."""

import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from race.score import Logits, score
from race.text import Tokens, tokenize

PROBE_BYTES, PROBE_PIECES = 8192, 8
"""Of the validation text, in pieces at equal distances: what the curve is measured on. Its start
alone would mislead: that of the standard library's costs a fifth of what all of it does."""

POINTS = 12
"""Of a curve."""


@dataclass
class Job:
    """One contender's task, and its clock, which starts when texts are ids and libraries loaded.

    The clock decides when a run is over, and ``progress`` where its schedule is, which begins at
    ``ready``: compiling takes of a contender's time, but neither of its warm-up nor of its highest
    rates, as groundup's own clock has it (train/horizon.py). With ``first`` for the seconds until
    then,

        progress = (elapsed - first) / (budget - first)

    One that compiles is ready when its first step has ended, any other when that begins.

    Attributes:
        folder: has train.txt and validation.txt; gets curve.jsonl and what ``finish`` writes.
        settings: the contender's own.
        budget: seconds from the model's making to its last step, whatever is compiled included.
        seed: of all that is random.
        threads: CPU threads.
        began: when the clock started.
        first: seconds on the clock at ``ready``; None before.
    """

    folder: Path
    settings: dict[str, Any]
    budget: float
    seed: int
    threads: int
    began: float = 0.0
    first: float | None = None
    _loaded: float = field(default_factory=time.perf_counter)
    _next: float = 0.0

    @classmethod
    def read(cls, folder: Path) -> "Job":
        """Return the job that the race wrote."""
        job = cls(folder, **json.loads((folder / "job.json").read_text(encoding="utf-8")))
        torch.set_num_threads(job.threads)
        torch.manual_seed(job.seed)
        return job

    def text(self, split: str) -> str:
        """Return a split as text."""
        return (self.folder / f"{split}.txt").read_bytes().decode()

    def tokens(self) -> Tokens:
        """Return both splits in ids, by the tokenizer of the settings."""
        return tokenize(self.text("train"), self.text("validation"), self.settings["vocabulary"])

    def start(self) -> None:
        """Start the clock."""
        self.began = time.perf_counter()
        self._next = self.budget / POINTS

    @property
    def elapsed(self) -> float:
        """Seconds since the clock started."""
        return time.perf_counter() - self.began

    def ready(self) -> None:
        """Note that nothing is left to be compiled: the schedule begins. Later calls do nothing."""
        if self.first is None:
            self.first = self.elapsed

    @property
    def over(self) -> bool:
        """Whether the time is used up."""
        return self.elapsed >= self.budget

    @property
    def progress(self) -> float:
        """How much of the schedule is done, from 0 to 1."""
        elapsed = self.elapsed
        if elapsed >= self.budget:
            return 1.0
        return 0.0 if self.first is None else (elapsed - self.first) / (self.budget - self.first)

    def note(self, step: int, bits_per_byte: float, seconds: float | None = None) -> None:
        """Write a point of the curve."""
        seconds = self.elapsed if seconds is None else seconds
        line = {"seconds": seconds, "step": step, "bits_per_byte": bits_per_byte}
        with (self.folder / "curve.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def probe(self, step: int, logits: Logits, tokens: Tokens, context: int) -> None:
        """Measure a point of the curve if it is time to; the clock goes on meanwhile."""
        if self.elapsed < self._next or self.elapsed > self.budget * (1 - 0.5 / POINTS):
            return
        self.note(step, probe_bits(logits, tokens.validation, tokens.table, context))
        self._next = self.elapsed + self.budget / POINTS

    def finish(
        self,
        logits: Logits,
        ids: Tensor,
        table: list[bytes],
        *,
        context: int,
        step: int,
        parameters: int,
        seconds: float | None = None,
        compiled_steps: int | None = None,
        precision: str | None = None,
    ) -> None:
        """Stop the clock; score the whole validation text and leave what the race asks for.

        Args:
            logits: the model as it is now.
            ids: of the validation text, (N,).
            table: the bytes of each id, (V,).
            context: the most tokens the model reads at once.
            step: steps taken.
            parameters: of the model.
            seconds: on the clock when the training was over; by default now.
            compiled_steps: how many of them ran compiled code; by default all or none, as the
                settings say.
            precision: of matrix products, where the contender chose it and not its settings.
        """
        seconds = self.elapsed if seconds is None else seconds
        if compiled_steps is None:
            compiled_steps = step if self.settings["compile"] else 0
        nats = score(logits, ids, context=context, vocab_size=len(table))
        np.savez(self.folder / "score.npz", ids=ids.numpy(), nats=nats.numpy())
        facts = {
            "seconds": seconds,
            "probe_bits_per_byte": probe_bits(logits, ids, table, context),
            "prepare_seconds": self.began - self._loaded,
            "ready_seconds": self.first,  # long where it compiled cold; None: it has its own clock
            "steps": step,
            "compiled_steps": compiled_steps,
            "precision": precision,
            "parameters": parameters,
            "context": context,
            "table": [token.hex() for token in table],
        }
        (self.folder / "done.json").write_text(json.dumps(facts), encoding="utf-8")


def probe_ids(ids: Tensor, table: list[bytes]) -> Tensor:
    """Return the tokens of a text that lie within ``PROBE_PIECES`` stretches of it, as one text.

    The stretches are the same for all contenders. A token that only begins or ends in one is left
    out: so the bytes are the same but for a part of a token at either end.
    """
    lengths = torch.tensor([len(token) for token in table])[ids]
    ends = lengths.cumsum(0)
    total, size = int(ends[-1]), PROBE_BYTES // PROBE_PIECES
    if total <= PROBE_BYTES:
        return ids
    firsts = [(total - size) * piece // (PROBE_PIECES - 1) for piece in range(PROBE_PIECES)]
    inside = [(ends - lengths >= first) & (ends <= first + size) for first in firsts]
    return ids[torch.stack(inside).any(0)]


def probe_bits(logits: Logits, ids: Tensor, table: list[bytes], context: int) -> float:
    """Return bits per byte of ``probe_ids`` of a text, quickly measured."""
    ids = probe_ids(ids, table)
    nats = score(logits, ids, context=context, vocab_size=len(table), stride=context)
    return float(nats.sum()) / math.log(2) / sum(len(table[number]) for number in ids.tolist())
