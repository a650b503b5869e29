"""Training batches in an order that is a pure function of (seed, step)."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from groundup.data.batch import Batch
from groundup.data.packing import BestFit, Packing, Stream, Waste
from groundup.data.shards import TokenShards
from groundup.data.windows import PADDING, read_places
from groundup.errors import UserError


class Stage(NamedTuple):
    """From which step on batches have which size."""

    step: int
    """The first of these batches."""

    sequence: int
    """The number of its first sequence: where the stage before has arrived."""

    sequences: int
    """Sequences per batch, of ``context_length`` tokens."""

    length: int
    """Tokens per row: a divisor of ``context_length``; a sequence is cut into rows."""


class Loader:
    """Batches of a split, epoch after epoch, without end and without hidden state.

    An epoch lays the split out in sequences of T tokens (``groundup.data.packing``) and visits each
    once in random order. The loader's position is the number of sequences read, in the endless row
    of all epochs' sequences: a step may begin in one epoch and end in the next. While batches keep
    their size, step s begins at sequence ``s * batch_size``.

    Ramps change the size of batches (``resize``), never the order of the text. A smaller batch
    takes fewer sequences; shorter rows are the same sequences, cut. So nothing is read twice or
    passed over where the size changes, and ``stages``, the changes so far, is all to remember.

    Args:
        shards: the split to read.
        batch_size: sequences per step, B, over all micro-batches.
        context_length: tokens per sequence, T.
        seed: of offsets and orders, ≥ 0.
        document_mask: also give each token's document and its position there.
        packing: how documents are laid out in sequences.

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
        packing: Literal["stream", "best_fit"] = "stream",
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
        self.seed, self.document_mask, self.packing = seed, document_mask, packing
        layout = BestFit if packing == "best_fit" else Stream
        self._layout: Packing = layout(shards, context_length, seed)
        self.stages = [Stage(0, 0, batch_size, context_length)]
        """The sizes of batches so far; the last holds until the next ``resize``."""

    @property
    def sequences_per_epoch(self) -> int:
        """Sequences until every one has been seen."""
        return self._layout.sequences_per_epoch

    @property
    def tokens_per_sequence(self) -> float:
        """Mean tokens in a sequence, without padding."""
        return self._layout.tokens_per_sequence

    def batch(self, step: int) -> Batch:
        """Return the batch of a step, counted from 0.

        Raises:
            UserError: the file holds an id outside the vocabulary.
        """
        places = self._places(step).reshape(-1, self._stage(step).length)
        return read_places(self.shards, places, document_mask=self.document_mask)

    def size(self, step: int) -> tuple[int, int]:
        """Return the sequences of a step's batch, and the tokens per row that they are cut into."""
        stage = self._stage(step)
        return stage.sequences, stage.length

    def resize(self, step: int, sequences: int, length: int) -> None:
        """Give batches another size from ``step`` on.

        Args:
            step: none before it will have another size than it had.
            sequences: per batch, of ``context_length`` tokens.
            length: tokens per row, a divisor of ``context_length``; there are
                ``sequences * context_length / length`` rows.
        """
        assert sequences >= 1
        assert self.context_length % length == 0, (self.context_length, length)
        position = self.position(step)
        kept = [stage for stage in self.stages if stage.step < step]
        self.stages = [*kept, Stage(step, position, sequences, length)]

    def position(self, step: int) -> int:
        """Return how many sequences the steps before ``step`` have read."""
        assert step >= 0
        stage = self._stage(step)
        return stage.sequence + (step - stage.step) * stage.sequences

    def documents_of(self, step: int) -> list[int]:
        """Return the numbers of the documents that a step's inputs come from, rising."""
        places = self._places(step)
        starts = self.shards.document_starts
        numbers = np.searchsorted(starts, places[places != PADDING], side="right") - 1
        return [int(number) for number in np.unique(numbers)]

    def waste(self) -> Waste:
        """Measure what the packing costs, in padding and in documents cut."""
        return self._layout.waste()

    def state(self, step: int) -> dict[str, Any]:
        """Return what a checkpoint keeps so that ``batch(step)`` is the same after a restart."""
        return {
            "step": step,
            "seed": self.seed,
            "batch_size": self.batch_size,
            "context_length": self.context_length,
            "document_mask": int(self.document_mask),
            "packing": self.packing,
            "fingerprint": self.shards.fingerprint,
            "stages": [list(stage) for stage in self.stages if stage.step < max(step, 1)],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over the sizes that the batches of a checkpoint's run have had."""
        self.stages = [Stage(*stage) for stage in state["stages"]]

    def check_state(self, state: Mapping[str, Any]) -> None:
        """Refuse a checkpoint's state under which this loader would give other batches.

        Raises:
            UserError: names what differs, both values and the way out.
        """
        for key, here in self.state(0).items():
            there = state.get(key)
            if key in ("step", "stages") or there == here:
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

    def _stage(self, step: int) -> Stage:
        """Return the stage that a step is in."""
        return next(stage for stage in reversed(self.stages) if stage.step <= step)

    def _places(self, step: int) -> NDArray[np.int64]:
        """Return which tokens a step reads, (sequences, T); -1 for padding."""
        sequences = self._stage(step).sequences
        numbers_B = self.position(step) + np.arange(sequences)
        epochs_B, indices_B = np.divmod(numbers_B, self.sequences_per_epoch)
        return np.concatenate(
            [
                self._layout.places(epoch, indices_B[epochs_B == epoch])
                for epoch in range(int(epochs_B[0]), int(epochs_B[-1]) + 1)
            ]
        )
