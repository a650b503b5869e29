"""Someone who waits for a compilation is told so; what was compiled is kept, and never stale."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from numba.core import event

import groundup
from groundup.kernels import compiling_note


def compile_for(seconds: float, *, nested: bool = False) -> None:
    """Do what numba does around a compilation."""
    data: dict[str, Any] = {}
    with event.trigger_event("numba:compile", data=data):
        if nested:
            with event.trigger_event("numba:compile", data=data):
                pass
        time.sleep(seconds)


def test_a_long_compilation_is_announced_once(capsys: pytest.CaptureFixture[str]) -> None:
    with compiling_note("encoder", patience=0.01):
        compile_for(0.2, nested=True)
        compile_for(0.2)
    assert capsys.readouterr().err.count("Compiling the encoder") == 1


def test_a_short_compilation_and_other_work_are_not(capsys: pytest.CaptureFixture[str]) -> None:
    with compiling_note("encoder", patience=0.1):
        compile_for(0.0)
        time.sleep(0.2)
    compile_for(0.2)
    assert capsys.readouterr().err == ""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A folder with a copy of the package, for processes of its own: no compiled code in it."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(groundup.__file__).parent, tmp_path / "groundup", ignore=ignored)
    return tmp_path


KEY_OF_A = """
import numpy as np
from groundup.tokenizer.bpe.words import padded
from groundup.tokenizer.bpe.pretokenize import pretoken_ends
from groundup.tokenizer.bpe.unicode_classes import character_classes
print(pretoken_ends(padded([b"a b"]), 3, character_classes(), 1, 3).tolist())
print(sum(pretoken_ends.stats.cache_hits.values()))
"""


def run_in(package: Path, **environment: str) -> list[str]:
    """Return the lines that KEY_OF_A prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", KEY_OF_A],
        cwd=package,
        env=os.environ | environment,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.split("\n")


def test_compiled_code_is_kept_until_a_file_that_it_was_made_of_changes(package: Path) -> None:
    assert run_in(package) == ["[1, 3]", "0", ""]
    assert run_in(package) == ["[1, 3]", "1", ""]
    # what pretoken_ends calls, in another file, with the time of the old one
    source = package / "groundup/kernels/memory.py"
    times = source.stat().st_atime, source.stat().st_mtime
    changed = source.read_text().replace("builder.zext)", "builder.zext)  # changed")
    source.write_text(changed)
    os.utime(source, times)
    assert run_in(package) == ["[1, 3]", "0", ""]


def test_code_is_compiled_where_it_can_be_kept_nowhere(package: Path) -> None:
    forbidden = package / "forbidden"
    forbidden.write_text("a file where numba wants a folder")
    (package / "groundup/tokenizer/bpe/__pycache__").write_text("")
    home = {"HOME": str(forbidden), "XDG_CACHE_HOME": str(forbidden)}
    assert run_in(package, PYTHONDONTWRITEBYTECODE="1", **home) == ["[1, 3]", "0", ""]
