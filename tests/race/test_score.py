"""Each token is scored once, by one rule, and a contender's answer is judged."""

import json
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from race.corpora import BREAK, split_documents, split_text
from race.job import probe_ids
from race.run import judge
from race.score import score, windows
from race.text import tokenize


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 200), st.integers(1, 40), st.data())
def test_each_token_is_scored_once_with_the_context_promised(num_tokens, context, data):
    stride = data.draw(st.integers(1, context))
    scored = []
    for start, first, end in windows(num_tokens, context, stride):
        assert end - 1 - start <= context
        assert all(place - start >= min(context - stride, place) for place in range(first, end))
        scored += range(first, end)
    assert scored == list(range(1, num_tokens))


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 70), st.integers(1, 16), st.integers(1, 64))
def test_score_is_the_bigram_models_own_sum(num_tokens, context, batch_tokens):
    generator = torch.Generator().manual_seed(num_tokens)
    logits_VV = torch.randn(5, 5, generator=generator)
    ids = torch.randint(5, (num_tokens,), generator=generator)
    nats = score(
        lambda ids_BT: logits_VV[ids_BT],
        ids,
        context=context,
        vocab_size=5,
        batch_tokens=batch_tokens,
    )
    expected = -logits_VV.log_softmax(-1)[ids[:-1], ids[1:]].sum() + math.log(5)
    assert nats.sum() == pytest.approx(float(expected), rel=1e-5)


def test_a_model_without_numbers_is_refused_as_that():
    with pytest.raises(ValueError, match="not finite"):
        score(
            lambda ids_BT: ids_BT[..., None] / torch.zeros(9),
            torch.arange(8),
            context=4,
            vocab_size=9,
        )


def test_a_model_that_looks_ahead_is_refused():
    def cheat(ids_BT):
        return 9.0 * torch.nn.functional.one_hot(ids_BT.roll(-1, 1), 7).float()

    with pytest.raises(ValueError, match="later"):
        score(cheat, torch.arange(40) % 7, context=8, vocab_size=7)


@pytest.mark.parametrize("vocabulary", ["characters", 300])
def test_the_rivals_ids_spell_the_text(vocabulary):
    pytest.importorskip("tokenizers")
    text = "To be, or not to be: näher, 木.\n" * 20
    tokens = tokenize(text, text[:40], vocabulary)
    assert b"".join(tokens.table[number] for number in tokens.validation) == text[:40].encode()
    assert len(tokens.table) <= 300


def write_answer(folder, ids, nats):
    facts = {"table": [b"a".hex(), b"b".hex()], "steps": 1, "parameters": 2, "seconds": 1.0}
    (folder / "done.json").write_text(json.dumps(facts))
    np.savez(folder / "score.npz", ids=np.array(ids), nats=np.array(nats))


def test_the_judge_counts_bits_per_byte(tmp_path):
    write_answer(tmp_path, [0, 1, 0, 0], [math.log(2)] * 4)
    assert judge(tmp_path, b"abaa")["bits_per_byte"] == pytest.approx(1)


@pytest.mark.parametrize(
    ("ids", "nats"), [([0, 1, 0], [1.0] * 3), ([0, 1, 0, 0], [1, -1, 1, 1]), ([0, 1, 0, 0], [1.0])]
)
def test_the_judge_refuses_another_text_and_no_code(tmp_path, ids, nats):
    write_answer(tmp_path, ids, nats)
    with pytest.raises(ValueError, match=r"scored|costs less"):
        judge(tmp_path, b"abaa")


def test_the_probe_is_spread_and_the_same_for_all_tokens():
    text = "".join(f"{place:07d}\n" for place in range(10_000)).encode()  # 80,000 bytes
    letters = [bytes([byte]) for byte in range(256)]
    characters = probe_ids(torch.tensor(list(text)), letters)
    assert len(characters) == 8192
    found = bytes(characters.tolist())
    first = [(len(text) - 1024) * piece // 7 for piece in range(8)]
    assert found == b"".join(text[start : start + 1024] for start in first)
    lines = [text[start : start + 8] for start in range(0, len(text), 8)]
    whole = probe_ids(torch.arange(10_000), lines)
    assert 8192 - 8 * 2 * 7 <= 8 * len(whole) <= 8192
    assert all(lines[number] in found for number in whole.tolist())


def test_a_short_text_is_probed_whole():
    assert probe_ids(torch.arange(5), [b"abc"] * 5).tolist() == [0, 1, 2, 3, 4]


def test_tuning_never_sees_what_the_race_scores():
    text = "".join(chr(97 + place % 26) for place in range(1000))
    train, validation = split_text(text)
    assert (len(train), len(validation)) == (900, 100)
    tuned = split_text(text, tune=True)
    assert (b"".join(tuned), [len(side) for side in tuned]) == (train, [810, 90])

    documents = [f"document {place} " * 40 for place in range(2000)]
    train, validation = (set(side.decode().split(BREAK)) for side in split_documents(documents))
    tuned, held_out = (side.decode().split(BREAK) for side in split_documents(documents, tune=True))
    assert train | validation == set(documents)
    assert set(tuned) | set(held_out) == train
    assert not set(held_out) & (validation | set(tuned))
    assert 0.03 < len(held_out) / len(train) < 0.07
    assert len(split_text("x" * 9_000_000, tune=True)[1]) == 200_000
