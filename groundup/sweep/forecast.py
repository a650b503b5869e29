"""How long a sweep takes: by its operations and this machine at first, then by what has been."""

from collections.abc import Iterable
from dataclasses import dataclass

from groundup import machine
from groundup.plan.estimate import estimate
from groundup.recipe import Recipe
from groundup.sweep.trials import Plan
from groundup.train import settle


def training_seconds(recipe: Recipe, peak_flops: float, vocab_size: int, tokens: int) -> float:
    """Return about how long a training takes; all of its budget if that is a time.

    Args:
        recipe: of the training.
        peak_flops: of this machine's matrix products.
        vocab_size: where the recipe's model takes its tokenizer's.
        tokens: in the training split, for budgets in epochs.
    """
    config = recipe.pretrain
    shape = recipe.model.model_copy(update={"vocab_size": recipe.model.vocab_size or vocab_size})
    settled = settle(
        config,
        context_length=shape.context_length,
        tokens_per_sequence=shape.context_length,
        sequences_per_epoch=max(1, tokens // shape.context_length),
    )
    device = machine.pick_device(config.device)
    dtype = machine.pick_precision(config.precision, device)
    return estimate(shape, settled, peak_flops=peak_flops, dtype=dtype).seconds


def peak_flops(recipe: Recipe) -> float:
    """Measure this machine, for half a second."""
    machine.set_threads(recipe.pretrain.threads)
    device = machine.pick_device(recipe.pretrain.device)
    dtype = machine.pick_precision(recipe.pretrain.precision, device)
    return machine.peak_flops(dtype, device)


def sweep_seconds(plan: Plan, peak_flops: float) -> float | None:
    """Return about how long all trials take, before any text is made; None: counted in epochs.

    Which settings the later rungs will have is not known: the first stand for them.
    """
    if any(recipe.pretrain.duration.unit == "epochs" for _, recipe in plan.settings):
        return None
    return sum(
        training_seconds(trial.recipe, peak_flops, trial.recipe.tokenizer.vocab_size, 0)
        for rung, size in enumerate(plan.sizes)
        for trial in plan.trials(rung, range(size))
    )


@dataclass
class Pace:
    """Time left, by the trials that are over.

    Attributes:
        expected: seconds that those were expected to take.
        taken: seconds that they took, starting and saving included.
    """

    expected: float = 0.0
    taken: float = 0.0

    def done(self, expected: float, taken: float) -> None:
        """Note a trial that is over."""
        self.expected += expected
        self.taken += taken

    def left(self, expected: Iterable[float]) -> float:
        """Return how long the trials to come take, as much off as those before."""
        ratio = self.taken / self.expected if self.expected else 1.0
        return ratio * sum(expected)
