"""The rivals are what they are published as, and learn by the clock."""

import math
import time

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from race import huggingface, nanochat, nanogpt, ours
from race.job import Job
from race.nanochat_optimizer import Muon, batch_scaling, orthogonal
from race.reading import Sequences, passes
from race.run import judge
from race.score import check_causal
from race.settings import settings_for
from torch.nn import functional


def make_job(folder, settings, budget):
    text = "To be, or not to be, that is the question.\n" * 60
    for split in ("train", "validation"):
        (folder / f"{split}.txt").write_text(text)
    return Job(folder, settings | {"vocabulary": "characters"}, budget, seed=0, threads=1)


@given(st.integers(1, 60), st.integers(1, 200), st.integers(0, 5))
def test_a_pass_reads_all_but_the_ends_once(context, more, seed):
    tokens = context + more
    starts = passes(tokens, context, seed, count=2000)
    assert len(starts) == 2000
    first, left = starts[0] % context, starts
    while len(left):
        blocks = (tokens - 1 - int(left[0]) % context) // context
        this, left = left[:blocks], left[blocks:]
        assert len(this.unique()) == len(this)
        assert len((this % context).unique()) == 1  # side by side
        assert int(this.min()) >= 0
        assert int(this.max()) + context + 1 <= tokens
        if len(left):
            assert int(this.min()) < context
            assert int(this.max()) + 2 * context + 1 > tokens
    assert torch.equal(passes(tokens, context, seed, count=5), starts[:5])
    assert int(first) < max(min(context, more), 1)


def test_the_schedule_begins_when_all_is_compiled(tmp_path, monkeypatch):
    now = 100.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    job = make_job(tmp_path, {}, 60.0)
    job.start()
    found = []
    for now in (110.0, 120.0, 130.0, 140.0, 159.0, 161.0):
        if now in (120.0, 140.0):
            job.ready()
        found.append((job.progress, job.over))
    shares = [0.0, 0.0, 0.25, 0.5, 0.975, 1.0]
    assert found == [(share, share == 1.0) for share in shares]


def test_a_run_that_compiled_for_all_its_time_is_over(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    job = make_job(tmp_path, {}, 5.0)
    job.start()
    now = 7.0
    job.ready()
    assert (job.progress, job.over) == (1.0, True)


NANOCHAT = {
    "layers": 3,
    "heads": 2,
    "width": 32,
    "context": 16,
    "batch": 4,
    "accumulate": 1,
    "bfloat16": False,
    "compile": False,
    "value_embeddings": True,
}


def nanochat_settings(**more):
    return settings_for("nanochat", "shipped", "stdlib", 60.0) | NANOCHAT | more


@pytest.mark.parametrize("bfloat16", [False, True])
def test_nanochat_begins_with_even_guesses_and_does_not_look_ahead(bfloat16):
    torch.manual_seed(0)
    model = nanochat.GPT(50, nanochat_settings(bfloat16=bfloat16))
    ids = torch.randint(50, (2, 16))
    logits = model(ids)
    assert logits.dtype == torch.float32
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids.flatten())
    assert float(loss.detach()) == pytest.approx(math.log(50), abs=0.01)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.3)
        check_causal(model, ids[0])


def test_nanochat_has_its_published_parts():
    model = nanochat.GPT(50, nanochat_settings(bfloat16=True))
    assert list(model.values) == ["0", "2"]  # every second layer, the last among them
    assert list(nanochat.GPT(50, nanochat_settings(layers=4)).values) == ["1", "3"]
    assert model.residual.tolist() == pytest.approx([1.15, 1.10, 1.05])
    assert model.first.tolist() == pytest.approx([0.2, 0.125, 0.05])
    assert (model.smear.item(), model.backout.item()) == (0.0, pytest.approx(0.2))
    assert {p.dtype for p in (model.embed.weight, *model.values.parameters())} == {torch.bfloat16}
    assert {p.dtype for p in model.blocks.parameters()} == {torch.float32}


def test_nanochat_groups_learn_at_their_published_rates():
    settings = nanochat_settings(width=192, heads=3, scale_by_batch=False)
    muon, adamw = nanochat.make_optimizers(nanochat.GPT(50, settings), settings)
    rates = [(group["lr"], group["betas"], group["weight_decay"]) for group in adamw.param_groups]
    assert rates == [
        (pytest.approx(0.016), (0.8, 0.96), 0.01),  # (192 / 768) ** -0.5 is 2
        (pytest.approx(0.6), (0.8, 0.995), 0.001),
        (pytest.approx(0.3), (0.8, 0.995), 0.01),
        (pytest.approx(0.005), (0.8, 0.95), 0.05),
        (pytest.approx(0.5), (0.96, 0.95), 0.0),
        (0.2, (0.8, 0.95), 0.0),
    ]
    assert muon.decay == 0.28
    assert sum(len(group["params"]) for group in muon.param_groups) == 3 * 6 + 2


def test_nanochats_rates_follow_the_batch():
    assert batch_scaling(4096, 768, 12, 2**19) == (1.0, 1.0)
    rates, decay = batch_scaling(4096, 384, 6, 2**14)
    assert rates == pytest.approx(32**-0.5)
    assert decay == pytest.approx(32**-0.5 * 88_080_384 / 12_189_696)


