"""``groundup inspect VIEW RUN``: look at what a run made."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro
from rich.console import Console

from groundup.cli.flags import parse
from groundup.errors import UsageError, UserError, printable
from groundup.files import expand_user, write_atomic
from groundup.progress import console

VIEWS = {"tokenizer": "the tokens of a text, in colours, and as a page that explains each"}

MAX_TEXT_BYTES = 100_000_000
"""Text that is read to be looked at."""

PAGE_NAME = "tokenizer.html"

Switch = Annotated[bool, tyro.conf.FlagCreatePairsOff]


@dataclass(frozen=True)
class TokenizerOptions:
    """Show the tokens of a text, in the terminal and as a page.

    Without --text or --file the text is the beginning of the run's held-out documents, or a sample
    of several languages and scripts.
    """

    run: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN")]
    """A run's folder, runs/NAME, a model folder, a tokenizer's folder or its file."""
    text: Annotated[str | None, tyro.conf.arg(metavar="TEXT")] = None
    """The text to show; '-' reads it from stdin."""
    file: Annotated[str | None, tyro.conf.arg(metavar="FILE")] = None
    """The text file to show, UTF-8; '-' reads it from stdin."""
    html: Annotated[str | None, tyro.conf.arg(metavar="PATH")] = None
    """Where the page goes. By default RUN/tokenizer.html, or tokenizer.html right here where RUN is
    no run."""
    ids: Switch = False
    """Write the id under each token, in the terminal."""
    special: Switch = False
    """Read special tokens in the text as what they are, not as how they are spelt."""
    max_tokens: int = 600
    """Tokens that the terminal shows; 0: all."""
    terminal_only: Switch = False
    """Write no page."""


def main(command: str, arguments: Sequence[str]) -> int:
    """Show one view of a run."""
    program = f"groundup {command}"
    if not arguments or arguments[0] in ("--help", "-h"):
        rows = "\n".join(f"  {name:<10} {what}" for name, what in VIEWS.items())
        sys.stdout.write(
            f"usage: {program} VIEW RUN …\n\nLook at what a run made.\n\nviews:\n{rows}\n\n"
            f"{program} VIEW --help shows a view's options.\n"
        )
        return 0 if arguments else 2
    view, *rest = arguments
    if view not in VIEWS:
        names = ", ".join(VIEWS)
        raise UsageError(f"{view}: no such view; say one of {names}: {program} {names} RUN")
    show_tokenizer(parse(TokenizerOptions, rest, f"{program} {view}"))
    return 0


def show_tokenizer(options: TokenizerOptions) -> None:
    """Print tokens and counts to stdout, write the page, and say on stderr where it is.

    Raises:
        UserError: there is no tokenizer, no text, or no place for the page.
    """
    from groundup.inspect.tokenizer_view import (
        describe,
        open_tokenizer,
        print_tokens,
        tokenized,
        tokenizer_page,
    )

    if options.text is not None and options.file is not None:
        raise UsageError("--text and --file are two texts: give one of them")
    if options.html is not None and options.terminal_only:
        raise UsageError("--html has no effect with --terminal-only: leave one out")
    if options.max_tokens < 0:
        raise UsageError(f"--max-tokens {options.max_tokens}: say how many to show, 0 for all")
    source = open_tokenizer(expand_user(options.run))
    page = None if options.terminal_only else _page_path(options.html, source.run)
    text, origin = _given(options.text, options.file)
    shown = tokenized(source, text, origin, all_special=options.special)

    out = Console()
    title = f"{source.name}: {describe(source.tokenizer)}. {shown.origin}."
    out.print(printable(title), highlight=False, markup=False, soft_wrap=True)
    out.print()
    print_tokens(shown, source.tokenizer, out, max_tokens=options.max_tokens, with_ids=options.ids)
    if page is not None:
        write_atomic(page, tokenizer_page(source, shown))
        console.print(f"page: {page}", soft_wrap=True, highlight=False, markup=False)


def _given(text: str | None, file: str | None) -> tuple[str | None, str]:
    """Return the text that the user names, and what to call it; None where none is named."""
    if "-" in (text, file):
        return _decode(sys.stdin.buffer.read(MAX_TEXT_BYTES + 1), "stdin"), "Text of stdin"
    if text is not None:
        return text, "The given text"
    if file is None:
        return None, ""
    path = expand_user(file)
    try:
        with path.open("rb") as opened:
            return _decode(opened.read(MAX_TEXT_BYTES + 1), str(path)), path.name
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None


def _decode(data: bytes, name: str) -> str:
    if len(data) > MAX_TEXT_BYTES:
        raise UserError(f"{name}: over {MAX_TEXT_BYTES / 1e6:.0f} MB; give a part of it (head -c)")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{name} is not UTF-8 text (byte {error.start}); convert it first"
        ) from None


def _page_path(html: str | None, run: Path | None) -> Path:
    """Return where the page goes, before any time is spent on it.

    Raises:
        UserError: the page cannot go there, or would replace a file of another kind unasked.
    """
    from groundup.page import is_page

    path = (run or Path()) / PAGE_NAME if html is None else expand_user(html)
    if path.is_dir():
        raise UserError(f"--html {path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise UserError(f"--html {path}: there is no folder {path.parent}; make it first")
    if html is None and path.exists() and not is_page(path):
        raise UserError(f"{path} is in the way; name another file with --html")
    return path
