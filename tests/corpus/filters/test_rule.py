import pickle
from collections.abc import Sequence
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus.filters import (
    C4Config,
    FineWebConfig,
    GopherQualityConfig,
    GopherRepetitionConfig,
)
from groundup.corpus.filters import rule as rules
from groundup.corpus.filters.c4 import C4
from groundup.corpus.filters.check import Check, above, below
from groundup.corpus.filters.fineweb import FineWeb
from groundup.corpus.filters.gopher import GopherQuality, GopherRepetition
from groundup.corpus.filters.rule import Chain, Rows, Rule, first_reasons, judge
from groundup.corpus.filters.statistics import Batch

SENTENCES = st.sampled_from(
    [
        "The cat and the dog have gone to the house.",
        "Menu",
        "- list",
        "It is that, with all of it!",
        "Enable javascript to see this page.",
        "1 2 3 4 5 6.",
        "\n\n",
        " ",
    ]
)
TEXTS = st.lists(st.lists(SENTENCES, max_size=60).map("\n".join), max_size=6)


def presets() -> list[Rule]:
    return [
        GopherRepetition(GopherRepetitionConfig(implementation="datatrove")),
        GopherQuality(GopherQualityConfig(implementation="datatrove", min_words=10)),
        C4(C4Config(implementation="datatrove")),
        FineWeb(FineWebConfig(implementation="datatrove")),
    ]


@given(TEXTS)
def test_chain_is_one_rule_after_the_other(texts: list[str]) -> None:
    expected = [(text, None) for text in texts]
    for rule in presets():
        for row, (text, verdict) in enumerate(expected):
            if verdict is None:
                expected[row] = judge(rule, [text]).edits[0]
    assert Chain(presets()).edit(texts) == expected


def test_chain_takes_many_groups(monkeypatch) -> None:
    texts = ["The cat and the dog have gone.", "x", "", "Menu"] * 5
    whole = Chain(presets()).edit(texts)
    monkeypatch.setattr(rules, "GROUP_CHARACTERS", 20)
    assert Chain(presets()).edit(texts) == whole
    assert Chain([])(texts) == [None] * len(texts)
    assert Chain(presets())([]) == []


def test_chain_can_be_sent_to_another_process() -> None:
    chain = pickle.loads(pickle.dumps(Chain(presets())))
    assert chain(["x"]) == ["gopher_short_doc"]
    assert "c4_curly_bracket" in chain.reasons


def test_rules_take_batches_and_strings_alike() -> None:
    texts = ["The cat and the dog have gone.", "x"]
    for rule in presets():
        assert rule(texts) == rule(Batch(texts))


def test_thresholds() -> None:
    values = np.array([1, 2, 3])
    assert above(values, 2).failed.tolist() == [False, False, True]
    assert above(values, 2, or_equal=True).failed.tolist() == [False, True, True]
    assert below(values, 2).failed.tolist() == [True, False, False]
    assert below(values, 2, or_equal=True).failed.tolist() == [True, True, False]
    assert below(values, None).failed.tolist() == [False] * 3
    assert below(values, None).limit is None
    assert first_reasons(("a", "b"), (above(values, 2), above(values, 1))) == [None, "b", "a"]


def test_a_finding_has_as_many_digits_as_tell_it_from_the_threshold() -> None:
    def finding(check: Check, value: float) -> str:
        assert check.limit is not None
        return check.limit.finding(value)

    shares, counts = np.zeros(1), np.zeros(1, np.int64)
    assert finding(above(shares, 0.18), 0.21432) == "0.214, above 0.18"
    assert finding(above(shares, 0.18), 0.180412) == "0.1804, above 0.18"
    assert finding(above(shares, 0.67, or_equal=True), 0.67) == "0.67, at or above 0.67"
    assert finding(below(shares, 0.8), float(np.nextafter(0.8, 0))) == (
        "0.7999999999999999, below 0.8"
    )
    assert finding(below(counts, 50), 0) == "0, below 50"
    assert finding(above(counts, 100_000), 1_234_567) == "1,234,567, above 100,000"
    assert finding(above(shares, 10.0, scale="mean"), 12.3456) == "12.3, above 10"


def test_what_is_told_is_what_decided(monkeypatch) -> None:
    words = "the cat and a dog have gone to house number of many that with streets in town"
    random = Random(0)
    lines = [" ".join(random.choices(words.split(), k=9)) + "." for _ in range(20)]
    good = "\n".join(lines)
    texts = [
        "x",
        good,
        lines[0] * 30,
        "",
        "a { b\n" * 20,
        good.replace(" ", " { ", 1),
        "\n".join(lines * 2),
    ]
    monkeypatch.setattr(rules, "GROUP_CHARACTERS", 500)
    told: dict[int, list[str]] = {row: [] for row in range(len(texts))}

    def tell(rows: Rows, reasons: Sequence[str], checks: Sequence[Check]) -> None:
        for reason, check in zip(reasons, checks, strict=False):
            assert len(check.failed) == len(rows)
            for row, failed in zip(rows.tolist(), check.failed.tolist(), strict=True):
                told[row] += [reason] * failed

    chain = Chain(presets())
    edits = chain.edit(texts, tell)
    assert edits == chain.edit(texts)
    verdicts = [verdict for _, verdict in edits]
    assert verdicts == [next(iter(told[row]), None) for row in told]
    assert verdicts[:2] == ["gopher_short_doc", None]
    assert verdicts[4:] == ["gopher_dup_line_frac", "c4_curly_bracket", "gopher_dup_line_frac"]
