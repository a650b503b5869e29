"""Training: the one loop, optimizers, schedules, precision, checkpoints, metrics."""

from groundup.train.checkpoint import restore_weights
from groundup.train.config import TrainConfig
from groundup.train.flops import flops_per_token
from groundup.train.loop import NonFiniteError, fit
from groundup.train.loss import BatchSource, Loss, Objective
from groundup.train.state import FitResult
from groundup.train.validate import Validation, validate

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
    "restore_weights",
    "validate",
]
