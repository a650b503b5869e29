"""On a CPU, threads with work of their own: parts of a batch, some matrices of the optimizer's."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

import torch
from torch import Tensor, nn

from groundup.data import Batch
from groundup.model.dropout import drawing_from
from groundup.train.config import TrainConfig
from groundup.train.loss import Loss, Objective
from groundup.train.precision import Masters

T = TypeVar("T")

MOST_PARAMETERS = 50_000_000
"""Of a model that ``auto`` lets threads take parts of a batch for. In a larger one operations are
long, and each part has gradients of its own. A guess: with 10 million it gained a tenth to a sixth,
with more it has not been measured."""


class Workers:
    """Threads that each learn from a part of a batch, and update a part of the weights.

    In a small model an operation is over soon after all cores have begun it, and at its end each
    waits for the slowest. Cores that take a part of the batch each wait for each other once per
    pass: on two, small models trained 1.1 to 1.4 times as fast (benchmarks/split_batch.py).
    Gradients are added in the order of the parts, and each part has random numbers of its own, so
    that two runs are the same however threads take turns.

    Args:
        threads: of the CPU that parts are for; 1: nothing is split, and the calling thread learns.
    """

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads
        self._generators = [torch.Generator() for _ in range(threads)]
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="groundup-worker")

    @classmethod
    def of_run(cls, config: TrainConfig, model: nn.Module, device: torch.device) -> "Workers":
        """Return those that ``config.split_batch`` asks for; on a GPU nothing is split."""
        size = sum(parameter.numel() for parameter in model.parameters())
        splits = config.split_batch == "on" or (
            config.split_batch == "auto" and size < MOST_PARAMETERS
        )
        return cls(torch.get_num_threads() if splits and device.type == "cpu" else 1)

    def parts(self, batch: Batch) -> list[Batch]:
        """Return the batch in as many equal parts as there are threads, or fewer."""
        rows = batch.inputs.shape[0]
        count = next(n for n in range(min(self.threads, rows), 0, -1) if rows % n == 0)
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
        wait(futures)
        torch.set_num_threads(before)  # of MKL, where that is one number for all threads
        return [future.result() for future in futures]
