import json
import pickle
from pathlib import Path

import pytest
from pydantic import ValidationError

from groundup.corpus.classify import RuleConfig
from groundup.corpus.classify.model import Classifier
from groundup.corpus.classify.rule import ClassifierRule, Lines
from groundup.errors import UsageError, UserError

BAD = "you stupid ugly rotten nasty hateful awful house"
GOOD = "thanks kind friend, a lovely gentle garden"


def rule(classifier: Classifier, **options: object) -> ClassifierRule:
    options = {"path": "bad.safetensors", "label": "bad", **options}
    return ClassifierRule(RuleConfig.model_validate(options), classifier)


def test_positives_are_dropped_with_the_label_as_reason(classifier: Classifier) -> None:
    drop = rule(classifier)
    assert drop([BAD, GOOD, BAD]) == ["bad", None, "bad"]
    assert drop.reasons == ("bad",)
    assert drop([]) == []


def test_negatives_are_dropped_for_quality(classifier: Classifier) -> None:
    drop = rule(classifier, drop="negative")
    assert drop([BAD, GOOD]) == [None, "not_bad"]
    assert drop.reasons == ("not_bad",)


def test_threshold_of_training_gives_way_to_ones_own(classifier: Classifier) -> None:
    assert rule(classifier).threshold == classifier.header.labels[0].threshold
    probability = float(rule(classifier).probabilities([BAD])[0])
    assert rule(classifier, threshold=probability - 1e-6)([BAD]) == ["bad"]
    assert rule(classifier, threshold=min(probability + 1e-6, 1 - 1e-9))([BAD]) == [None]


def test_one_bad_line_is_enough_by_lines(classifier: Classifier) -> None:
    by_line = rule(classifier, unit="line")
    comments = "\n".join([GOOD] * 3 + [BAD] + [GOOD] * 3)
    assert by_line([comments, GOOD, ""]) == ["bad", None, None]
    alone = by_line.probabilities([BAD])
    assert by_line.probabilities([comments])[0] == alone[0]
    assert by_line.probabilities([]).shape == (0,)


def test_lines_are_dropped_and_counted(classifier: Classifier) -> None:
    bad, good, blank = rule(classifier, unit="line").probabilities([BAD, GOOD, ""]).tolist()
    cleaned = rule(classifier).drop_lines([f"{GOOD}\n{BAD}\n\n{GOOD}\n", BAD, GOOD, ""])
    assert cleaned == [
        Lines(f"{GOOD}\n\n{GOOD}\n", 1, bad),
        Lines("", 1, bad),
        Lines(GOOD, 0, good),
        Lines("", 0, blank),
    ]
    negative = rule(classifier, drop="negative").drop_lines([f"{BAD}\n\n---\n{GOOD}"])
    assert negative == [Lines(f"{BAD}\n\n---", 1, bad)]
    assert rule(classifier).drop_lines([]) == []


def test_decisions_do_not_depend_on_the_batch_and_rules_pickle(classifier: Classifier) -> None:
    drop = pickle.loads(pickle.dumps(rule(classifier)))
    texts = [BAD, GOOD, "", "the house"] * 3
    assert drop(texts) == [drop([text])[0] for text in texts]


def test_a_rule_loads_its_classifier(classifier: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "bad.safetensors"
    classifier.save(path)
    assert ClassifierRule(RuleConfig(path=str(path), label="bad"))([BAD]) == ["bad"]
    with pytest.raises(UserError, match="train one first"):
        ClassifierRule(RuleConfig(path=str(tmp_path / "no.safetensors")))


@pytest.mark.parametrize("label", [None, "worse"])
def test_the_label_is_one_of_the_classifiers(classifier: Classifier, label: str | None) -> None:
    with pytest.raises(UsageError, match=r"one of bad\.safetensors's: bad, rude"):
        rule(classifier, label=label)


def test_a_recipe_drops_bad_lines_and_keeps_the_rest(build, classifier, tmp_path: Path) -> None:
    classifier.save(tmp_path / "bad.safetensors")
    texts = [f"{GOOD}\n{BAD}\n{GOOD} again", f"{BAD}\n\n{BAD}", f"{GOOD} alone"]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"text": t}) for t in texts))
    options = {"path": str(tmp_path / "bad.safetensors"), "label": "bad", "unit": "line"}
    built = build(tmp_path / "rows.jsonl", classifiers=[{**options, "keep_rest": True}])
    assert set(built.whole().values()) == {f"{GOOD}\n{GOOD} again", f"{GOOD} alone"}
    flow = built.summary["funnel"][str(tmp_path / "rows.jsonl")]["classifier bad"]
    assert flow["dropped"] == {"bad": [1, len(texts[1].encode())]}
    assert (flow["edited"], flow["growth"]) == (1, -len(BAD) - 1)
    whole = build(tmp_path / "rows.jsonl", classifiers=[options])
    assert set(whole.whole().values()) == {f"{GOOD} alone"}


def test_lines_are_kept_for_themselves_only_where_lines_are_scored() -> None:
    with pytest.raises(ValidationError, match='keep_rest has no effect without unit = "line"'):
        RuleConfig(path="bad.safetensors", keep_rest=True)


def test_the_best_of_near_duplicates_is_the_one_that_a_classifier_likes(
    build, classifier, tmp_path: Path
) -> None:
    classifier.save(tmp_path / "bad.safetensors")
    common = " ".join(f"word{n}" for n in range(300))
    texts = [f"{common} {GOOD}", f"{common} {BAD}"]
    (tmp_path / "rows.jsonl").write_text("\n".join(json.dumps({"text": t}) for t in texts))
    rule = {"path": str(tmp_path / "bad.safetensors"), "label": "bad", "threshold": 1e-9}
    built = build(
        tmp_path / "rows.jsonl",
        classifiers=[{**rule, "drop": "negative"}],
        dedup={"near_duplicates": "drop", "near": {"keep": "best"}},
    )
    assert set(built.whole().values()) == {texts[1]}
