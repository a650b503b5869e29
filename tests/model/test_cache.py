"""Reading a text in pieces gives what reading it at once gives."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KINDS = [
    ("qwen3", {"num_kv_heads": 2}),
    ("llama", {}),
    ("gpt2", {}),
    ("rnn", {}),
    ("qwen3", {"sliding_window": 4, "value_residual": True}),
    ("qwen3", {"smear": True, "bigram_table_size": 31, "value_embeddings": True}),
    ("speedrun", {"num_kv_heads": 2}),
]
T = 17


def in_pieces(model, ids_BT, cuts, starts_B=None):
    cache = model.new_cache(len(ids_BT), ids_BT.shape[1], starts_B)
    ends = [*sorted(cuts), ids_BT.shape[1]]
    pieces = [
        model(ids_BT[:, start:end], cache=cache)
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]
    assert cache.length == ids_BT.shape[1]
    return torch.cat(pieces, dim=1)


@pytest.mark.parametrize(("architecture", "options"), KINDS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.sets(st.integers(1, T - 1)))
def test_any_split_gives_the_logits_of_one_reading(architecture, options, cuts, tiny_model, tokens):
    model = tiny_model(architecture, **options)
    ids_BT = tokens(2, T)
    with torch.no_grad():
        found = in_pieces(model, ids_BT, cuts)
        torch.testing.assert_close(found, model(ids_BT), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(("architecture", "options"), KINDS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.integers(1, T), min_size=1, max_size=3),
    cuts=st.sets(st.integers(1, T - 1)),
)
def test_rows_padded_on_the_left_read_as_if_alone(
    architecture, options, lengths, cuts, tiny_model, tokens
):
    model = tiny_model(architecture, **options)
    longest = max(lengths)
    texts = [tokens(1, length, seed=row) for row, length in enumerate(lengths)]
    padded = [torch.nn.functional.pad(text, (longest - text.shape[1], 0)) for text in texts]
    starts_B = torch.tensor([longest - length for length in lengths])
    with torch.no_grad():
        logits = in_pieces(
            model, torch.cat(padded), {cut for cut in cuts if cut < longest}, starts_B
        )
        for row, text in enumerate(texts):
            found = logits[row, longest - text.shape[1] :]
            torch.testing.assert_close(found, model(text)[0], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["qwen3", "rnn"])
def test_last_only_is_the_last_of_all(architecture, tiny_model, tokens):
    model, ids_BT = tiny_model(architecture), tokens(2, 9)
    last = model(ids_BT, last_only=True)
    assert last.shape == (2, 1, 53)
    torch.testing.assert_close(last, model(ids_BT)[:, -1:])


def test_a_full_cache_refuses_more(tiny_model, tokens):
    model = tiny_model()
    cache = model.new_cache(1, 4)
    with pytest.raises(AssertionError, match="cache of 4 tokens cannot hold 5"):
        model(tokens(1, 5), cache=cache)


def test_the_cache_takes_the_models_dtype(tiny_model, tokens):
    model = tiny_model().bfloat16()
    cache = model.new_cache(1, 4)
    assert cache.keys[0].dtype == torch.bfloat16
    assert model(tokens(1, 4), cache=cache).isfinite().all()
