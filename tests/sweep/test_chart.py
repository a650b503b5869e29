"""Dots where they belong."""

import re
import xml.etree.ElementTree as ET

from groundup.sweep.chart import Dot, scatter


def dots(values, metrics=None) -> list[Dot]:
    metrics = metrics or [1.0 + n for n in range(len(values))]
    return [Dot(v, m, 0, f"{v}") for v, m in zip(values, metrics, strict=True)]


def places(svg: str) -> list[tuple[float, float]]:
    ET.fromstring(svg)  # well-formed
    return [(float(x), float(y)) for x, y in re.findall(r'cx="([\d.]+)" cy="([\d.]+)"', svg)]


def test_an_axis_is_logarithmic_where_the_values_are():
    svg = scatter(dots([0.001, 0.01, 0.1]), "rate", "bits/byte")
    (a, _), (b, _), (c, _) = places(svg)
    assert abs((b - a) - (c - b)) < 0.2
    assert "rate, logarithmic" in svg
    svg = scatter(dots([1, 2, 3]), "layers", "bits/byte")
    assert "logarithmic" not in svg
    assert "logarithmic" not in scatter(dots([0, 10, 1000]), "steps", "bits/byte")


def test_better_is_lower_and_words_stand_side_by_side():
    svg = scatter(dots(["adamw", "muon"], [2.0, 1.0]), "optimizer", "bits/byte")
    (left, high), (right, low) = places(svg)
    assert left < right
    assert high < low  # SVG counts from the top
    assert "&quot;muon&quot;" in svg


def test_one_that_all_but_diverged_does_not_press_the_others_together():
    svg = scatter(dots([1, 2, 3, 4], [1.0, 1.1, 1.2, 90.0]), "a", "b")
    heights = [y for _, y in places(svg)]
    assert len(heights) == 3, "the fourth is a triangle at the edge"
    assert max(heights) - min(heights) > 50


def test_failed_and_single_values_and_markup_are_drawn():
    svg = scatter([Dot("<b>", None, 0, "<i>\x1b"), Dot("x", 1.0, 1, "y", best=True)], "<k>", "m")
    ET.fromstring(svg)
    assert 'class="failed"' in svg
    assert "rung1 best" in svg
    assert places(scatter(dots([5], [1.0]), "a", "b"))
    assert scatter([Dot(5, None, 0, "failed")], "a", "b")
