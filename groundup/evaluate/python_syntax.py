"""Does a model of code write code? The share of its samples that Python's own parser accepts."""

import ast
import warnings
from collections.abc import Sequence
from itertools import cycle, islice
from typing import TypedDict

from groundup.generate import Completion, SamplingConfig, generate
from groundup.model import RNN, Transformer
from groundup.progress import progress_bar
from groundup.tokenizer import Tokenizer


class PythonSyntax(TypedDict):
    """What ``python_syntax`` measured, as it goes to JSON."""

    share: float
    """Accepted samples over all samples."""

    accepted: int
    """Samples that parse and hold at least one statement."""

    without_statement: int
    """Samples that parse, being empty or all comment; they count as failures."""

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
    """Draw samples and return the share that ``ast.parse`` accepts.

    A sample that was cut off by its length is judged up to its last complete line; one that the
    model ended itself is judged whole. Nothing but comments and blank lines counts as a failure,
    though it parses: a model that says nothing would score 1.

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
    statements = [num_statements(sample) for sample in samples]
    accepted = [sample for sample, count in zip(samples, statements, strict=True) if count]
    rejected = [sample for sample, count in zip(samples, statements, strict=True) if not count]
    return {
        "share": len(accepted) / num_samples,
        "accepted": len(accepted),
        "without_statement": statements.count(0),
        "num_samples": num_samples,
        "accepted_samples": accepted[:num_shown],
        "rejected_samples": rejected[:num_shown],
    }


def judged_text(prompt: str, completion: Completion) -> str:
    """Return the part of a sample that should be whole: all complete lines, if it was cut off."""
    text = prompt + completion.text
    return text[: text.rfind("\n") + 1] if completion.finish_reason == "length" else text


def num_statements(source: str) -> int | None:
    """Return how many statements ``source`` has at top level; None if it is not Python.

    Nothing is run. What is too deeply nested for the parser counts as not Python.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape sequence is still valid Python
        try:
            return len(ast.parse(source).body)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
