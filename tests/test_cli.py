"""The command line: quick to help, one line for a mistake, and exit codes that mean something."""

import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup import __version__
from groundup.cli import COMMANDS, main
from groundup.cli.mistakes import explain
from groundup.cli.stages import read_command
from groundup.errors import UsageError, UserError
from groundup.model import ModelConfig, build_model, save_model
from groundup.recipe import find_recipe, read_recipe
from groundup.tokenizer import TokenizerConfig, train_tokenizer

REPOSITORY = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}


def groundup(*arguments: str, **options) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "groundup", *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, **options)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory) -> Path:
    """An untrained model that writes noise, quickly."""
    folder = tmp_path_factory.mktemp("cli") / "model"
    tokenizer, _ = train_tokenizer(TokenizerConfig(vocab_size=270), ["def f(x): return x\n" * 20])
    config = ModelConfig(
        vocab_size=tokenizer.vocab_size, context_length=16, num_layers=1, width=32, num_heads=2
    )
    save_model(build_model(config, seed=0), folder, tokenizer=tokenizer)
    return folder


def test_help_answers_within_half_a_second_and_imports_nothing_heavy():
    seconds = []
    for _ in range(3):  # the best of three, for this machine may be busy
        start = time.perf_counter()
        done = groundup("--help")
        seconds.append(time.perf_counter() - start)
    assert done.returncode == 0
    assert all(command in done.stdout for command in COMMANDS)
    assert min(seconds) < 0.5
    modules = (
        "import sys, groundup.cli; groundup.cli.main(['--help']);"
        "print({'torch', 'numpy', 'pydantic', 'rich', 'tyro', 'pyarrow'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", modules], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.stdout.endswith("set()\n")


