import math
import random
from collections import Counter

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from groundup.errors import UserError
from groundup.generate import SamplingConfig
from groundup.generate.sampling import (
    draw,
    likeliest,
    min_p,
    process_logits,
    random_streams,
    repetition_penalty,
    top_k,
    top_p,
)

hf = pytest.importorskip("transformers.generation.logits_process")


def random_logits(seed: int, B: int = 4, V: int = 37, *, ties: bool = False) -> torch.Tensor:
    logits_BV = 3 * torch.randn(B, V, generator=torch.Generator().manual_seed(seed))
    return logits_BV.round() if ties else logits_BV


def seen_tokens(ids_BT: torch.Tensor, V: int) -> torch.Tensor:
    return torch.zeros(len(ids_BT), V, dtype=torch.bool).scatter(1, ids_BT, True)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("k", [1, 2, 5, 37, 1000])
def test_top_k_equals_transformers(k, ties):
    logits_BV = random_logits(k, ties=ties)
    expected = hf.TopKLogitsWarper(k)(None, logits_BV)
    torch.testing.assert_close(top_k(logits_BV, k), expected, rtol=0, atol=0)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("p", [1e-9, 0.1, 0.5, 0.9, 0.999, 1.0])
def test_top_p_equals_transformers(p, ties):
    logits_BV = random_logits(int(p * 10), ties=ties)
    expected = hf.TopPLogitsWarper(p)(None, logits_BV)
    torch.testing.assert_close(top_p(logits_BV, p), expected, rtol=0, atol=0)


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("p", [0.0, 0.05, 0.5, 1.0])
def test_min_p_equals_transformers(p, ties):
    logits_BV = random_logits(int(p * 10), ties=ties)
    expected = hf.MinPLogitsWarper(p)(None, logits_BV)
    torch.testing.assert_close(min_p(logits_BV, p), expected, rtol=0, atol=0)


@pytest.mark.parametrize("penalty", [0.5, 1.0, 1.3, 10.0])
def test_repetition_penalty_equals_transformers(penalty):
    logits_BV = random_logits(3)
    ids_BT = torch.randint(0, 37, (4, 20), generator=torch.Generator().manual_seed(4))
    expected = hf.RepetitionPenaltyLogitsProcessor(penalty)(ids_BT, logits_BV)
    actual = repetition_penalty(logits_BV, seen_tokens(ids_BT, 37), penalty)
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 10_000),
    ties=st.booleans(),
    temperature=st.sampled_from([0.3, 1.0, 1.7]),
    k=st.sampled_from([0, 1, 3, 50]),
    p=st.sampled_from([0.2, 0.95, 1.0]),
    floor=st.sampled_from([0.0, 0.1, 0.9]),
    penalty=st.sampled_from([1.0, 1.2]),
)
def test_all_together_equal_transformers(seed, ties, temperature, k, p, floor, penalty):
    logits_BV = random_logits(seed, ties=ties)
    generator = torch.Generator().manual_seed(seed)
    ids_BT = torch.randint(0, 37, (4, 9), generator=generator)
    # The order and the conditions of GenerationMixin._get_logits_processor.
    expected = logits_BV
    if penalty != 1:
        expected = hf.RepetitionPenaltyLogitsProcessor(penalty)(ids_BT, expected)
    if temperature != 1:
        expected = hf.TemperatureLogitsWarper(temperature)(ids_BT, expected)
    if k != 0:
        expected = hf.TopKLogitsWarper(k)(ids_BT, expected)
    if p < 1:
        expected = hf.TopPLogitsWarper(p)(ids_BT, expected)
    if floor != 0:
        expected = hf.MinPLogitsWarper(floor)(ids_BT, expected)
    sampling = SamplingConfig(
        temperature=temperature, top_k=k, top_p=p, min_p=floor, repetition_penalty=penalty
    )
    actual = process_logits(logits_BV, sampling, seen_tokens(ids_BT, 37))
    torch.testing.assert_close(actual, expected, rtol=0, atol=0)
    assert actual.isfinite().any(-1).all()


def test_draws_follow_the_distribution():
    probs_V = torch.tensor([0.5, 0.0, 0.3, 0.15, 0.05, 0.0])
    N = 20_000
    streams = random_streams(7, [[0]] * N)
    counts = Counter(draw(probs_V.log().expand(N, -1), streams))
    assert counts.keys() == {0, 2, 3, 4}
    for token, prob in enumerate(probs_V.tolist()):
        sigma = math.sqrt(N * prob * (1 - prob))
        assert abs(counts[token] - N * prob) <= 4 * sigma


@pytest.mark.parametrize("bits", [0, 2**48 - 1])
def test_extreme_draws_stay_on_possible_tokens(bits):
    class Extreme(random.Random):
        def getrandbits(self, k):
            return bits

    logits_BV = torch.tensor([[-math.inf, 1.0, 2.0, -math.inf]])
    assert draw(logits_BV, [Extreme()]) == [1 if bits == 0 else 2]


def test_the_stream_of_a_prompt_is_the_same_in_any_batch():
    def numbers(streams):
        return [stream.getrandbits(64) for stream in streams]

    alone = numbers(random_streams(1, [[3, 4]]))
    batch = numbers(random_streams(1, [[9], [3, 4], [3, 4], [5]]))
    assert batch[1] == alone[0]
    assert len(set(batch)) == 4
    assert numbers(random_streams(2, [[3, 4]])) != alone
    assert numbers(random_streams(None, [[3, 4]])) != numbers(random_streams(None, [[3, 4]]))


@pytest.mark.parametrize("choose", [likeliest, lambda x: draw(x, random_streams(0, [[1]]))])
def test_nan_is_the_users_to_mend(choose):
    with pytest.raises(UserError, match="diverged"):
        choose(torch.tensor([[0.0, math.nan, 1.0]]))


@pytest.mark.parametrize(
    "options",
    [
        {"max_tokens": 0},
        {"temperature": -0.1},
        {"temperature": 1e-30},
        {"temperature": math.inf},
        {"top_k": -1},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"min_p": -0.1},
        {"min_p": 1.1},
        {"repetition_penalty": 0.0},
        {"stop": ("",)},
        {"temperature": 0, "top_k": 5},
        {"temperature": 0, "top_p": 0.5},
        {"temperature": 0, "min_p": 0.5},
    ],
)
def test_settings_out_of_range_are_refused(options):
    with pytest.raises(ValidationError):
        SamplingConfig(**options)
