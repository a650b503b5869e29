"""Training: the one loop, optimizers, schedules, precision, checkpoints, metrics."""

from groundup.train.config import TrainConfig
from groundup.train.flops import flops_per_token
from groundup.train.loop import NonFiniteError, fit
from groundup.train.loss import BatchSource, Loss, Objective
from groundup.train.state import FitResult
from groundup.train.validate import Validation, known_text_bytes, validate

__all__ = [
    "BatchSource",
    "FitResult",
    "Loss",
    "NonFiniteError",
    "Objective",
    "TrainConfig",
    "Validation",
    "fit",
    "flops_per_token",
    "known_text_bytes",
    "validate",
]
