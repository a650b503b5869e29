"""Scores → probabilities, and the threshold that keeps a promise.

Both are fitted on examples that the weights were not: on its own examples a classifier is too sure.
"""

import math
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from groundup.config import Config
from groundup.corpus.classify.config import Goal
from groundup.corpus.classify.measures import Floats, Truth, every_decision
from groundup.errors import UserError

MAX_STEPS = 100
"""Steps of Newton's method; it is there in about ten."""


class Calibration(Config):
    """The probability of a logit: 1 / (1 + exp(-(slope * logit + offset)))."""

    slope: Annotated[float, Field(gt=0)]
    """Above 0, so that the order of documents stays."""

    offset: float
    """Log odds at a logit of 0."""

    def probabilities(self, logits: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the probability of each logit."""
        return _sigmoid(self.slope * logits + self.offset)


def calibrate(logits: Floats, truth: Truth, prior: float | None = None) -> Calibration:
    """Fit slope and offset to the truth by maximum likelihood (Platt 1999).

    Targets lie a little within 0 and 1, as if one more of each kind had been seen, so that scores
    that part the kinds well do not drive the slope to infinity; solved by Newton's method (Lin, Lin
    and Weng 2007).

    Where another part than here is positive, ``prior``, the log odds of all are off by the same
    (Saerens et al. 2002), which the offset takes up.

    Raises:
        UserError: higher logits do not mean more positives, so nothing was learned.
    """
    num_positive = truth.sum()
    high = (num_positive + 1) / (num_positive + 2)
    low = 1 / (len(truth) - num_positive + 2)
    targets = np.where(truth, high, low)
    inputs = np.stack([logits, np.ones(len(logits))], axis=1)
    fitted = np.array([0.0, _log_odds(targets.mean())])
    for _ in range(MAX_STEPS):
        probabilities = _sigmoid(inputs @ fitted)
        gradient = inputs.T @ (probabilities - targets)
        curvature = (inputs.T * (probabilities * (1 - probabilities))) @ inputs
        step = np.linalg.solve(curvature + 1e-9 * np.eye(2), gradient)
        loss = _loss(inputs @ fitted, targets)
        size = 1.0
        while size > 1e-9 and _loss(inputs @ (fitted - size * step), targets) > loss:
            size /= 2
        fitted = fitted - size * step
        if np.abs(size * step).max() < 1e-9:
            break
    slope, offset = map(float, fitted)
    if not slope > 0:
        raise UserError(
            "the classifier learned nothing that holds for other examples; "
            "check the labels, or give it more of them"
        )
    if prior is not None:
        offset += _log_odds(prior) - _log_odds(truth.mean())
    return Calibration(slope=slope, offset=offset)


def choose_threshold(
    probabilities: Floats, truth: Truth, weights: Floats, goal: Goal, label: str
) -> float:
    """Return the probability from which to call a document positive.

    Of the thresholds that reach the goal, the one that finds the most positives, and of those that
    find as many the highest; for a goal of recall, the highest that reaches it. It lies halfway to
    the next score, not on one.

    Raises:
        UserError: no threshold reaches the goal.
    """
    values, precision, recall, false_positive_rate = every_decision(probabilities, truth, weights)
    match goal.measure:
        case "precision":
            reached = np.flatnonzero(precision >= goal.value)
        case "recall":
            reached = np.flatnonzero(recall >= goal.value)[:1]
        case "false_positive_rate":
            reached = np.flatnonzero(false_positive_rate <= goal.value)
    if len(reached) == 0:
        best = precision.max() if goal.measure == "precision" else false_positive_rate.min()
        raise UserError(
            f"no threshold of label {label!r} has a {goal.measure.replace('_', ' ')} of "
            f"{goal.value} on the calibration part (best: {best:.3f}); ask for less, or give it "
            "more examples"
        )
    chosen = reached[recall[reached].argmax()]  # the first of those: a lower one finds no more
    below = values[chosen + 1] if chosen + 1 < len(values) else 0.0
    return float((values[chosen] + below) / 2)


def _sigmoid(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-np.logaddexp(0, -logits))


def _log_odds(part: float) -> float:
    return math.log(part / (1 - part))


def _loss(logits: Floats, targets: Floats) -> float:
    return float(np.sum(np.logaddexp(0, logits) - targets * logits))
