import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.train.optimizers.transfer import batch_factor, width_factor

GROUPS = ["embeddings", "other matrices", "norms and biases", "block matrices"]


@pytest.mark.parametrize(
    ("group", "muon_scale", "factor"),
    [
        ("embeddings", None, 0.5),
        ("other matrices", None, 0.5),
        ("norms and biases", None, 1.0),
        ("block matrices", None, 0.25),
        ("block matrices", "shape", 1.0),
        ("block matrices", "rms", 0.5),
    ],
)
def test_at_four_times_the_width(group, muon_scale, factor):
    assert width_factor(group, muon_scale, width=1024, base_width=256) == pytest.approx(factor)


def test_nanochats_rule_for_its_base():
    factor = width_factor("embeddings", None, width=1280, base_width=768)
    assert factor == pytest.approx((1280 / 768) ** -0.5)


@given(st.integers(1, 2**24), st.integers(1, 2**24), st.integers(1, 2**24))
def test_factors_compose_and_are_one_at_the_base(a, b, c):
    assert batch_factor(a, a) == 1
    assert batch_factor(a, b) * batch_factor(b, c) == pytest.approx(batch_factor(a, c))
    for group in GROUPS:
        for scale in (None, "shape", "rms"):
            assert width_factor(group, scale, width=a, base_width=a) == 1
            one, two = (
                width_factor(group, scale, width=x, base_width=y) for x, y in ((a, b), (b, c))
            )
            assert one * two == pytest.approx(width_factor(group, scale, width=a, base_width=c))


def test_four_times_the_batch_takes_twice_the_rate():
    assert batch_factor(2**20, 2**18) == 2
