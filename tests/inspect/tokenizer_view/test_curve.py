"""The curve of compression, as an SVG."""

import math
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.inspect.tokenizer_view.curve import HEIGHT, WIDTH, curve_svg
from groundup.tokenizer.bpe.report import TokenizerReport, Undertrained

REPORT = TokenizerReport(
    vocab_size=4096, bytes=100, words=10, tokens=40, bytes_per_token=2.5, tokens_per_byte=0.4,
    tokens_per_word=4.0, vocabulary_use=0.9, longest=[], rarest=[],
    undertrained=Undertrained(below=100, count=0, examples=[]),
    curve=[(257, 1.0), (512, 0.6), (1024, 0.5), (4096, 0.4)],
    suggested_vocab_size=1024, suggestion="a reason",
)  # fmt: skip


def texts(svg: str) -> list[str]:
    return [node.text for node in ElementTree.fromstring(svg).iter("text")]


def test_axes_have_labels_and_both_sizes_are_marked():
    svg = curve_svg(REPORT)
    found = texts(svg)
    for label in ("tokens per byte", "512", "1K", "4K", "0", "0.25", "1"):
        assert label in found
    assert any(label.startswith("vocabulary size, tokens") for label in found)
    assert "chosen 4,096: 0.400" in found
    assert "suggested 1,024: 0.500" in found
    title = ElementTree.fromstring(svg).find("title").text
    assert title == "Tokens per byte against vocabulary size: 1.00 at 257 tokens, 0.40 at 4,096."


def test_the_horizontal_axis_is_logarithmic():
    line = ElementTree.fromstring(curve_svg(REPORT)).find("polyline").get("points")
    first, second, third, last = [float(point.split(",")[0]) for point in line.split()]
    assert math.isclose((last - third) / (third - second), 2, rel_tol=0.01)  # 4 = 2 × 2
    assert first < second


def test_one_mark_where_the_chosen_size_is_the_suggested():
    found = texts(curve_svg(replace(REPORT, suggested_vocab_size=4096)))
    assert "chosen and suggested 4,096: 0.400" in found


@pytest.mark.parametrize(
    "curve", [[], [(300, 1.0)], [(300, 1.0), (300, 0.9)], [(0, 1.0), (-5, 2.0)]]
)
def test_without_a_curve_there_is_no_picture(curve):
    assert curve_svg(replace(REPORT, curve=curve)) == ""


@given(
    st.lists(st.tuples(st.integers(-5, 10**9), st.floats()), max_size=30),
    st.integers(-(10**6), 10**12),
)
def test_any_curve_stays_in_its_picture(curve, suggested):
    svg = curve_svg(replace(REPORT, curve=curve, suggested_vocab_size=suggested))
    if not svg:
        return
    for node in ElementTree.fromstring(svg).iter():
        for name, limit in {
            "x": WIDTH,
            "cx": WIDTH,
            "x1": WIDTH,
            "y": HEIGHT,
            "cy": HEIGHT,
        }.items():
            if node.get(name) is not None:
                assert 0 <= float(node.get(name)) <= limit
