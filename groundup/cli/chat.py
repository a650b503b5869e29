"""``groundup chat RUN``: type, read the reply, type again."""

import contextlib
import sys
from collections.abc import Sequence

from groundup.cli.generate import write_reply
from groundup.cli.sampling import MODEL_OPTIONS, open_writer, read_options
from groundup.generate import SamplingConfig
from groundup.progress import console


def main(command: str, arguments: Sequence[str]) -> int:
    """Read lines until the input ends; each is continued for itself."""
    program = f"groundup {command}"
    options, sampling = read_options(program, arguments, MODEL_OPTIONS, SamplingConfig())
    writer = open_writer(options.run, options.device, options.precision)
    with contextlib.suppress(ImportError):  # arrow keys and history, where the system has them
        import readline  # noqa: F401
    console.print(
        f"{writer.folder} is a base model: it knows no questions and answers, it continues the "
        "text you type. Ctrl-C stops a reply, Ctrl-D ends.",
        markup=False,
        highlight=False,
    )
    while True:
        try:
            text = input("> ")
        except EOFError:
            sys.stdout.write("\n")
            return 0
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            continue
        if not text.strip():
            continue
        try:
            sys.stdout.write(text)
            write_reply(writer, text, sampling)
        except KeyboardInterrupt:
            sys.stdout.write("\n")
