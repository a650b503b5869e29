from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from groundup.corpus.classify import ClassifierConfig, ExamplesConfig, FeaturesConfig, Goal
from groundup.corpus.classify.examples import Examples, read_examples
from groundup.corpus.classify.model import Classifier
from groundup.corpus.classify.train import split_examples, train, train_classifier
from groundup.errors import UserError


def test_what_is_there_to_learn_is_learned_and_reported(classifier: Classifier) -> None:
    bad, rude = classifier.header.labels
    assert (bad.name, rude.name) == classifier.names == ("bad", "rude")
    for label in (bad, rude):
        assert label.report.auc > 0.97
        assert label.report.decision.precision > 0.85
        assert sum(b.count for b in label.report.bins) == label.report.num_test
    report = bad.report
    assert report.num_train + report.num_calibration + report.num_test == 600
    said = classifier.probabilities(["ugly nasty house", "kind friend", "shouting! kind friend"])
    assert (said.round() == [[1, 0], [0, 0], [0, 1]]).all()


def test_report_is_of_examples_that_nothing_was_fitted_on(
    examples: Callable[..., Examples], small_config: ClassifierConfig
) -> None:
    """Truth that is a coin's throw can be learned by heart, which must not show."""
    some = examples(800)
    thrown = np.random.default_rng(0).random((800, 1)) < 0.5
    config = small_config.model_copy(update={"goal": Goal(measure="recall", value=0.5)})
    try:
        trained = train(Examples(some.texts, thrown, ("coin",)), config)
    except UserError as error:
        assert "learned nothing" in str(error)  # noqa: PT017
    else:
        assert trained.header.labels[0].report.auc == pytest.approx(0.5, abs=0.12)


def test_copies_and_near_copies_are_on_one_side(small_config: ClassifierConfig) -> None:
    texts = [f"Win {n} pounds, call {n * 7919 % 90000 + 10000} now" for n in range(10, 99)]
    texts += ["win 10 POUNDS call 90000 -- now!!!"]
    assert len(set(split_examples(texts, small_config).tolist())) == 1


def test_parts_have_the_sizes_asked_for(small_config: ClassifierConfig) -> None:
    texts = ["".join(chr(97 + int(d)) for d in str(n)) for n in range(20_000)]
    parts = split_examples(texts, small_config)
    shares = [np.mean(parts == part) for part in ("test", "calibration", "train")]
    assert shares == pytest.approx([0.2, 0.15, 0.65], abs=0.01)


def test_prior_makes_probabilities_smaller_and_keeps_the_order(
    examples: Callable[..., Examples], small_config: ClassifierConfig
) -> None:
    usual = train(examples(), small_config)
    rare = train(examples(), small_config.model_copy(update={"prior": 0.01}))
    texts = examples(100, seed=5).texts
    first, second = usual.probabilities(texts)[:, 0], rare.probabilities(texts)[:, 0]
    assert (second <= first + 1e-12).all()
    assert second.mean() < first.mean() / 2
    assert usual.header.labels[0].report.auc == rare.header.labels[0].report.auc
    assert (np.argsort(first) == np.argsort(second)).all()


def test_quality_from_a_reference_corpus_against_raw_web() -> None:
    good = [
        f"The {w} of the old town wrote a careful letter about {w}s." for w in map(str, range(99))
    ]
    good = [text.replace("0", "o") + " gently" * (n % 7) for n, text in enumerate(good)]
    raw = [f"click here login {'cart ' * (n % 9)} home | menu | © {chr(97 + n % 26)}{n}x{n % 7}"
           for n in range(99)]  # fmt: skip
    words = ["alpha", "beta", "gamma", "delta", "rho", "tau", "phi", "chi", "psi", "eta", "mu"]
    good = [f"{t} {words[n % 11]} {words[n // 11]}" for n, t in enumerate(good)]
    raw = [f"{t} {words[n % 11]} {words[n // 11]}" for n, t in enumerate(raw)]
    config = ClassifierConfig(features=FeaturesConfig(bits=12), pooling="mean")
    trained = train_classifier(good, raw, config, "quality")
    assert trained.names == ("quality",)
    assert trained.header.labels[0].report.auc > 0.99


def test_too_few_examples_are_refused_with_what_is_missing(small_config: ClassifierConfig) -> None:
    with pytest.raises(UserError, match=r"label 'positive' has \d positive examples in its"):
        train_classifier(["good"], [f"bad {'x' * n}" for n in range(200)], small_config)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"features": {"words": False, "pieces": None}}, "needs pieces"),
        ({"features": {"pieces": (4, 3)}}, "shortest and a longest"),
        ({"features": {"pieces": (1, 6)}}, "too many"),
        ({"test_fraction": 0.6, "calibration_fraction": 0.35}, "less than a tenth"),
        ({"pooling": "whole", "window_words": 60}, "no effect"),
        ({"window_words": 7}, "multiple of 2"),
        ({"window_words": 10**30}, "less than or equal to 1000000"),
        ({"goal": {"measure": "precision", "value": 1.0}}, "less than 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ClassifierConfig.model_validate(options)


@pytest.mark.shared
def test_spam_is_told_from_messages(shared: Path) -> None:
    config = ExamplesConfig(
        path=str(shared / "classify" / "sms-spam.tsv"),
        text_field="2", label_field="1", positive={"spam": ("spam",)}, header=False,
    )  # fmt: skip
    examples = read_examples(config)
    assert (len(examples.texts), int(examples.labels.sum())) == (5574, 747)
    report = train(examples, ClassifierConfig()).header.labels[0].report
    assert report.auc > 0.99
    assert report.average_precision > 0.97
    assert report.calibration_error < 0.02
    assert report.decision.precision > 0.85


@pytest.mark.shared
def test_offensive_tweets_are_told_from_others(shared: Path) -> None:
    config = ExamplesConfig(
        path=str(shared / "classify" / "hate-offensive-tweets.csv.gz"),
        text_field="tweet", label_field="class", positive={"toxic": ("0", "1"), "hate": ("0",)},
    )  # fmt: skip
    goal = Goal(measure="false_positive_rate", value=0.05)
    toxic, hate = train(read_examples(config), ClassifierConfig(goal=goal)).header.labels
    assert toxic.report.auc > 0.975
    assert hate.report.auc > 0.86
    assert toxic.report.decision.recall > 0.9
    assert toxic.report.calibration_error < 0.02
