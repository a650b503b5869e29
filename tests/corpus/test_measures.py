import json
import re
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus.filters.check import Check, above, below
from groundup.corpus.filters.config import (
    BlockedWordsConfig,
    C4Config,
    CodeConfig,
    MC4Config,
    RatiosConfig,
    TokensConfig,
)
from groundup.corpus.measures import Measures, bin_edges
from groundup.corpus.report.charts import WIDTH
from groundup.corpus.report.measures import MAX_BARS, measures_section
from groundup.corpus.why import why

SCALES = ("share", "count", "mean")


@pytest.mark.parametrize("scale", SCALES)
def test_bins_rise_and_small_whole_numbers_have_their_own(scale: Any) -> None:
    edges = bin_edges(scale)
    assert edges[0] == 0
    assert (np.diff(edges) > 0).all()
    assert len(edges) < 1000
    if scale == "count":
        assert edges[:18].tolist() == [*range(17), 18]
        assert {32, 36, 1024, 1152} <= set(edges.tolist())
    if scale == "mean":
        assert {0.125, 3.0, 4.0, 4.25, 10.0} <= set(edges.tolist())


def test_a_document_is_counted_for_the_reasons_that_it_came_to() -> None:
    short = below(np.array([10, 60, 70, 49]), 50)
    ngram = above(np.array([0.9, 0.2, 0.18, 0.5]), 0.18)
    nothing_measured = Check(np.array([False, False, True, False]))
    many = above(np.array([5, 5, 5, 5]), 7)
    measures = Measures()
    reasons = ("short", "ngram", "bracket", "many", "not measured")
    findings = measures.add("filters", reasons, (short, ngram, nothing_measured, many))
    assert findings == {0: "10, below 50", 3: "49, below 50", 1: "0.2, above 0.18"}
    assert measures.to_json() == {
        "filters: many": {
            "limit": {"threshold": 7, "drops": "above", "scale": "count"},
            "kept": {},
            "dropped": {},
        },
        "filters: ngram": {
            "limit": {"threshold": 0.18, "drops": "above", "scale": "share"},
            "kept": {"18": 1},
            "dropped": {"20": 1},
        },
        "filters: short": {
            "limit": {"threshold": 50, "drops": "below", "scale": "count"},
            "kept": {"31": 1, "32": 1},  # 60 to 63, 64 to 71
            "dropped": {"10": 1, "28": 1},  # 10, 48 to 51
        },
    }


@given(st.lists(st.floats(0, 1e15), max_size=40), st.integers(0, 40))
def test_histograms_of_parts_add_up(values: list[float], cut: int) -> None:
    def measured(part: list[float]) -> Measures:
        measures = Measures()
        for scale in SCALES:
            check = above(np.array(part), 0.5, scale=scale)
            measures.add("filters", (scale,), (check,))
        return Measures.from_json(json.loads(json.dumps(measures.to_json())))

    merged = measured(values[:cut])
    merged.merge(measured(values[cut:]))
    assert merged.to_json() == measured(values).to_json()
    for measure in merged.found.values():
        assert measure.kept.sum() == sum(value <= 0.5 for value in values)
        assert measure.dropped.sum() == sum(value > 0.5 for value in values)


WORDS = (
    "the house and that of garden have been to with river small be children stories morning table"
    " quickly whether evening bread carried window around winter between mother letter sailing"
)


def good_text(number: int) -> str:
    """Return sentences of which no rule minds any."""
    random = Random(number)
    lines = (" ".join(random.choices(WORDS.split(), k=14)).capitalize() + "." for _ in range(12))
    return "\n".join(lines)


def write(path: Path, texts: list[str]) -> Path:
    path.write_text("\n".join(json.dumps({"text": text}) for text in texts))
    return path


