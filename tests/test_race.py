"""The race's referee: one score for all tokenizers, one clock for all, and no way around them."""

import ctypes
import importlib.util
import json
import math
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

from race import huggingface, nanochat, nanogpt
from race.chart import picture
from race.corpora import BREAK, split_documents, split_text
from race.job import Job, probe_ids
from race.load import busy_seconds
from race.nanochat_optimizer import Muon, batch_scaling, orthogonal
from race.report import ratios, table
from race.run import Heat, judge, run_heat, variables
from race.score import check_causal, score, windows
from race.settings import SETTINGS, changed, settings_for
from race.text import tokenize

spec = importlib.util.spec_from_file_location(
    "race_command", Path(__file__).parents[1] / "benchmarks" / "race.py"
)
race_command = importlib.util.module_from_spec(spec)
spec.loader.exec_module(race_command)


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


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("compile=False", ("compile", False)),
        ("compile=true", ("compile", True)),
        ("clip=None", ("clip", None)),
        ("rate=4e-3", ("rate", 0.004)),
        ("family=llama", ("family", "llama")),
        ('shape={"n_layer": 2}', ("shape", {"n_layer": 2})),
    ],
)
def test_a_change_is_a_value_of_json_or_python(change, expected):
    assert race_command.change(change) == expected


@pytest.mark.parametrize("name", ["compile", "width", "model.width"])
def test_a_switch_or_a_number_does_not_become_text(name):
    settings = {"compile": True, "width": 128, "model": {"width": 1}, "family": "gpt2"}
    with pytest.raises(ValueError, match=f"{name} is"):
        changed(settings, {name: "none"})
    assert changed(settings, {"family": "llama", "model.kind": "a"})["model"]["kind"] == "a"


def test_a_long_list_of_changes_has_a_short_name_of_its_own():
    heats = [Heat("nanogpt", "tuned" + f"+width={n}" * 30, "stdlib", 60.0, 1) for n in (1, 2)]
    names = {heat.name for heat in heats}
    assert len(names) == 2
    assert all(len(name) < 60 and name.startswith("nanogpt-tuned+") for name in names)
    assert Heat("a", "tuned+b=1", "c", 60.0, 0).name == "a-tuned+b=1.c.60s.seed0"


def make_job(folder, settings, budget):
    text = "To be, or not to be, that is the question.\n" * 60
    for split in ("train", "validation"):
        (folder / f"{split}.txt").write_text(text)
    return Job(folder, settings | {"vocabulary": "characters"}, budget, seed=0, threads=1)


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


def test_every_kind_compiles_into_a_folder_of_its_own_and_tuned_rivals_keep_memory(tmp_path):
    def of(contender, kind):
        return variables(Heat(contender, kind, "stdlib", 60.0, 0), 2, tmp_path)

    kinds = [("groundup", "tuned"), ("nanogpt", "tuned"), ("nanogpt", "shipped")]
    folders = [of(*kind)["TORCHINDUCTOR_CACHE_DIR"] for kind in kinds]
    assert len(set(folders)) == 3
    assert all(Path(folder).is_relative_to(tmp_path) for folder in folders)
    assert of("nanogpt", "tuned+width=64")["TORCHINDUCTOR_CACHE_DIR"] == folders[1]
    assert ["MALLOC_TOP_PAD_" in of(*kind) for kind in kinds] == [False, True, False]


LARGE_BLOCKS = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "arena ordblks smblks hblks hblkhd".split()]
    _fields_ += [(f"rest{n}", ctypes.c_size_t) for n in range(5)]
libc.mallinfo2.restype = Info
before = libc.mallinfo2().hblkhd
libc.malloc(100 << 20)
print(libc.mallinfo2().hblkhd - before >= 100 << 20)
"""


@pytest.mark.skipif(
    sys.platform != "linux" or not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="needs glibc"
)
@pytest.mark.parametrize(("kind", "given_back"), [("shipped", "True"), ("tuned", "False")])
def test_a_large_tensor_stays_with_a_tuned_rivals_process(tmp_path, kind, given_back):
    environ = variables(Heat("nanogpt", kind, "stdlib", 60.0, 0), 1, tmp_path)
    said = subprocess.run(
        [sys.executable, "-c", LARGE_BLOCKS], env=environ, capture_output=True, text=True
    )
    assert said.stdout.strip() == given_back


def test_busy_seconds_are_those_of_the_cores_that_are_raced_on():
    stat = "cpu 1 2 3 4 5 6 7 8 9 9\ncpu0 100 20 3 999 999 4 5 6 50 0\ncpu1 900 0 0 0 0 0 0 0 0 0\n"
    ticks = {1: 900, 100: 138}
    assert busy_seconds(stat, {0}) * 100 == pytest.approx(ticks[100])
    assert busy_seconds(stat, {0, 1}) * 100 == pytest.approx(ticks[100] + ticks[1])


def test_a_heat_says_what_it_used_and_a_disturbed_one_is_run_again(tmp_path):
    heat = Heat("nobody", "tuned", "shakespeare", 1.0, 0)
    first = run_heat(heat, {}, (b"a", b"b"), threads=1, results=tmp_path)
    assert 0 < first["cpu_seconds"] <= 1.2 * first["cores_used"] * first["wall_seconds"] + 0.1
    assert len(first["load"]) == 2
    path = tmp_path / f"{heat.name}.json"
    for disturbed, again in ((0.04, False), (0.06, True), (None, False)):
        path.write_text(json.dumps({"disturbed": disturbed}))
        found = run_heat(heat, {}, (b"a", b"b"), threads=1, results=tmp_path, retry=True)
        assert ("error" in found) == again


def test_the_table_marks_a_disturbed_heat():
    quiet, loud = heat_result("groundup", 2.0), heat_result("nanogpt", 3.0)
    assert "†" not in table([quiet | {"disturbed": 0.05}, loud | {"disturbed": None}])
    marked = table([quiet, loud | {"disturbed": 0.0501}])
    assert "| nanogpt tuned † |" in marked
    assert "† other programs took over 5%" in marked


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
    job = make_job(tmp_path, settings, 1.0)
    contender.run(job)
    result = judge(tmp_path, (tmp_path / "validation.txt").read_bytes())
    assert 0 < result["ready_seconds"] == job.first < 1.0 <= result["seconds"]
    assert result["bits_per_byte"] < 0.9 * math.log2(len(set(job.text("train"))))


def test_a_crop_for_trainer_has_a_token_to_predict_at_each_place():
    crops = huggingface.Crops(torch.arange(100), 8, seed=0)
    ids = crops[3]["input_ids"]
    assert (ids - ids[0]).tolist() == list(range(9))
    pytest.importorskip("transformers")
    for family in ("gpt2", "llama"):
        settings = settings_for("huggingface", "tuned", "stdlib", 60.0) | {"context": 8}
        model = huggingface.make_model(settings | {"family": family}, 100)
        assert model.config.max_position_embeddings == 9
        assert model(input_ids=ids[None]).logits.shape == (1, 9, 100)


def test_shipped_rivals_run_what_their_projects_ship():
    litgpt = settings_for("litgpt", "shipped", "stdlib", 180.0)
    assert litgpt["batch"] * litgpt["accumulate"] == 125
    assert (litgpt["precision"], litgpt["optimizer"]["lr"]) == ("bf16-mixed", 6e-4)
    chat = settings_for("nanochat", "shipped", "shakespeare", 180.0)
    assert [chat[key] for key in ("layers", "heads", "width")] == [6, 6, 384]
    assert chat["batch"] * chat["context"] * chat["accumulate"] == 16_384
