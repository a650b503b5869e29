"""Someone who waits for a compilation is told so; nobody else is."""

import time
from typing import Any

import pytest
from numba.core import event

from groundup.tokenizer.bpe.compiling import compiling_note


def compile_for(seconds: float, *, nested: bool = False) -> None:
    """Do what numba does around a compilation."""
    data: dict[str, Any] = {}
    with event.trigger_event("numba:compile", data=data):
        if nested:
            with event.trigger_event("numba:compile", data=data):
                pass
        time.sleep(seconds)


def test_a_long_compilation_is_announced_once(capsys: pytest.CaptureFixture[str]) -> None:
    with compiling_note(patience=0.01):
        compile_for(0.2, nested=True)
        compile_for(0.2)
    assert capsys.readouterr().err.count("Compiling the tokenizer") == 1


def test_a_short_compilation_and_other_work_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    with compiling_note(patience=0.1):
        compile_for(0.0)
        time.sleep(0.2)
    compile_for(0.2)
    assert capsys.readouterr().err == ""
