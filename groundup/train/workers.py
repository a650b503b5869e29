"""On a CPU, threads with work of their own: parts of a batch, some matrices of the optimizer's."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch
from torch import Tensor, nn

from groundup.data import Batch
from groundup.model import ModelConfig
from groundup.model.dropout import drawing_from
from groundup.train.config import TrainConfig
from groundup.train.loss import Loss, Objective
from groundup.train.precision import Masters

T = TypeVar("T")

MOST_GRADIENTS = 100_000_000
"""Of all parts together, each of which has the model's, where ``split_batch`` is ``auto``: at most
400 MB, and models of at most 50 million parameters, for in larger ones operations are long. A
guess: two threads gained a tenth to a sixth with 10 million, more has not been measured."""

MOST_LOGITS = 2**25
"""Of a batch that ``auto`` splits: with more the loss takes a part of them at a time
(``objectives.linear_cross_entropy``), which would then be held as often as there are parts."""


class Workers:
    """Threads that each learn from a part of a batch, and update a part of the weights.

    In a small model an operation is over soon after all cores have begun it, and at its end each
    waits for the slowest. Cores that take a part of the batch each wait for each other once per
    pass: on two, small models trained 1.1 to 1.4 times as fast (benchmarks/split_batch.py).
    Gradients are added in the order of the parts, and each part has random numbers of its own, so
    that two runs are the same however threads take turns.

    Args:
        threads: of the CPU that parts are for; 1: nothing is split, and the calling thread learns.
        most_parts: of a batch; by default as many as threads.
    """

    def __init__(self, threads: int = 1, most_parts: int | None = None) -> None:
        self.threads = threads
        self.most_parts = threads if most_parts is None else most_parts
        self._generators = [torch.Generator() for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="groundup-worker")

    @classmethod
    def of_run(cls, config: TrainConfig, model: nn.Module, device: torch.device) -> "Workers":
        """Return those that ``config.split_batch`` asks for; on a GPU nothing is split."""
        if device.type != "cpu":
            return cls()
        threads = torch.get_num_threads()
        parameters = sum(parameter.numel() for parameter in model.parameters())
        shape = getattr(model, "config", None)
        parts = most_parts(config, shape, parameters, threads)
        return cls(threads, parts) if parts > 1 else cls()

    def parts(self, batch: Batch) -> list[Batch]:
        """Return the batch in equal parts: as many as keep the most threads at work."""
        rows = batch.inputs.shape[0]
        counts = (n for n in range(1, min(self.most_parts, rows) + 1) if rows % n == 0)
        count = max(counts, key=lambda n: (n * (self.threads // n), n))
        size = rows // count
        return [batch.rows(slice(start, start + size)) for start in range(0, rows, size)]

    def backward(
        self, objective: Objective, model: nn.Module, masters: Masters, batch: Batch
    ) -> list[Loss]:
        """Add the gradients of a batch's loss to the masters'; return the losses of its parts."""
        parts = self.parts(batch)
        if len(parts) == 1:
            loss = objective(model, batch)
            loss.sum.backward()
            masters.collect()
            return [loss.detached()]
        seeds = torch.randint(2**62, (len(parts),)).tolist()
        parameters = [p for p in model.parameters() if p.requires_grad]

        def learn(number: int) -> tuple[Loss, tuple[Tensor | None, ...]]:
            with drawing_from(self._generators[number].manual_seed(seeds[number])):
                loss = objective(model, parts[number])
                # Not backward(): parts would add to the same tensors at once.
                gradients = torch.autograd.grad(loss.sum, parameters, allow_unused=True)
            return loss.detached(), gradients

        losses = []
        for loss, gradients in self._side_by_side(learn, len(parts)):
            for parameter, gradient in zip(parameters, gradients, strict=True):
                if gradient is not None:
                    before = parameter.grad
                    parameter.grad = gradient if before is None else before + gradient
            masters.collect()
            losses.append(loss)
        return losses

    def alone(self, work: Callable[[], T], parts: int) -> T:
        """Do something as one of so many ``parts`` would be done, but one."""
        if parts == 1:
            return work()
        [done] = self._side_by_side(lambda _: work(), 1, parts)
        return done

    def for_each(self, items: Sequence[T], work: Callable[[T], None]) -> None:
        """Do something for every item, each on one core, in order as threads come free."""
        if self.threads == 1:
            for item in items:
                work(item)
        else:
            self._side_by_side(lambda number: work(items[number]), len(items))

    def _side_by_side(self, work: Callable[[int], T], count: int, parts: int = 0) -> list[T]:
        each = max(1, self.threads // (parts or count))
        before = torch.get_num_threads()

        def on_own_threads(number: int) -> T:
            torch.set_num_threads(each)
            return work(number)

        futures = [self._pool.submit(on_own_threads, number) for number in range(count)]
        try:
            wait(futures)
        finally:
            wait(futures)  # also after Ctrl-C: the weights are not taken from under their hands
            torch.set_num_threads(before)  # of MKL, where that is one number for all threads
        return [future.result() for future in futures]


def most_parts(
    config: TrainConfig, model: ModelConfig | None, parameters: int, threads: int
) -> int:
    """Return into how many parts ``config.split_batch`` lets a CPU's threads split a batch.

    Args:
        config: of the training.
        model: its shape; None: not known.
        parameters: of the model.
        threads: that there are.
    """
    if config.split_batch != "auto":
        return threads if config.split_batch == "on" else 1
    sequences = config.micro_batch_size or config.batch_size
    if model and sequences * model.context_length * model.vocab_size > MOST_LOGITS:
        return 1
    return max(1, min(threads, MOST_GRADIENTS // max(1, parameters)))
