"""The thresholds that scores from 0 to 1 are held against, for a person to judge them."""

from pathlib import Path
from typing import Any

from groundup.corpus.config import CorpusConfig


def score_thresholds(config: CorpusConfig) -> dict[str, dict[str, Any]]:
    """Return for each score ``at``, its threshold, and ``keeps``: what is "above" or "below" it.

    What is at the threshold is above it.

    Raises:
        UserError: a classifier cannot be read.
    """
    found: dict[str, dict[str, Any]] = {}
    if config.language.allowed:
        found["language probability"] = {"at": config.language.min_probability, "keeps": "above"}
    for classifier in config.classifiers:
        from groundup.corpus.classify.rule import ClassifierRule

        name = f"classifier {Path(classifier.path).stem}"
        keeps = "below" if classifier.drop == "positive" else "above"
        found[name] = {"at": ClassifierRule(classifier).threshold, "keeps": keeps}
    return found
