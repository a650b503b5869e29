"""A tiny recipe from end to end, and everything that may go wrong on the way."""

import fcntl
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from groundup.cli import main
from groundup.recipe import read_recipe
from groundup.tokenizer import load_tokenizer
from groundup.train import loop

STAGES = ["corpus", "tokenizer", "tokens", "pretrain", "evaluate"]


def run(*options: str) -> int:
    return main(["run", "tiny.toml", *options])


def statuses(capsys) -> dict[str, str]:
    """Read the table that the last command printed."""
    rows = [line.split("│") for line in capsys.readouterr().out.splitlines()]
    cells = [[cell.strip() for cell in row] for row in rows if len(row) == 6]
    return {cell[1]: cell[3] for cell in cells if cell[1] in STAGES}


def record(stage: str) -> dict:
    return json.loads(Path(f"runs/tiny/{stage}/stage.json").read_text())


def test_a_recipe_runs_from_text_to_a_model_and_a_second_time_there_is_nothing_to_do(place, capsys):
    assert run() == 0
    assert statuses(capsys) == dict.fromkeys(STAGES, "done")
    for stage in STAGES:
        assert {
            "stage", "fingerprint", "inputs", "seed", "versions", "started", "seconds", "result"
        } <= record(stage).keys()  # fmt: skip
    files = {p: p.stat().st_mtime_ns for p in Path("runs/tiny").glob("*/*") if p.is_file()}

    assert run() == 0
    assert statuses(capsys) == dict.fromkeys(STAGES, "up to date")
    assert files == {p: p.stat().st_mtime_ns for p in files}
    assert not [p for p in Path("runs/tiny").iterdir() if p.name[0] == "." and p.name != ".lock"]

    # The resolved recipe in the run's folder is the same recipe.
    resolved = read_recipe(Path("runs/tiny/recipe.toml"))
    assert resolved == read_recipe(Path("tiny.toml"))
    assert main(["run", "runs/tiny/recipe.toml"]) == 0
    assert statuses(capsys) == dict.fromkeys(STAGES, "up to date")

    results = json.loads(Path("runs/tiny/evaluate/results.json").read_text())
    assert 0 < results["bits_per_byte"]["bits_per_byte"] < 8
    assert results["bits_per_byte"]["nats_per_token"] == pytest.approx(
        record("pretrain")["result"]["validation"]["nats_per_token"], rel=1e-5
    )
    assert results["python_syntax"]["num_samples"] == 3


def test_a_changed_key_redoes_its_stage_and_the_later_ones_only(place, capsys):
    run()
    run("--pretrain.learning-rate", "0.001")
    redone = {"pretrain": "done", "evaluate": "done"}
    assert statuses(capsys) == dict.fromkeys(STAGES, "up to date") | redone
    run("--pretrain.log-every", "3", "--pretrain.learning-rate", "0.001")
    assert statuses(capsys) == dict.fromkeys(STAGES, "up to date")
    run("--tokenizer.vocab-size", "270")
    assert statuses(capsys) == {"corpus": "up to date"} | dict.fromkeys(STAGES[1:], "done")
    (place / "text" / "new.txt").write_text("something new")
    run()
    assert statuses(capsys) == dict.fromkeys(STAGES, "done")


def test_a_source_that_was_only_touched_makes_the_corpus_anew_and_nothing_after_it(place, capsys):
    run()
    capsys.readouterr()
    os.utime(place / "text" / "0.txt", (1, 1))
    run()
    assert statuses(capsys) == {"corpus": "done"} | dict.fromkeys(STAGES[1:], "up to date")


def test_a_training_can_be_made_longer(place, capsys):
    run()
    capsys.readouterr()
    run("--pretrain.max-steps", "20")
    redone = {"pretrain": "resumed", "evaluate": "done"}
    captured = capsys.readouterr()
    assert "resuming after step 12 of 20" in captured.err
    assert "moved" not in captured.err
    assert record("pretrain")["result"]["steps"] == 20
    # Shorter is another training; the longer one is kept.
    run("--pretrain.max-steps", "8")
    assert statuses(capsys) == dict.fromkeys(STAGES, "up to date") | redone | {"pretrain": "done"}
    run("--pretrain.max-steps", "20")
    assert statuses(capsys) == dict.fromkeys(STAGES, "up to date") | redone
    assert record("pretrain")["result"]["steps"] == 20


