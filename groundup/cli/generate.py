"""``groundup generate RUN --prompt …``: continue texts."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import tyro

from groundup.cli.sampling import MODEL_OPTIONS, Option, Writer, open_writer, read_options
from groundup.errors import UserError
from groundup.generate import Completion, SamplingConfig, generate, show, stream
from groundup.progress import console

OPTIONS: tuple[Option, ...] = (
    *MODEL_OPTIONS,
    (
        "prompt",
        Annotated[
            tuple[str, ...],
            tyro.conf.UseAppendAction,
            tyro.conf.arg(
                help="Text to continue; '-' reads it from stdin. Several are written as one batch. "
                "Without one the model opens a document of its own."
            ),
        ],
        (),
    ),
    (
        "document_start",
        Annotated[bool, tyro.conf.arg(help="Say that the prompt begins a document.")],
        False,
    ),
    (
        "echo",
        Annotated[bool, tyro.conf.arg(help="Print the prompt before its continuation.")],
        True,
    ),
    (
        "json",
        Annotated[bool, tyro.conf.arg(help="Print a line of JSON per prompt, when all are done.")],
        False,
    ),
)


def main(command: str, arguments: Sequence[str]) -> int:
    """Write to stdout: one prompt as it comes, several when they are done."""
    program = f"groundup {command}"
    options, sampling = read_options(program, arguments, OPTIONS, SamplingConfig())
    prompts = [_read(prompt) for prompt in options.prompt or ("",)]
    writer = open_writer(options.run, options.device, options.precision)
    if len(prompts) == 1 and not options.json:
        if options.echo:
            sys.stdout.write(prompts[0])
        write_reply(writer, prompts[0], sampling, document_start=options.document_start)
        return 0
    completions = generate(
        writer.model,
        writer.tokenizer,
        prompts,
        sampling,
        document_start=options.document_start,
    )
    for number, (prompt, completion) in enumerate(zip(prompts, completions, strict=True)):
        if options.json:
            sys.stdout.write(_as_json(prompt, completion) + "\n")
        else:
            separator = "---\n" if number else ""
            shown = prompt if options.echo else ""
            show([separator, shown, completion.text, "\n"])
        if completion.prompt_tokens_dropped:
            console.print(
                f"prompt {number + 1} has {completion.prompt_tokens} tokens, more than the model "
                f"reads: the first {completion.prompt_tokens_dropped} were left out",
                markup=False,
            )
    return 0


def write_reply(
    writer: Writer, prompt: str, sampling: SamplingConfig, *, document_start: bool = False
) -> None:
    """Write one continuation to stdout as it comes, and end the line."""
    show(stream(writer.model, writer.tokenizer, prompt, sampling, document_start=document_start))
    sys.stdout.write("\n")


def _read(prompt: str) -> str:
    if prompt != "-":
        return prompt
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError as error:
        raise UserError(f"stdin is not UTF-8 text (byte {error.start}); convert it first") from None


def _as_json(prompt: str, completion: Completion) -> str:
    fields = {
        "prompt": prompt,
        "text": completion.text,
        "tokens": len(completion.tokens),
        "finish_reason": completion.finish_reason,
    }
    return json.dumps(fields, ensure_ascii=False)
