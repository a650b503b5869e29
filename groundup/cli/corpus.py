"""``groundup corpus RECIPE``: build the corpus; ``groundup corpus why RUN DOCUMENT``: ask it."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro
from rich.console import Console

from groundup.cli.flags import parse
from groundup.errors import printable
from groundup.files import expand_user

USAGE = """usage: groundup corpus RECIPE …             raw sources to clean documents
       groundup corpus why RUN DOCUMENT     what became of a document, and why
       groundup corpus classifier FILE …    train what tells toxic, spam or good texts from others

groundup corpus RECIPE --help shows every key of a recipe.
"""


@dataclass(frozen=True)
class WhyOptions:
    """Tell what became of a document, step by step."""

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A run's folder, runs/NAME, or that of its corpus."""
    document: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DOCUMENT")]
    """A document's id or its first digits, four or more, its source (stories.jsonl:7) or the page's
    address."""


def main(command: str, arguments: Sequence[str]) -> int:
    """Build the corpus of a recipe, or tell a document's fate."""
    if not arguments or list(arguments) in (["--help"], ["-h"]):
        sys.stdout.write(USAGE)
        return 0 if arguments else 2
    if arguments[0] == "why":
        tell(parse(WhyOptions, arguments[1:], f"groundup {command} why"))
        return 0
    if arguments[0] == "classifier":
        from groundup.cli.classifier import main as train_classifier

        train_classifier(arguments[1:])
        return 0
    from groundup.cli.stages import main as run_stage

    return run_stage(command, arguments)


def tell(options: WhyOptions) -> None:
    """Print the fate of each document that the name means.

    Raises:
        UserError: there is no corpus or no such document.
    """
    from groundup.corpus.why import MAX_ALIKE, why

    stories, count = why(expand_user(options.run), options.document)
    for number, story in enumerate(stories):
        if number:
            _say("")
        entry = story.entry
        _say("  ".join(filter(None, [entry.source, entry.id, entry.url])), style="bold")
        width = max(len(name) for name, _ in story.steps)
        for name, text in story.steps:
            _say(f"  {name:<{width}}  {text}", style="dim" if text == "kept" else None)
        alike = story.alike[:MAX_ALIKE]
        if rest := story.alike[MAX_ALIKE:]:
            alike.append(f"and {len(rest):,} others")
        for place, other in enumerate(alike):
            _say(f"  {'' if place else 'like':<{width}}  {other}")
    if count > len(stories):
        _say(f"\n{len(stories)} of {count:,} are shown; give more of the id, or a source")


def _say(line: str, style: str | None = None) -> None:
    """Print a line that may hold anything, as it is however wide the terminal."""
    out = Console()
    out.print(printable(line), style=style, highlight=False, markup=False, soft_wrap=True)