def test_a_mistake_is_one_line_without_a_traceback_unless_it_is_asked_for(capsys):
    done = groundup("run", "nothing.toml")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("groundup: nothing.toml: no such recipe")
    assert done.stderr.count("\n") == 1
    assert main(["run", "nothing.toml", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


def test_the_version_is_printed(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"groundup {__version__}\n"


def test_no_command_prints_help_and_is_wrong_usage(capsys):
    assert main([]) == 2
    assert "usage: groundup" in capsys.readouterr().out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    assert main([command, "--help"]) == 0
    assert f"usage: groundup {command}" in capsys.readouterr().out


def test_the_help_of_a_recipe_shows_every_key_with_its_text_and_value(capsys):
    assert main(["run", "quickstart", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "--tokenizer.vocab-size INT Tokens in all, special tokens included" in words
    assert "(default: 2048)" in words
    rate = read_recipe(find_recipe("quickstart")).pretrain.learning_rate
    assert f"--pretrain.learning-rate FLOAT Peak learning rate of AdamW. (default: {rate})" in words


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["runn"], "runn: no such command; did you mean run?"),
        (["run"], "which recipe?"),
        (["run", "--dry-run"], "which recipe?"),
        (["run", "--model.no-bias", "quickstart"], "It comes before the options"),
        (["run", "--corpus.sources", "a", "b", "quickstart"], "It comes before the options"),
        (
            ["run", "quickstart", "--evaluate.temperature", "0", "--evaluate.top-k", "3"],
            "--evaluate.top-k: top_k has no effect at temperature 0",
        ),
        (
            [
                "run",
                "quickstart",
                "--pretrain.schedule",
                "cosine",
                "--pretrain.decay-fraction",
                "1",
            ],
            "--pretrain.decay-fraction: decay_fraction has no effect with schedule 'cosine'",
        ),
        (["run", "quickstart", "--pretrain.max-stepz", "3"], "did you mean --pretrain.max-steps?"),
        (["run", "quickstart", "--max-steps=3"], "did you mean --pretrain.max-steps?"),
        (["run", "quickstart", "--pretrain.max-steps", "x"], "--pretrain.max-steps"),
        (["run", "quickstart", "--pretrain.max-steps", "0"], "--pretrain.max-steps: 0: should be"),
        (["run", "quickstart", "--pretrain.max-steps"], "--pretrain.max-steps"),
        (["run", "quickstart", "--pretrain.optimizer", "sgd"], "'adamw', 'muon'"),
        (["run", "quickstart", "more"], "more"),
        (["generate"], "RUN"),
        (["generate", "x", "--temperature", "-1"], "--temperature: -1.0: should be greater"),
        (["generate", "x", "--temprature", "1"], "did you mean --temperature?"),
        (["evaluate", "x", "--task", "y"], "bits_per_byte"),
        (["doctor", "--jsn"], "--jsn"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(words, message, capsys):
    assert main(words) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("groundup: ")
    assert error.count("\n") == 1


def test_options_override_the_recipe():
    recipe, options = read_command(
        "run",
        ["quickstart", "--dry-run", "--pretrain.max_steps=7", "--corpus.sources", "a", "b"],
    )
    assert options.dry_run
    assert recipe.pretrain.max_steps == 7
    assert recipe.corpus.sources == ("a", "b")


@pytest.mark.parametrize(
    ("options", "left_out"),
    [
        (["--pretrain.schedule", "cosine"], "pretrain.decay_fraction"),
        (["--pretrain.sample-every", "0"], "pretrain.sample_prompt"),
        (["--model.architecture", "rnn"], "model.zero_init_projections"),
        (["--evaluate.tasks", "bits_per_byte"], "evaluate.temperature"),
        (["--evaluate.temperature", "0"], "evaluate.top_p"),
    ],
)
def test_a_key_of_the_recipe_that_an_option_leaves_without_effect_is_left_out_with_a_note(
    options, left_out, tmp_path, capsys
):
    section, key = left_out.split(".")
    path = tmp_path / "mine.toml"
    path.write_text(
        "[model]\nnum_heads = 4\nwidth = 64\nzero_init_projections = true\n"
        "[pretrain]\nschedule = 'wsd'\ndecay_fraction = 1.0\nsample_prompt = 'def'\n"
        "[evaluate]\ntasks = ['python_syntax']\ntemperature = 0.5\ntop_p = 0.9"
    )
    recipe, _ = read_command("run", [str(path), *options])
    config = getattr(recipe, section)
    assert getattr(config, key) == type(config).model_fields[key].default
    note = capsys.readouterr().err
    assert left_out in note
    assert note.count("\n") == 1
    read_command("run", ["quickstart", *options])


def test_the_prompt_of_stdin_must_be_text(model_folder):
    command = [sys.executable, "-m", "groundup", "generate", str(model_folder), "--prompt", "-"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, input=b"caf\xe9")
    assert done.returncode == 1
    assert done.stderr == b"groundup: stdin is not UTF-8 text (byte 3); convert it first\n"


def test_a_line_about_a_failure_cannot_command_the_terminal(capsys):
    assert main(["run", "\x1b[2Jevil.toml"]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_an_override_of_the_architecture_takes_its_switches_along_but_for_those_that_are_named():
    recipe, _ = read_command("run", ["quickstart", "--model.architecture", "gpt2"])
    assert recipe.model.bias
    assert recipe.model.norm == "layernorm"
    recipe, _ = read_command(
        "run", ["quickstart", "--model.architecture", "gpt2", "--model.no-bias"]
    )
    assert not recipe.model.bias


@pytest.mark.parametrize(
    ("words", "tied"),
    [
        (["--model.tie-embeddings", "false"], False),
        (["--model.tie-embeddings", "True"], True),
        (["--model.tie-embeddings=false"], False),
        (["--model.tie_embeddings=TRUE"], True),
        (["--model.tie_embeddings", "false"], False),
        (["--no-such", "--model.tie-embeddings", "false"], None),
        (["--model.tie-embeddings", "true", "true"], None),
        (["--model.no-tie-embeddings", "false"], None),
        (["--model.tie-embeddings", "never"], None),
        (["--model.tie-embeddings=1"], None),
    ],
)
def test_a_switch_may_be_written_as_in_a_recipe(words, tied):
    if tied is None:
        with pytest.raises(UsageError):
            read_command("run", ["quickstart", *words])
        return
    recipe, _ = read_command("run", ["quickstart", *words, "--model.num-layers", "2"])
    assert recipe.model.tie_embeddings is tied
    assert recipe.model.num_layers == 2


@given(st.lists(st.text(max_size=8), max_size=4))
def test_no_command_line_ends_in_a_traceback(words):
    with contextlib.suppress(UsageError):
        read_command("run", ["quickstart", *words])


def test_generate_writes_a_continuation_as_it_comes(model_folder, capsys):
    words = ["generate", str(model_folder), "--prompt", "def ", "--max-tokens", "9", "--seed", "1"]
    assert main(words) == 0
    first = capsys.readouterr().out
    assert first.startswith("def ")
    assert main([*words, "--no-echo"]) == 0
    assert capsys.readouterr().out == first.removeprefix("def ")
    assert main([*words[:-2], "--seed", "2"]) == 0
    assert capsys.readouterr().out != first


def test_generate_takes_several_prompts_and_gives_what_each_alone_gives(model_folder, capsys):
    options = ["--max-tokens", "9", "--temperature", "0", "--json"]
    prompts = ["--prompt", "def f", "--prompt", "return"]
    assert main(["generate", str(model_folder), *prompts, *options]) == 0
    both = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["prompt"] for line in both] == ["def f", "return"]
    assert main(["generate", str(model_folder), *prompts[2:], *options]) == 0
    assert json.loads(capsys.readouterr().out) == both[1]


def test_generate_reads_a_prompt_from_stdin_and_notes_one_that_is_too_long(model_folder):
    done = groundup(
        "generate", str(model_folder), "--prompt", "-", "--max-tokens", "3", input="xyz(" * 30
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("xyz(" * 30)
    assert "left out" in done.stderr


def test_a_reader_that_has_gone_is_no_failure_worth_a_line(model_folder):
    command = [sys.executable, "-m", "groundup", "generate", str(model_folder)]
    prompts = ["--prompt", "def"] * 50  # noise may end any of its texts at once, but not them all
    with subprocess.Popen(
        [*command, *prompts, "--max-tokens", "3000", "--temperature", "1"],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1


def test_chat_continues_what_is_typed_until_the_input_ends(model_folder, monkeypatch, capsys):
    lines = iter(["def f", "", KeyboardInterrupt(), "return", EOFError()])

    def type_next(_prompt: str) -> str:
        line = next(lines)
        if isinstance(line, BaseException):
            raise line
        return line

    monkeypatch.setattr("builtins.input", type_next)
    assert main(["chat", str(model_folder), "--max-tokens", "5"]) == 0
    captured = capsys.readouterr()
    assert "def f" in captured.out
    assert "return" in captured.out
    assert "base model" in captured.err


def test_a_folder_without_a_model_is_one_line(tmp_path, capsys):
    assert main(["generate", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") <= 2
    assert main(["generate", str(tmp_path / "none")]) == 1
    assert "there is no folder" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "evaluate", "generate"])
def test_the_folder_of_a_user_who_does_not_exist_is_one_line(command, capsys):
    assert main([command, "~nosuchuser/x"]) == 1
    error = capsys.readouterr().err
    assert "there is no such user" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("wrong\nthing"), 1, "wrong thing"),
        (UsageError("key"), 2, "key"),
        (KeyboardInterrupt(), 130, "goes on from there"),
        (OSError(28, "No space left on device", "runs/x"), 1, "runs/x: the disk is full"),
        (PermissionError(13, "Permission denied", "runs/x"), 1, "runs/x: permission denied"),
        (RuntimeError("I/O error: No space left on device (os error 28)"), 1, "the disk is full"),
        (OSError("[Errno 28] Error writing bytes: No space left on device"), 1, "the disk is full"),
        (RuntimeError("inline_container.cc:672] . unexpected pos 704 vs 598"), 1, "disk is full"),
        (MemoryError(), 1, "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 1, "out of memory"),
        (KeyError("x"), 1, "bug in groundup: KeyError: 'x'"),
    ],
)
def test_every_failure_has_an_exit_code_and_a_line(error, code, words):
    found = explain(error)
    assert found[0] == code
    assert words in found[1]
    assert "\n" not in found[1]
