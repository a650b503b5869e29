"""The commands: ``groundup COMMAND …``. This file imports nothing heavy, so ``--help`` is quick.

Exit codes: 0 done, 1 failed, 2 wrong usage (recipes included), 130 interrupted after saving. What
the user can put right is one line on stderr; ``--debug`` shows the traceback.
"""

import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import TextIO

import groundup
from groundup.errors import UsageError, printable

COMMANDS: dict[str, tuple[str, str]] = {
    # name: (module of groundup.cli whose main(command, arguments) runs it, what it does)
    "run": ("stages", "all stages of a recipe: raw text to a working model"),
    "corpus": ("corpus", "one stage: raw sources to clean documents; why: one document's fate"),
    "tokenizer": ("stages", "one stage: train the tokenizer on the documents"),
    "tokenize": ("stages", "one stage: documents to token shards"),
    "pretrain": ("stages", "one stage: train the model on next tokens"),
    "sweep": ("sweep", "train a recipe with many values of its keys, and find the best"),
    "evaluate": ("evaluate", "measure a finished model: bits per byte, valid Python"),
    "generate": ("generate", "continue prompts with a model"),
    "chat": ("chat", "type a text, the model continues it"),
    "inspect": ("inspect", "look inside a run: its tokenizer, on a text"),
    "doctor": ("doctor", "whether this machine computes correctly, and how fast"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    words = [word for word in words if word != "--debug"]
    _rest_idle_threads()
    try:
        code = _dispatch(words)
        sys.stdout.flush()  # a closed pipe should be noticed here, not at exit
        return code
    except SystemExit as error:  # tyro leaves so after printing --help
        return error.code if isinstance(error.code, int) else 0
    except BrokenPipeError:
        _discard(sys.stdout)  # whoever read us has gone (| head)
        return 1
    except BaseException as error:  # noqa: BLE001 - the last place that can put it in a line
        if debug:
            traceback.print_exc()
        from groundup.cli.mistakes import explain

        code, line = explain(error)
        try:
            sys.stderr.write(f"groundup: {printable(line)}\n")
        except BrokenPipeError:
            _discard(sys.stderr)
        return code


def _discard(stream: TextIO) -> None:
    """Let nobody read what a stream still holds: Python would complain while closing it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _rest_idle_threads() -> None:
    """Let an OpenMP thread that has nothing to do spin for microseconds, then sleep.

    By default it spins for milliseconds. Then, where any other program takes a core, threads wait
    for each other while they hold the cores. This costs a tenth of the speed of training on a quiet
    machine, and gives 1.5 times the speed beside one busy program, ten times beside another
    training (benchmarks/LOG.md). OpenMP reads the environment when torch loads it, so this comes
    first; what the user has set (GOMP_SPINCOUNT, OMP_WAIT_POLICY) stays.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


def _dispatch(words: list[str]) -> int:
    if not words or words[0] in ("--help", "-h", "help"):
        sys.stdout.write(_help() + "\n")
        return 0 if words else 2
    if words[0] == "--version":
        sys.stdout.write(f"groundup {groundup.__version__}\n")
        return 0
    command = words[0]
    if command not in COMMANDS:
        close = difflib.get_close_matches(command, COMMANDS, n=1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UsageError(f"{command}: no such command; {hint}See groundup --help")
    module = importlib.import_module(f"groundup.cli.{COMMANDS[command][0]}")
    code: int = module.main(command, words[1:])
    return code


def _help() -> str:
    rows = "\n".join(f"  {name:<10} {what}" for name, (_, what) in COMMANDS.items())
    return (
        "usage: groundup COMMAND …\n\n"
        "Build a language model from the ground up: raw text in, a working model out.\n\n"
        f"commands:\n{rows}\n\n"
        "start with:\n"
        "  groundup run quickstart                        train a small model, ten minutes\n"
        '  groundup generate runs/quickstart --prompt "def"    let it write\n\n'
        "groundup COMMAND --help shows a command's options; --version the version;\n"
        "--debug, with any command, the traceback of a failure."
    )
