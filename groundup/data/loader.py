"""Training batches in an order that is a pure function of (seed, step)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from groundup.data.batch import Batch
from groundup.data.shards import TokenShards
from groundup.data.windows import cut_windows
from groundup.errors import UserError


class Loader:
    """Batches of a split, epoch after epoch, without end and without hidden state.

    An epoch cuts the split, read as a ring, into ``tokens // context_length`` windows from a random
    offset on, and visits each once in random order; the next epoch cuts elsewhere, so that a token
    is not always seen with the same context. Sequence i of step s is number ``s * batch_size + i``
    of the endless row of all epochs' windows: a step may begin in one epoch and end in the next.

    Args:
        shards: the split to read.
        batch_size: sequences per step, B, over all ranks and micro-batches.
        context_length: tokens per sequence, T.
        seed: of offsets and orders, ≥ 0.
        document_mask: also give each token's document and its position there.

    Raises:
        UserError: the split is shorter than one window.
    """

    def __init__(
        self,
        shards: TokenShards,
        *,
        batch_size: int,
        context_length: int,
        seed: int,
        document_mask: bool = False,
    ) -> None:
        assert batch_size >= 1
        assert context_length >= 1
        if len(shards) <= context_length:
            raise UserError(
                f"{shards.folder}: the {shards.split} split has {len(shards):,} tokens, too few "
                f"for one sequence of context_length {context_length:,} and the token that follows;"
                " lower model.context_length or add text to corpus.sources"
            )
        self.shards = shards
        self.batch_size, self.context_length = batch_size, context_length
        self.seed, self.document_mask = seed, document_mask
        self.windows_per_epoch = len(shards) // context_length
        """Sequences until every one has been seen."""
        self._order = (-1, np.zeros(0, np.int64))

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, counted from 0.

        Raises:
            UserError: the file holds an id outside the vocabulary.
        """
        return cut_windows(
            self.shards,
            self.window_starts(step),
            self.context_length,
            document_mask=self.document_mask,
        )

    def window_starts(self, step: int) -> NDArray[np.int64]:
        """Return the number of the first token of each sequence of a step, (B,) int64."""
        assert step >= 0
        numbers_B = step * self.batch_size + np.arange(self.batch_size)
        epochs_B, indices_B = np.divmod(numbers_B, self.windows_per_epoch)
        starts_B = np.empty(self.batch_size, np.int64)
        for epoch in range(int(epochs_B[0]), int(epochs_B[-1]) + 1):
            here_B = epochs_B == epoch
            starts_B[here_B] = self._starts_of_epoch(epoch)[indices_B[here_B]]
        return starts_B

    def documents_of(self, step: int) -> list[int]:
        """Return the numbers of the documents that a step's inputs come from, rising."""
        places_BT = self.window_starts(step)[:, None] + np.arange(self.context_length)
        starts = self.shards.document_starts
        numbers = np.searchsorted(starts, places_BT % len(self.shards), side="right") - 1
        return [int(number) for number in np.unique(numbers)]

    def state(self, step: int) -> dict[str, int | str]:
        """Return what a checkpoint keeps so that ``batch(step)`` is the same after a restart."""
        return {
            "step": step,
            "seed": self.seed,
            "batch_size": self.batch_size,
            "context_length": self.context_length,
            "document_mask": int(self.document_mask),
            "fingerprint": self.shards.fingerprint,
        }

    def check_state(self, state: Mapping[str, Any]) -> None:
        """Refuse a checkpoint's state under which this loader would give other batches.

        Raises:
            UserError: names what differs, both values and the way out.
        """
        for key, here in self.state(0).items():
            there = state.get(key)
            if key == "step" or there == here:
                continue
            if key == "fingerprint":
                raise UserError(
                    f"the checkpoint was trained on token shards {there}, but {self.shards.folder} "
                    f"now holds {here}; bring the old shards back, or move the checkpoint away to "
                    "start anew"
                )
            raise UserError(
                f"the checkpoint was trained with {key} {there}, but it is {here} now; set {key} "
                f"back to {there}, or move the checkpoint away to start anew"
            )

    def _starts_of_epoch(self, epoch: int) -> NDArray[np.int64]:
        """Return the first tokens of an epoch's windows in the order of their visit."""
        if self._order[0] != epoch:
            self._order = (epoch, self._cut(epoch))
        return self._order[1]

    def _cut(self, epoch: int) -> NDArray[np.int64]:
        """Shuffle the windows of an epoch.

        numpy promises that a bit generator's raw numbers stay as they are (NEP 19) but not
        what ``Generator.permutation`` makes of them, so the shuffle is a sort by raw numbers.
        """
        source = np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=(epoch,)))
        raw = source.random_raw(1 + self.windows_per_epoch)
        offset = int(raw[0]) % len(self.shards)
        order = np.argsort(raw[1:], kind="stable").astype(np.int64)
        return (offset + order * self.context_length) % len(self.shards)
