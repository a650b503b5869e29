"""``groundup inspect``: what it prints, where the page goes, one line for a mistake."""

import io
import sys
from pathlib import Path

import pytest

from groundup.cli import main
from groundup.cli.inspect import PAGE_NAME
from groundup.page import is_page
from groundup.tokenizer import CharacterTokenizer


@pytest.fixture
def place(tmp_path, monkeypatch) -> Path:
    """The working folder, with a tokenizer in ``letters``."""
    CharacterTokenizer.train(["The fox, a dog.\n"], 60).save(tmp_path / "letters")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_tokens_go_to_stdout_and_the_place_of_the_page_to_stderr(place, capsys):
    assert main(["inspect", "tokenizer", "letters", "--text", "a fox"]) == 0
    out, error = capsys.readouterr()
    assert "a│·│f│o│x" in out
    assert "letters: a token for each character" in out
    assert error == f"page: {PAGE_NAME}\n"
    assert is_page(place / PAGE_NAME)


def test_the_page_of_a_run_lies_in_the_run_and_is_replaced(place, capsys):
    (place / "runs" / "x").mkdir(parents=True)
    (place / "letters").rename(place / "runs" / "x" / "tokenizer")
    (place / "runs" / "x" / "recipe.toml").touch()
    for _ in range(2):
        assert main(["inspect", "tokenizer", "runs/x"]) == 0
    assert is_page(place / "runs" / "x" / PAGE_NAME)
    assert not (place / PAGE_NAME).exists()


def test_a_file_that_is_no_page_of_ours_is_not_replaced_unless_it_is_named(place, capsys):
    words = ["inspect", "tokenizer", "letters", "--text", "a"]
    (place / PAGE_NAME).write_text("mine")
    assert main(words) == 1
    assert "is in the way; name another file with --html" in capsys.readouterr().err
    assert (place / PAGE_NAME).read_text() == "mine"
    assert main([*words, "--html", PAGE_NAME]) == 0
    assert is_page(place / PAGE_NAME)


def test_no_page_is_written_if_only_the_terminal_is_asked_for(place, capsys):
    assert main(["inspect", "tokenizer", "letters", "--text", "a", "--terminal-only"]) == 0
    assert capsys.readouterr().err == ""
    assert not (place / PAGE_NAME).exists()


@pytest.mark.parametrize("option", ["--text", "--file"])
def test_a_text_is_read_from_stdin(place, option, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("a dög".encode())))
    assert main(["inspect", "tokenizer", "letters", option, "-", "--ids"]) == 0
    assert "<|unknown|>" in capsys.readouterr().out


def test_a_text_is_read_from_a_file(place, capsys):
    (place / "a.txt").write_bytes(b"\xef\xbb\xbfa fox")
    assert main(["inspect", "tokenizer", "letters", "--file", "a.txt"]) == 0
    out = capsys.readouterr().out
    assert "a│·│f│o│x" in out
    assert "a.txt." in out


def test_nothing_of_a_name_commands_the_terminal(place, capsys):
    (place / "\x1b[31m.txt").write_text("a")
    assert main(["inspect", "tokenizer", "letters", "--file", "\x1b[31m.txt"]) == 0
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["weights"], 2, "weights: no such view; say one of tokenizer"),
        (["tokenizer"], 2, "RUN"),
        (["tokenizer", "none"], 1, "none: no such file or folder; name a run"),
        (["tokenizer", "."], 1, "no tokenizer.json in this folder"),
        (["tokenizer", "binary"], 1, "binary: not UTF-8 text"),
        (["tokenizer", "letters", "--text", ""], 1, "The given text is empty"),
        (["tokenizer", "letters", "--file", "empty"], 1, "empty is empty"),
        (["tokenizer", "letters", "--file", "binary"], 1, "binary is not UTF-8 text (byte 0)"),
        (["tokenizer", "letters", "--file", "none"], 1, "none: cannot be read: No such file"),
        (["tokenizer", "letters", "--file", "letters"], 1, "letters: cannot be read: Is a dir"),
        (["tokenizer", "letters", "--text", "a", "--file", "b"], 2, "give one of them"),
        (["tokenizer", "letters", "--html", "x", "--terminal-only"], 2, "leave one out"),
        (["tokenizer", "letters", "--html", "letters"], 1, "letters is a folder"),
        (["tokenizer", "letters", "--html", "no/x"], 1, "there is no folder no; make it first"),
        (["tokenizer", "letters", "--max-tokens", "-1"], 2, "0 for all"),
        (["tokenizer", "~nosuchuser/x"], 1, "there is no such user"),
    ],
)
def test_a_mistake_is_one_line(words, code, message, place, capsys):
    (place / "empty").touch()
    (place / "binary").write_bytes(b"\xff\xfe\x00")
    assert main(["inspect", *words]) == code
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (place / PAGE_NAME).exists()


def test_a_text_that_is_too_long_to_look_at_is_refused(place, capsys, monkeypatch):
    monkeypatch.setattr("groundup.cli.inspect.MAX_TEXT_BYTES", 10)
    (place / "long").write_text("a" * 11)
    assert main(["inspect", "tokenizer", "letters", "--file", "long"]) == 1
    assert "give a part of it" in capsys.readouterr().err


def test_help_names_the_views(capsys):
    assert main(["inspect", "--help"]) == 0
    assert "tokenizer  the tokens of a text" in capsys.readouterr().out
    assert main(["inspect", "tokenizer", "--help"]) == 0
    assert "--max-tokens" in capsys.readouterr().out
    assert main(["inspect"]) == 2