def test_a_training_that_diverged_goes_on_with_other_rates(place, capsys, monkeypatch):
    step, steps = loop.train_step, 0

    def counted(*arguments, **options):
        nonlocal steps
        steps += 1
        result = step(*arguments, **options)
        return replace(result, finite=steps != 8)

    monkeypatch.setattr(loop, "train_step", counted)
    assert run() == 1
    assert "the run goes on from runs/tiny/pretrain/checkpoints/step-00000006" in (
        capsys.readouterr().err
    )
    run("--pretrain.learning-rate", "0.001")
    error = capsys.readouterr().err
    assert "resuming after step 6 of 12" in error
    assert "moved" not in error
    metrics = Path("runs/tiny/pretrain/metrics.jsonl").read_text().splitlines()
    peaks = [json.loads(line)["learning_rate"]["embeddings"] for line in metrics if "loss" in line]
    assert max(peaks[:6]) == pytest.approx(3e-3)
    assert max(peaks[6:]) == 1e-3
    # It is this training from now on: other rates are another again.
    run("--pretrain.learning-rate", "0.002")
    assert "moved to" in capsys.readouterr().err


def test_a_training_does_not_go_on_from_weights_that_an_update_has_ruined(place, capsys):
    often = ["--pretrain.checkpoint-every", "1"]
    wild = ["--pretrain.learning-rate", "1e30", "--pretrain.muon-learning-rate", "1e30"]
    assert run(*often, *wild) == 1
    error = capsys.readouterr().err
    assert "step-00000001 is set aside: its weights are ruined" in error
    assert "begin anew" in error
    assert run(*often) == 0
    assert record("pretrain")["result"]["steps"] == 12


def test_a_training_that_got_over_its_divergence_is_another_with_other_rates(
    place, capsys, monkeypatch
):
    step = loop.train_step
    monkeypatch.setattr(loop, "train_step", lambda *a, **o: replace(step(*a, **o), finite=False))
    assert run() == 1
    monkeypatch.setattr(loop, "train_step", step)
    assert run() == 0
    capsys.readouterr()
    run("--pretrain.learning-rate", "0.001")
    assert "moved to" in capsys.readouterr().err
    assert record("pretrain")["result"]["steps"] == 12


def test_the_training_of_other_settings_is_kept_and_found_again_when_they_return(place, capsys):
    run()
    weights = Path("runs/tiny/base/model.safetensors").read_bytes()
    aside = Path("runs/tiny") / f"pretrain.{record('pretrain')['fingerprint'][:8]}"
    run("--seed", "1")
    run("--seed", "2")
    assert Path("runs/tiny/base/model.safetensors").read_bytes() != weights
    assert (aside / "checkpoints").is_dir()
    assert f"runs/tiny/pretrain belongs to other settings: moved to {aside}" in (
        capsys.readouterr().err
    )
    run()
    assert statuses(capsys)["pretrain"] == "resumed"
    assert Path("runs/tiny/base/model.safetensors").read_bytes() == weights
    assert not aside.exists()
    assert len(list(Path("runs/tiny").glob("pretrain.*/checkpoints"))) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(5, "Input/output error")])
def test_a_training_survives_what_happens_while_it_is_moved(place, capsys, monkeypatch, error):
    run()
    weights = Path("runs/tiny/base/model.safetensors").read_bytes()
    checkpoints = {path.name for path in Path("runs/tiny/pretrain/checkpoints").iterdir()}
    renamed, rename = [], Path.rename

    def interrupted(self, target):
        done = rename(self, target)
        if self == Path("runs/tiny/pretrain"):
            renamed.append(done)
            raise error
        return done

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", interrupted)
        assert run("--seed", "1") != 0
    assert {path.name for path in (renamed[0] / "checkpoints").iterdir()} == checkpoints
    assert run("--seed", "1") == 0
    capsys.readouterr()
    assert run() == 0
    assert statuses(capsys)["pretrain"] == "resumed"
    assert Path("runs/tiny/base/model.safetensors").read_bytes() == weights


def test_the_model_of_another_training_is_not_taken_for_this_ones(place, capsys, monkeypatch):
    run()
    weights = Path("runs/tiny/base/model.safetensors").read_bytes()
    run("--seed", "1")

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:  # the old training is back, its model not yet
        patch.setattr("groundup.recipe.pretrain.save_model", killed)
        assert run() == 130
    assert main(["evaluate", "runs/tiny"]) == 1
    assert "not finished" in capsys.readouterr().err
    assert run() == 0
    assert Path("runs/tiny/base/model.safetensors").read_bytes() == weights
    # Nor where a record has survived beside it.
    base = Path("runs/tiny/base/groundup.json")
    base.write_text(base.read_text().replace(record("pretrain")["fingerprint"], "0" * 16))
    capsys.readouterr()
    assert run() == 0
    assert statuses(capsys)["pretrain"] == "resumed"


