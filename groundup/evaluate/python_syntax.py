"""Does a model of code write code? The share of its samples that Python's own parser accepts."""

import ast
import codeop
import warnings
from collections import Counter
from collections.abc import Sequence
from itertools import compress, cycle, islice
from operator import not_
from typing import Literal, TypedDict

from groundup.generate import Completion, SamplingConfig, generate
from groundup.model import RNN, Transformer
from groundup.progress import progress_bar
from groundup.tokenizer import Tokenizer


class PythonSyntax(TypedDict):
    """What ``python_syntax`` measured, as it goes to JSON."""

    share: float
    """Accepted samples over all samples."""

    accepted: int
    """Samples without a mistake that hold at least one statement."""

    unfinished: int
    """Those of the accepted that their length cut off within a statement: they would not parse as
    they stand."""

    without_statement: int
    """Samples without a mistake and without a statement: empty, all comment, or cut off within the
    first; they count as failures."""

    num_samples: int
    """Samples drawn."""

    accepted_samples: list[str]
    """The first samples that were accepted."""

    rejected_samples: list[str]
    """The first samples that were not."""


def python_syntax(
    model: Transformer | RNN,
    tokenizer: Tokenizer,
    *,
    num_samples: int = 100,
    num_tokens: int = 110,
    sampling: SamplingConfig | None = None,
    prompts: Sequence[str] = ("",),
    seed: int = 0,
    batch_size: int = 32,
    num_shown: int = 5,
) -> PythonSyntax:
    """Draw samples and return the share that Python's parser accepts.

    One that the model ended itself is judged whole. One that was cut off by its length is judged up
    to its last complete line, and as the beginning of a program: what it left open there is no
    mistake, as it is none of the library's own modules, half of which would fail otherwise.
    Nothing but comments or the beginning of a string counts as a failure: a model that says nothing
    would score 1.

    Args:
        model: any model; its mode is restored afterwards.
        tokenizer: the model's own.
        num_samples: samples to draw. The standard error of the share is at most
            0.5 / √num_samples: 5 points at 100.
        num_tokens: length of a sample, tokens.
        sampling: temperature and cuts; its ``max_tokens`` and ``seed`` are replaced.
        prompts: beginnings, taken in turn and judged along with what follows. The empty one lets
            the model open a document.
        seed: of all samples.
        batch_size: samples drawn at once; it changes no sample.
        num_shown: accepted and rejected samples to return, each.
    """
    sampling = (sampling or SamplingConfig()).model_copy(
        update={"max_tokens": num_tokens, "seed": seed}
    )
    beginnings = list(islice(cycle(prompts), num_samples))
    with progress_bar() as progress:
        task = progress.add_task("python syntax", total=num_samples * num_tokens, unit="tokens")
        completions = generate(
            model,
            tokenizer,
            beginnings,
            sampling,
            batch_size=batch_size,
            advance=lambda count: progress.advance(task, count),
        )
    samples = [
        judged_text(prompt, completion)
        for prompt, completion in zip(beginnings, completions, strict=True)
    ]
    verdicts = [
        judge(sample, cut_off=completion.finish_reason == "length")
        for sample, completion in zip(samples, completions, strict=True)
    ]
    good = [verdict in ("whole", "unfinished") for verdict in verdicts]
    counts = Counter(verdicts)
    return {
        "share": sum(good) / num_samples,
        "accepted": sum(good),
        "unfinished": counts["unfinished"],
        "without_statement": counts["nothing"],
        "num_samples": num_samples,
        "accepted_samples": list(compress(samples, good))[:num_shown],
        "rejected_samples": list(compress(samples, map(not_, good)))[:num_shown],
    }


def judged_text(prompt: str, completion: Completion) -> str:
    """Return the part of a sample that is judged: all complete lines, if it was cut off."""
    text = prompt + completion.text
    return text[: text.rfind("\n") + 1] if completion.finish_reason == "length" else text


Verdict = Literal["whole", "unfinished", "nothing", "wrong"]
"""Of a sample: it parses; it would if it went on; no statement, no mistake; a mistake."""


def judge(source: str, cut_off: bool) -> Verdict:
    """Return what Python's parser says of ``source``; nothing of it is run.

    Args:
        source: the sample.
        cut_off: whether it may end within a statement.
    """
    if (count := num_statements(source)) is not None:
        return "whole" if count else "nothing"
    if not cut_off or not _begins_a_program(source):
        return "wrong"
    lines = source.splitlines(keepends=True)
    beginnings = ("".join(lines[:end]) for end in range(len(lines) - 1, 0, -1))
    return "unfinished" if any(map(num_statements, beginnings)) else "nothing"


def num_statements(source: str) -> int | None:
    """Return how many statements ``source`` has at top level; None if it is not Python.

    What is too deeply nested for the parser counts as not Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape sequence is still valid Python
        try:
            return len(ast.parse(source).body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None


def _begins_a_program(source: str) -> bool:
    """Whether the parser, which does not accept ``source``, had no more than its end against it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return codeop.compile_command(source, "<sample>", "exec") is None
        except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
            return False
