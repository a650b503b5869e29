import numpy as np
import pytest

from groundup.corpus.classify import Goal
from groundup.corpus.classify.calibrate import calibrate, choose_threshold
from groundup.corpus.classify.measures import decide, prior_weights
from groundup.errors import UserError


def drawn(slope: float, offset: float, count: int = 40_000) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, count)
    return logits, random.random(count) < 1 / (1 + np.exp(-(slope * logits + offset)))


def test_calibration_finds_the_slope_and_offset_that_made_the_truth() -> None:
    logits, truth = drawn(0.7, -1.5)
    fitted = calibrate(logits, truth)
    assert (fitted.slope, fitted.offset) == pytest.approx((0.7, -1.5), abs=0.05)


def test_calibrated_probabilities_have_the_mean_of_the_truth() -> None:
    logits, truth = drawn(1.3, 0.5)
    for prior in (None, 0.02):
        weights = prior_weights(truth, prior)
        said = calibrate(logits, truth, prior).probabilities(logits)
        wanted = np.average(truth, weights=weights)
        assert np.average(said, weights=weights) == pytest.approx(wanted, abs=1e-3)


def test_scores_that_part_the_kinds_perfectly_do_not_drive_the_slope_away() -> None:
    logits = np.array([-3.0, -2.0, 2.0, 3.0] * 10)
    fitted = calibrate(logits, logits > 0)
    assert 0.5 < fitted.slope < 3


def test_extreme_logits_stay_finite() -> None:
    logits = np.array([-1e4, 1e4, -1e4, 1e4, 5.0, -5.0])
    said = calibrate(logits, logits > 0).probabilities(logits)
    assert np.isfinite(said).all()


def test_scores_that_say_the_opposite_are_refused() -> None:
    logits = np.array([-1.0, -2.0, 1.0, 2.0] * 5)
    with pytest.raises(UserError, match="learned nothing"):
        calibrate(logits, logits < 0)


PROBABILITIES = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
TRUTH = np.array([True, True, False, True, False, False])


@pytest.mark.parametrize(
    ("measure", "value", "threshold"),
    [
        ("precision", 0.9, 0.75),
        ("precision", 0.75, 0.55),
        ("precision", 0.5, 0.55),  # 0.2 would call more positive and find no more
        ("recall", 0.5, 0.75),
        ("recall", 0.99, 0.55),
        ("false_positive_rate", 0.3, 0.75),
        ("false_positive_rate", 0.4, 0.55),
    ],
)
def test_threshold_reaches_its_goal_and_lies_between_scores(
    measure: str, value: float, threshold: float
) -> None:
    goal = Goal.model_validate({"measure": measure, "value": value})
    chosen = choose_threshold(PROBABILITIES, TRUTH, np.ones(6), goal, "spam")
    assert chosen == pytest.approx(threshold)
    reached = getattr(decide(PROBABILITIES, TRUTH, chosen), measure)
    assert reached <= value if measure == "false_positive_rate" else reached >= value


def test_a_goal_out_of_reach_is_refused_with_what_is_in_reach() -> None:
    truth = np.array([False, True, False, True])
    goal = Goal(measure="precision", value=0.9)
    with pytest.raises(UserError, match=r"precision of 0\.9 .*best: 0\.500"):
        choose_threshold(np.array([0.9, 0.8, 0.7, 0.6]), truth, np.ones(4), goal, "spam")
