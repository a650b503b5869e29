import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.errors import UsageError, UserError, missing_package, printable


def test_exit_codes_tell_a_wrong_option_from_other_mistakes():
    assert (UserError("").exit_code, UsageError("").exit_code) == (1, 2)


def test_escape_sequences_cannot_reach_the_terminal():
    assert printable("a\x1b[2Jb\x9b\r\td\n") == "a\ufffd[2Jb\ufffd\ufffd\td\n"


def test_no_text_can_turn_the_rest_of_a_line_around():
    assert printable("gpj.\u202etxt \u2067x\u2069\u2028") == "gpj.\ufffdtxt \ufffdx\ufffd\ufffd"
    assert printable("שלום\u200f \u200bfa\u200cce") == "שלום\u200f \u200bfa\u200cce"


@given(st.text())
def test_only_control_characters_change(text):
    shown = printable(text)
    assert len(shown) == len(text)
    for before, after in zip(text, shown, strict=True):
        control = ord(before) < 32 or 127 <= ord(before) < 160
        control |= 0x2028 <= ord(before) <= 0x202E or 0x2066 <= ord(before) <= 0x2069
        assert after == ("\ufffd" if control and before not in "\t\n" else before)


def test_package_of_an_extra_that_is_missing_is_the_users_to_install(tmp_path, monkeypatch, capsys):
    from groundup.cli import main
    from groundup.corpus import answers

    monkeypatch.setitem(sys.modules, "resiliparse", None)  # as if it were not installed
    monkeypatch.setitem(sys.modules, "resiliparse.parse.encoding", None)
    text = "Les élèves étudient à l'école près de la forêt où l'été fut très gai. " * 20
    for name in ("one", "two"):
        (tmp_path / f"{name}.txt").write_bytes(text.encode("latin-1"))
    recipe = tmp_path / "latin.toml"
    lines = [
        'name = "latin"',
        f'runs = "{tmp_path}"',
        "[corpus]",
        f'sources = ["{tmp_path}/*.txt"]',
    ]
    recipe.write_text("\n".join(lines))
    assert main(["corpus", str(recipe)]) == 1
    assert "pip install 'groundup[web]'" in capsys.readouterr().err

    def do(task, moved):
        raise ModuleNotFoundError("No module named 'lxml'", name="lxml.etree")

    with pytest.raises(UserError, match="needs the package lxml"):
        answers.raise_failure(answers.attempt(do, "make 0", lambda _: None))
    assert missing_package(ModuleNotFoundError("No module named 'torch'", name="torch")) is None
