"""Text in, text out: ``generate`` for many prompts at once, ``stream`` for one as it is written.

**How a prompt begins.** A prompt is read as it is. In training an end-of-text token stands before
every document, yet nothing is put before a prompt: most windows that the model was trained on begin
inside a document, so it knows such beginnings, and transformers and vLLM add no token to the text
they are handed, so the same prompt gives the same text everywhere. ``document_start=True`` puts
end-of-text in front, where a prompt is meant as a beginning. An empty prompt becomes end-of-text
alone: the model opens a document of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from groundup.errors import UserError
from groundup.generate.decode import FinishReason, Row, decode, evaluating, make_rows
from groundup.generate.sampling import SamplingConfig
from groundup.generate.text import TextStream
from groundup.model import RNN, Transformer
from groundup.progress import console
from groundup.tokenizer import END_OF_TEXT, Tokenizer


@dataclass(frozen=True)
class Completion:
    """What the model wrote after a prompt.

    Attributes:
        text: without the prompt, cut before the stop string; special tokens left out.
        tokens: every id drawn, the end of text or stop string included.
        finish_reason: "stop" (end of text or a stop string) or "length" (``max_tokens``).
        prompt_tokens: ids of the prompt.
        prompt_tokens_dropped: ids at the prompt's beginning that the model did not read, because
            the prompt is longer than its context.
    """

    text: str
    tokens: tuple[int, ...]
    finish_reason: FinishReason
    prompt_tokens: int
    prompt_tokens_dropped: int = 0


def generate(
    model: Transformer | RNN,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    sampling: SamplingConfig | None = None,
    *,
    document_start: bool = False,
    batch_size: int = 32,
    advance: Callable[[int], None] | None = None,
) -> list[Completion]:
    """Continue every prompt.

    Args:
        model: any model; its mode (training or evaluation) is restored afterwards.
        tokenizer: the model's own.
        prompts: texts; special tokens written in them are ordinary text. An empty one lets the
            model open a document.
        sampling: how to draw; by default ``SamplingConfig()``.
        document_start: put end-of-text in front of every prompt.
        batch_size: prompts decoded at once; it bounds memory and changes no text.
        advance: called after each step with the number of tokens drawn, for progress bars.

    Returns:
        A completion per prompt, in order.

    Raises:
        UserError: model and tokenizer do not fit, or the model's output is NaN.
    """
    sampling = sampling or SamplingConfig()
    ids = [_prompt_ids(tokenizer, prompt, document_start) for prompt in prompts]
    vocab_size, end_id = _check_fit(model, tokenizer), tokenizer.special_tokens.get(END_OF_TEXT)
    rows = make_rows(ids, sampling.seed, model.config.context_length)
    dropped = [row.window_start for row in rows]
    texts = {row: TextStream(tokenizer, sampling.stop) for row in rows}
    pieces: dict[Row, list[str]] = {row: [] for row in rows}
    with evaluating(model):
        for first in range(0, len(rows), batch_size):
            batch = rows[first : first + batch_size]
            for grown in decode(model, batch, sampling, end_id=end_id, vocab_size=vocab_size):
                for row in grown:
                    pieces[row].append(_push(row, texts[row]))
                if advance is not None:
                    advance(len(grown))
    completions = []
    for row, missing in zip(rows, dropped, strict=True):
        assert row.finish_reason is not None
        text = "".join(pieces[row]) + texts[row].finish()
        # What the last bytes complete may be a stop string: half a character reads as U+FFFD.
        reason = "stop" if texts[row].stopped else row.finish_reason
        completions.append(
            Completion(text, tuple(row.generated), reason, row.prompt_length, missing)
        )
    return completions


def stream(
    model: Transformer | RNN,
    tokenizer: Tokenizer,
    prompt: str,
    sampling: SamplingConfig | None = None,
    *,
    document_start: bool = False,
) -> Iterator[str]:
    """Yield the text of ``generate`` piece by piece, as soon as each piece is certain.

    A piece is whole characters, and never part of a stop string. A prompt longer than the context
    is noted on stderr. Arguments and errors as in ``generate``.
    """
    sampling = sampling or SamplingConfig()
    ids = _prompt_ids(tokenizer, prompt, document_start)
    vocab_size, end_id = _check_fit(model, tokenizer), tokenizer.special_tokens.get(END_OF_TEXT)
    (row,) = make_rows([ids], sampling.seed, model.config.context_length)
    if row.window_start:
        console.print(
            f"The prompt has {row.prompt_length} tokens, the model reads "
            f"{model.config.context_length}: the first {row.window_start} were left out.",
            markup=False,
        )
    text = TextStream(tokenizer, sampling.stop)
    with evaluating(model):
        for _ in decode(model, [row], sampling, end_id=end_id, vocab_size=vocab_size):
            if piece := _push(row, text):
                yield piece
    if piece := text.finish():
        yield piece


def _prompt_ids(tokenizer: Tokenizer, prompt: str, document_start: bool) -> list[int]:
    """Return the ids that the model is to continue, at least one."""
    ids = tokenizer.encode(prompt)
    return [tokenizer.end_of_text_id, *ids] if document_start or not ids else ids


def _check_fit(model: Transformer | RNN, tokenizer: Tokenizer) -> int:
    """Return the tokenizer's vocabulary size, which the model's may exceed by padding."""
    if tokenizer.vocab_size > model.config.vocab_size:
        raise UserError(
            f"the tokenizer has {tokenizer.vocab_size} ids but the model only "
            f"{model.config.vocab_size}; use the tokenizer that the model was trained with"
        )
    return tokenizer.vocab_size


def _push(row: Row, text: TextStream) -> str:
    """Give the row's newest token to its text; a stop string ends the row."""
    piece = text.push(row.tokens[-1])
    if text.stopped:
        row.finish_reason = "stop"
    return piece
