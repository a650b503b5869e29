"""Training: the one loop, optimizers, schedules, precision, checkpoints, metrics."""

from groundup.train.budget import check_length_ramp, settle
from groundup.train.config import TrainConfig
from groundup.train.duration import Duration
from groundup.train.float8 import check_float8
from groundup.train.flops import flops_per_token
from groundup.train.horizon import Recorded
from groundup.train.loop import fit
from groundup.train.loss import BatchSource, Loss, Objective
from groundup.train.metrics import writes_events
from groundup.train.spikes import NonFiniteError, SpikeError
from groundup.train.state import FitResult
from groundup.train.validate import Validation, known_text_bytes, validate

__all__ = [
    "BatchSource",
    "Duration",
    "FitResult",
    "Loss",
    "NonFiniteError",
    "Objective",
    "Recorded",
    "SpikeError",
    "TrainConfig",
    "Validation",
    "check_float8",
    "check_length_ramp",
    "fit",
    "flops_per_token",
    "known_text_bytes",
    "settle",
    "validate",
    "writes_events",
]
