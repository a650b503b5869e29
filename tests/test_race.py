"""The race's referee: one score for all tokenizers, and no way around it."""

import json
import math
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from race.chart import picture
from race.report import ratios, table
from race.run import Heat, judge, run_heat
from race.score import score, windows
from race.settings import SETTINGS, changed, settings_for
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


def test_a_result_is_kept_and_a_failure_is_one(tmp_path):
    heat = Heat("nobody", "tuned", "shakespeare", 1.0, 0)
    first = run_heat(heat, {}, (b"a", b"b"), threads=1, results=tmp_path)
    assert "nobody" in first["error"]
    assert run_heat(heat, {}, (b"a", b"b"), threads=1, results=tmp_path) == first


def heat_result(contender, bits, budget=180.0, seed=0):
    curve = [{"seconds": budget / 2, "step": 5, "bits_per_byte": bits + 1}]
    named = Heat(contender, "tuned", "stdlib", budget, seed)._asdict()
    measured = {"bits_per_byte": bits, "nats_per_character": bits, "curve": curve}
    measured["probe_bits_per_byte"] = bits
    return named | measured | {"steps": 9, "seconds": budget, "parameters": 1e6}


def test_report_compares_with_the_best_rival():
    results = [
        heat_result("groundup", 2.0),
        heat_result("nanogpt", 3.0),
        heat_result("nanogpt", 4.0, seed=1),
        heat_result("litgpt", 5.0),
        heat_result("nanogpt", 2.1, budget=600.0),
        heat_result("groundup", 1.9, budget=600.0),
        Heat("huggingface", "tuned", "stdlib", 180.0, 0)._asdict() | {"error": "cannot <be>"},
    ]
    found = ratios(results)
    assert found["stdlib 3 minutes: nanogpt tuned / groundup"] == 1.75
    assert found["stdlib: 10 minutes of nanogpt tuned / time of groundup for that score"] == 3.33
    assert "cannot <be>" in table(results)
    ElementTree.fromstring(picture(results))


def test_settings_know_every_contender_everywhere():
    for contender, kind in SETTINGS:
        for corpus in ("shakespeare", "stdlib", "stories"):
            assert settings_for(contender, kind, corpus, 180.0)
    assert changed({"model": {"width": 1, "layers": 2}}, {"model.width": 3}) == {
        "model": {"width": 3, "layers": 2}
    }
    with pytest.raises(ValueError, match="no setting 'widht'"):
        changed({"width": 1}, {"widht": 2})