def test_a_training_keeps_the_precision_that_auto_gave_it_at_first(place, capsys, monkeypatch):
    for dtype, steps in ((torch.float32, "12"), (torch.bfloat16, "16")):
        monkeypatch.setattr("groundup.machine.pick_precision", lambda *_, dtype=dtype: dtype)
        run("--pretrain.precision", "auto", "--pretrain.max-steps", steps)
        assert record("pretrain")["result"]["steps"] == int(steps)
        assert record("pretrain")["result"]["precision"] == "float32"


def test_a_refused_recipe_leaves_the_one_that_made_the_run(place, capsys):
    run()
    before = Path("runs/tiny/recipe.toml").read_text()
    assert run("--model.vocab-size", "7", "--pretrain.document-mask") == 2
    assert main(["tokenize", "tiny.toml", "--tokenizer.vocab-size", "270"]) == 1
    assert Path("runs/tiny/recipe.toml").read_text() == before
    assert main(["run", "runs/tiny/recipe.toml", "--model.num-heads", "4"]) == 0


def test_a_model_is_evaluated_as_it_was_trained_whatever_the_recipe_says_now(place, capsys):
    run("--pretrain.document-mask")
    before = json.loads(Path("runs/tiny/evaluate/results.json").read_text())["bits_per_byte"]
    recipe = Path("runs/tiny/recipe.toml")
    recipe.write_text(recipe.read_text().replace("document_mask = true", "document_mask = false"))
    assert main(["evaluate", "runs/tiny", "--task", "bits_per_byte", "--batch-size", "2"]) == 0
    after = json.loads(Path("runs/tiny/evaluate/results.json").read_text())["bits_per_byte"]
    assert after["nats_per_token"] == pytest.approx(before["nats_per_token"], rel=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model.vocab-size", "7"], "leave model.vocab_size out"),
        (["--model.context-length", "100000"], "too few for one sequence"),
        (["--seed", "2", "--pretrain.device", "nonsense"], "device 'nonsense' is not usable"),
        (["--corpus.sources", "text/0.txtt"], "text/0.txtt does not exist"),
        (["--corpus.sources", "blank.txt"], "blank.txt"),
        (["--corpus.sources", "binary.bin"], "binary.bin"),
    ],
)
def test_a_mistake_costs_one_line_and_nothing_that_was_finished(place, capsys, options, message):
    (place / "blank.txt").write_text(" \n")
    (place / "binary.bin").write_bytes(bytes(range(256)) * 20)
    run()
    before = {stage: record(stage) for stage in STAGES}
    capsys.readouterr()
    assert run(*options) in (1, 2)
    error = capsys.readouterr().err
    assert message in error
    assert "Traceback" not in error
    assert error.splitlines()[-1].startswith("groundup: ")
    assert before == {stage: record(stage) for stage in STAGES}
    assert run() == 0
    assert statuses(capsys) == dict.fromkeys(STAGES, "up to date")


def test_one_stage_runs_when_those_before_it_are_up_to_date(place, capsys):
    assert main(["tokenizer", "tiny.toml"]) == 1
    assert "run groundup corpus first, with the same recipe" in capsys.readouterr().err
    for command, stage in [
        ("corpus", "corpus"),
        ("tokenizer", "tokenizer"),
        ("tokenize", "tokens"),
    ]:
        assert main([command, "tiny.toml"]) == 0
        assert statuses(capsys) == {stage: "done"}
    assert main(["tokenize", "tiny.toml"]) == 0
    assert statuses(capsys) == {"tokens": "up to date"}
    assert main(["pretrain", "tiny.toml", "--tokenizer.vocab-size", "290"]) == 1
    assert "the tokenizer stage" in capsys.readouterr().err


def test_a_folder_that_was_removed_is_made_again_and_nothing_else_is(place, capsys):
    run()
    shutil.rmtree("runs/tiny/tokenizer")
    shutil.rmtree("runs/tiny/base")
    capsys.readouterr()
    run()
    assert statuses(capsys) == dict.fromkeys(STAGES, "up to date") | {
        "tokenizer": "done",
        "pretrain": "resumed",
    }