def test_a_corpus_tells_what_its_rules_measured(build, tmp_path: Path) -> None:
    good = [good_text(number) for number in range(30)]
    bad = ["Short", (good[0][:80] + "\n") * 12, good[1] + "{", good[2].upper()]
    source = write(tmp_path / "rows.jsonl", [*good, *bad])
    rules = ["gopher_repetition", "gopher_quality", "c4", "ratios", "code", "mc4"]
    built = build(
        source, filters={"rules": rules, "mc4": {"min_line_length": 60}}, validation_fraction=0.1
    )
    summary = json.loads((built.folder / "corpus.json").read_text())
    dropped = summary["result"]["funnel"][str(source)]["filters"]["dropped"]
    measures = summary["measures"]
    counts = {label: sum(found["dropped"].values()) for label, found in measures.items()}
    for reason, (documents, _) in dropped.items():
        assert reason == "c4_curly_bracket" or counts.pop(f"filters: {reason}") == documents
    assert not any(counts.values())  # nothing is counted as dropped that was not
    first = measures["filters: gopher_dup_para_frac"]
    assert sum(first["kept"].values()) + sum(first["dropped"].values()) == len(good + bad)
    last = measures["filters: mc4_too_few_long_lines"]
    assert sum(last["kept"].values()) == len(good)

    ((story,), _) = why(built.folder, "rows.jsonl:31")
    assert story.steps[-1] == ("filters", "dropped: gopher_short_doc (measured 1, below 50)")
    ((story,), _) = why(built.folder, "rows.jsonl:32")
    told = "dropped: gopher_dup_line_frac (measured 0.846, above 0.3)"  # 11 of 13, the last empty
    assert story.steps[-1] == ("filters", told)
    ((story,), _) = why(built.folder, "rows.jsonl:33")
    assert story.steps[-1] == ("filters", "dropped: c4_curly_bracket")
    page = (built.folder / "report.html").read_text()
    assert "<strong>gopher_short_doc: 1, below 50</strong>" in page
    assert "thresholds that dropped nothing</summary>" in page


def test_every_threshold_of_a_rule_has_a_histogram() -> None:
    from groundup.corpus.filters.blocked import BlockedWords
    from groundup.corpus.filters.c4 import C4, MC4
    from groundup.corpus.filters.code import Code
    from groundup.corpus.filters.fineweb import FineWeb
    from groundup.corpus.filters.gopher import GopherQuality, GopherRepetition
    from groundup.corpus.filters.ratios import Ratios, StopWords, Tokens
    from groundup.corpus.filters.rule import judge

    rules = {
        GopherQuality(): 10,
        GopherRepetition(): 13,
        FineWeb(): 3,  # the paper's; no lines and line feeds for each word are not measured
        C4(C4Config()): 1,
        MC4(MC4Config()): 1,
        Ratios(RatiosConfig()): 3,
        StopWords(): 1,
        Tokens(lambda texts: np.full(len(texts), 2), TokensConfig(min_tokens_per_word=1.0)): 2,
        BlockedWords(BlockedWordsConfig(words=("bad",))): 1,
        Code(CodeConfig()): 3,
    }
    for rule, number in rules.items():
        edits, checks = judge(rule, ["some bad text", ""])
        assert [verdict for _, verdict in edits] == rule(["some bad text", ""])
        assert sum(check.limit is not None for check in checks) == number


def test_sentences_are_counted_where_they_decide() -> None:
    from groundup.corpus.filters.c4 import C4

    line = "Here is one. And here is another."
    checks = C4(C4Config(min_sentences=5)).judge([line, f"{line}\n" * 3, f"{line}\n" * 6]).checks
    assert checks[2].values is not None
    assert checks[2].values.tolist() == [2, 6, 6]  # of the last its lines
    assert checks[2].failed.tolist() == [True, False, False]


def test_the_threshold_is_where_the_colours_meet() -> None:
    measures = Measures()
    values = np.concatenate([np.arange(0, 0.3, 0.01), [0.18] * 5])
    measures.add("filters", ("gopher_top_3_gram",), (above(values, 0.18),))
    measures.add("filters", ("ratio_digits",), (above(values, 0.5),))
    section = measures_section(measures.to_json(), {"filters: gopher_top_3_gram": []})
    busy, idle = section.split("<details")
    assert "11 of 35 that came to it are dropped: above 0.18." in busy
    assert busy.count('class="bar dropped"') == 11
    assert busy.count('class="bar"') == 19
    assert busy.count("<a href") == 1
    assert "1 threshold that dropped nothing" in idle
    assert "dropped above 0.5" in idle
    assert "bar dropped" not in idle
    assert measures_section({}, {}) == ""


@given(
    st.lists(st.floats(0, 1e13), min_size=1, max_size=20),
    st.floats(0, 1e13),
    st.sampled_from(SCALES),
    st.booleans(),
)
def test_any_measure_can_be_drawn(
    values: list[float], threshold: float, scale: Any, upwards: bool
) -> None:
    compare = above if upwards else below
    measures = Measures()
    measures.add("filters", ("x",), (compare(np.array(values), threshold, scale=scale),))
    section = measures_section(measures.to_json(), {})
    numbers = [int(n.replace(",", "")) for n in re.findall(r": ([\d,]+)</title>", section)]
    assert sum(numbers) == len(values)
    assert section.count("<rect") <= 2 * (MAX_BARS + 1)
    (x,) = map(float, re.findall(r'class="limit" x1="([\d.-]+)"', section))
    assert 0 <= x <= WIDTH
