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

PROBE_BYTES = 8192
"""Of the validation text, from its start: what the curve is measured on."""

POINTS = 12
"""Of a curve."""


@dataclass
class Job:
    """One contender's task, and its clock, which starts when texts are ids and libraries loaded.

    Attributes:
        folder: has train.txt and validation.txt; gets curve.jsonl and what ``finish`` writes.
        settings: the contender's own.
        budget: seconds from the model's making to its last step, whatever is compiled included.
        seed: of all that is random.
        threads: CPU threads.
        began: when the clock started.
    """

    folder: Path
    settings: dict[str, Any]
    budget: float
    seed: int
    threads: int
    began: float = 0.0
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

    @property
    def progress(self) -> float:
        """How much of the budget is used; over 1 when it is over."""
        return self.elapsed / self.budget

    def note(self, step: int, bits_per_byte: float, seconds: float | None = None) -> None:
        """Write a point of the curve."""
        seconds = self.elapsed if seconds is None else seconds
        line = {"seconds": seconds, "step": step, "bits_per_byte": bits_per_byte}
        with (self.folder / "curve.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def probe(self, step: int, logits: Logits, tokens: Tokens, context: int) -> None:
        """Measure a point of the curve if it is time to; the clock goes on meanwhile."""
        if self.elapsed < self._next or self.progress > 1 - 0.5 / POINTS:
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
        """
        seconds = self.elapsed if seconds is None else seconds
        nats = score(logits, ids, context=context, vocab_size=len(table))
        np.savez(self.folder / "score.npz", ids=ids.numpy(), nats=nats.numpy())
        facts = {
            "seconds": seconds,
            "probe_bits_per_byte": probe_bits(logits, ids, table, context),
            "prepare_seconds": self.began - self._loaded,
            "steps": step,
            "parameters": parameters,
            "context": context,
            "table": [token.hex() for token in table],
        }
        (self.folder / "done.json").write_text(json.dumps(facts), encoding="utf-8")


def probe_bits(logits: Logits, ids: Tensor, table: list[bytes], context: int) -> float:
    """Return bits per byte of about the first ``PROBE_BYTES`` of a text, quickly measured."""
    lengths = torch.tensor([len(token) for token in table])[ids].cumsum(0)
    count = max(int((lengths <= PROBE_BYTES).sum()), 2)
    nats = score(logits, ids[:count], context=context, vocab_size=len(table), stride=context)
    return float(nats.sum()) / math.log(2) / int(lengths[count - 1])