def test_two_processes_do_not_work_in_one_run(place, capsys):
    Path("runs/tiny").mkdir(parents=True)
    with Path("runs/tiny/.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert run() == 1
    assert "another groundup works here" in capsys.readouterr().err
    assert main(["corpus", "tiny.toml"]) == 0


def test_what_groundup_did_not_write_is_not_replaced(place, capsys):
    Path("runs/tiny/corpus").mkdir(parents=True)
    Path("runs/tiny/corpus/thesis.txt").write_text("years of work")
    assert run() == 1
    assert "runs/tiny/corpus is in the way" in capsys.readouterr().err
    assert Path("runs/tiny/corpus/thesis.txt").read_text() == "years of work"


def test_what_a_killed_process_left_half_made_is_cleared_away(place, capsys):
    run()
    Path("runs/tiny/.tokens.abcd").mkdir()
    Path("runs/tiny/.tokens.abcd/train.bin").touch()
    # Killed between the two renames that replace a folder: the old one is still in the old place.
    Path("runs/tiny/.corpus.old.abcd").mkdir()
    Path("runs/tiny/corpus").rename("runs/tiny/.corpus.old.abcd/corpus")
    capsys.readouterr()
    run()
    assert statuses(capsys) == dict.fromkeys(STAGES, "up to date")
    assert not list(Path("runs/tiny").glob(".*.*"))


def test_a_finished_run_is_evaluated_without_its_sources(place, capsys):
    run()
    shutil.rmtree("text")
    capsys.readouterr()
    assert main(["evaluate", "runs/tiny", "--task", "bits_per_byte"]) == 0
    out = capsys.readouterr().out
    assert "nats_per_token" in out
    assert "python_syntax" not in out
    os.chdir("runs")  # from wherever it is called
    assert main(["evaluate", "tiny", "--task", "python_syntax", "--num-samples", "2"]) == 0
    results = json.loads(Path("tiny/evaluate/results.json").read_text())
    assert results["python_syntax"]["num_samples"] == 2
    assert "nats_per_token" in results["bits_per_byte"], "measured before, of the same model"
    os.chdir("tiny")
    assert main(["evaluate", "."]) == 0
    Path("../link").symlink_to(Path.cwd())
    assert main(["evaluate", "../link", "--batch-size", "3"]) == 0
    assert (
        json.loads(Path("evaluate/stage.json").read_text())["inputs"]["config"]["batch_size"] == 3
    )
    os.chdir("..")
    shutil.rmtree("tiny/pretrain")
    assert main(["evaluate", "tiny"]) == 1
    assert "not finished" in capsys.readouterr().err


def test_a_plan_is_printed_before_there_is_anything(place, capsys):
    shutil.rmtree("text")
    assert run("--dry-run", "--pretrain.max-steps", "1000") == 0
    out = capsys.readouterr().out
    assert "128,000" in out  # 1000 steps × 4 sequences × 32 tokens
    assert "300 at most" in out
    assert not Path("runs").exists()


def test_a_plan_does_not_count_on_what_is_older_than_the_recipe(place, capsys):
    run()
    capsys.readouterr()
    run("--dry-run")
    assert "epochs" in capsys.readouterr().out
    run("--dry-run", "--tokenizer.vocab-size", "400")
    out = capsys.readouterr().out
    assert "400 at most" in out
    assert "epochs" not in out


def test_transformers_opens_the_model_and_writes_the_same(place, capsys):
    transformers = pytest.importorskip("transformers")
    run("--pretrain.max-steps", "30")
    capsys.readouterr()
    prompt = "def alpha"
    options = ["--prompt", prompt, "--temperature", "0", "--max-tokens", "20"]
    assert main(["generate", "runs/tiny", *options]) == 0
    ours = capsys.readouterr().out.removesuffix("\n")

    model, loading = transformers.AutoModelForCausalLM.from_pretrained(
        "runs/tiny/base", output_loading_info=True
    )
    assert not loading["missing_keys"]
    assert not loading["unexpected_keys"]
    tokenizer = transformers.AutoTokenizer.from_pretrained("runs/tiny/base")
    inputs = tokenizer(prompt, return_tensors="pt")
    assert inputs["input_ids"][0].tolist() == load_tokenizer(Path("runs/tiny/base")).encode(prompt)
    ids = model.generate(**inputs, max_new_tokens=20, do_sample=False)[0]
    assert tokenizer.decode(ids, skip_special_tokens=True) == ours