def test_nanochats_schedules_rise_hold_and_fall():
    rates = [nanochat.rate_share(at, 0.1, 0.5, 0.05) for at in (0.05, 0.1, 0.5, 0.75, 1.0)]
    assert rates == pytest.approx([0.505, 1.0, 1.0, 0.525, 0.05], abs=1e-2)
    found = [nanochat.momentum(at, 0.1, 0.5) for at in (0.0, 0.05, 0.1, 0.5, 0.75, 1.0)]
    assert found == pytest.approx([0.85, 0.91, 0.97, 0.97, 0.935, 0.90])


@pytest.mark.parametrize("shape", [(32, 32), (96, 32), (32, 96)])
def test_muon_moves_by_an_orthogonal_matrix_s_length(shape):
    torch.manual_seed(0)
    matrices = [torch.nn.Parameter(torch.zeros(shape)) for _ in range(2)]
    for matrix in matrices:
        matrix.grad = torch.randn(shape)
    Muon(matrices, 0.1, 0.0, bfloat16=False, compiled=False).step()
    length = 0.1 * max(1, shape[0] / shape[1]) ** 0.5 * min(shape) ** 0.5
    for matrix in matrices:
        assert float(matrix.detach().norm()) == pytest.approx(length, rel=1e-3)
        assert float((matrix.detach() * matrix.grad).sum()) < 0
    singular = torch.linalg.svdvals(orthogonal(torch.randn(shape)))
    assert singular.min() > 0.6
    assert singular.max() < 1.3


def test_muon_decays_only_what_its_step_shrinks():
    torch.manual_seed(0)
    start = torch.randn(16, 16)
    matrices = {decay: torch.nn.Parameter(start.clone()) for decay in (0.0, 0.5)}
    for decay, matrix in matrices.items():
        matrix.grad = torch.ones(16, 16) + 0.1 * torch.eye(16)
        Muon([matrix], 0.1, decay, bfloat16=False, compiled=False).step()
    step = start - matrices[0.0].detach()
    expected = torch.where(step * start >= 0, 0.1 * 0.5 * start, 0.0)
    torch.testing.assert_close((matrices[0.0] - matrices[0.5]).detach(), expected)


@pytest.mark.parametrize("contender", [nanochat, nanogpt])
def test_a_rival_learns_by_the_clock_and_is_judged(tmp_path, contender):
    name = contender.__name__.partition(".")[2]
    settings = settings_for(name, "tuned", "shakespeare", 60.0) | NANOCHAT | {"layers": 2}
    job = make_job(tmp_path, settings, 3.0)
    contender.run(job)
    result = judge(tmp_path, (tmp_path / "validation.txt").read_bytes())
    assert 0 < result["ready_seconds"] == job.first < result["seconds"]
    assert result["seconds"] >= 3.0
    assert result["bits_per_byte"] < 0.9 * math.log2(len(set(job.text("train"))))


def test_transformers_learns_by_the_clock_in_the_order_of_its_data(tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    read = []
    get = huggingface.Sequences.__getitem__
    monkeypatch.setattr(
        huggingface.Sequences, "__getitem__", lambda self, at: read.append(at) or get(self, at)
    )
    small = {"layers": 1, "width": 32, "heads": 2, "feed_forward": 32, "context": 16, "batch": 4}
    settings = settings_for("huggingface", "tuned", "shakespeare", 60.0) | small
    job = make_job(tmp_path, settings | {"bfloat16": False}, 2.0)
    huggingface.run(job)
    result = judge(tmp_path, (tmp_path / "validation.txt").read_bytes())
    assert result["bits_per_byte"] < 0.9 * math.log2(len(set(job.text("train"))))
    assert len(read) >= 4 * result["steps"]
    assert read == list(range(len(read)))


def test_groundup_learns_by_the_clock_and_is_judged(tmp_path):
    settings = settings_for("groundup", "tuned", "shakespeare", 60.0)
    small = {"num_layers": 1, "look_back_blocks": 1, "width": 32, "context_length": 16}
    job = make_job(tmp_path, settings, 1.5)
    job.settings["model"] = settings["model"] | small
    ours.run(job)
    result = judge(tmp_path, (tmp_path / "validation.txt").read_bytes())
    assert result["seconds"] < 1.6
    assert result["bits_per_byte"] < 0.9 * math.log2(len(set(job.text("train"))))
    assert result["steps"] > 0


@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_transformers_learns_to_predict_a_token_at_each_place(family):
    pytest.importorskip("transformers")
    item = huggingface.Labelled(Sequences(torch.arange(100), 8, seed=0))[3]
    first = int(item["input_ids"][0])
    assert item["input_ids"].tolist() == list(range(first, first + 8))
    settings = settings_for("huggingface", "tuned", "stdlib", 60.0) | {"context": 8}
    model = huggingface.make_model(settings | {"family": family}, 100).eval()
    assert model.config.max_position_embeddings == 8
    found = model(**{name: ids[None] for name, ids in item.items()})
    expected = functional.cross_entropy(found.logits[0], torch.arange(first + 1, first + 9))
    assert found.loss.item() == pytest.approx(expected.item(), rel=1e-5)


def test_a_llama_of_transformers_has_the_dropout_of_its_settings():
    pytest.importorskip("transformers")
    settings = settings_for("huggingface", "tuned", "stdlib", 60.0) | {"dropout": 0.3}
    model = huggingface.make_model(settings, 100)
    assert model.model.layers[0].self_attn.attention_dropout == 0.3
