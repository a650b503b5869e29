"""The decoding loop, on token ids: read the prompts once, then one token per row and step.

The KV cache holds every row's window of the text, at most ``context_length`` tokens. **Overflow:**
when a window is full and one more token must be read, the row keeps the last half of the window
(the new token included), reads that again from position 0, and goes on. Re-reading is what makes
the positions and the values right; it costs one short prefill per half window.
"""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from groundup.generate.sampling import (
    SamplingConfig,
    draw,
    likeliest,
    process_logits,
    random_streams,
)
from groundup.model import RNN, Transformer

FinishReason = Literal["stop", "length"]


@dataclass(eq=False)
class Row:
    """One text as it grows.

    Attributes:
        tokens: the whole prompt and what was generated, ids.
        prompt_length: how many of them are prompt.
        finish_reason: why it ended: "stop" (end of text, or a stop string) or "length"
            (``max_tokens``); None while it goes on. A caller may set it to end the row.
        window_start: first of ``tokens`` that the model still sees.
        stream: where its random numbers come from.
    """

    tokens: list[int]
    prompt_length: int
    finish_reason: FinishReason | None = None
    window_start: int = 0
    stream: random.Random = field(default_factory=random.Random)

    @property
    def generated(self) -> list[int]:
        """The ids drawn so far, the end-of-text that ended the row included."""
        return self.tokens[self.prompt_length :]

    @property
    def window(self) -> list[int]:
        """The ids that the model sees."""
        return self.tokens[self.window_start :]


def make_rows(prompts: Sequence[Sequence[int]], seed: int | None, context_length: int) -> list[Row]:
    """Return a row per prompt; of a prompt longer than the context the model sees the last part.

    Args:
        prompts: token ids, at least one each.
        seed: see ``random_streams``.
        context_length: most tokens that the model reads at once.
    """
    assert all(prompts), "an empty prompt gives the model nothing to read"
    return [
        Row(list(prompt), len(prompt), None, max(0, len(prompt) - context_length), stream)
        for prompt, stream in zip(prompts, random_streams(seed, prompts), strict=True)
    ]


@torch.inference_mode()
def decode(
    model: Transformer | RNN,
    rows: Sequence[Row],
    sampling: SamplingConfig,
    *,
    end_id: int | None = None,
    vocab_size: int | None = None,
) -> Iterator[list[Row]]:
    """Grow ``rows`` in place, a token a step, until all have ended.

    Rows of different length are padded on the left and masked: what a row says does not depend on
    the others (up to the rounding of a larger matrix product).

    Args:
        model: in evaluation mode (see ``evaluating``).
        rows: from ``make_rows``.
        sampling: how to draw; ``stop`` is the business of whoever knows the text.
        end_id: the token that ends a row.
        vocab_size: ids from here on are never drawn: a model's vocabulary may be padded.

    Yields:
        After every step the rows that got a token.
    """
    context_length = model.config.context_length
    live = [row for row in rows if row.finish_reason is None]
    cache = None
    while live:
        if cache is None or cache.length == cache.max_length:
            for row in live:
                if len(row.window) > context_length:
                    row.window_start = len(row.tokens) - max(1, context_length // 2)
            batch = list(live)
            inputs_BT, starts_B = _pad_left([row.window for row in batch], model)
            most = inputs_BT.shape[1] + _tokens_to_go(batch, sampling)
            cache = model.new_cache(len(batch), min(context_length, most), starts_B)
            seen_BV = _seen(batch, model) if sampling.repetition_penalty != 1 else None
        else:
            # A row that has ended keeps its place in the cache, and is ignored, until the next
            # prefill.
            inputs_BT = _ids([row.tokens[-1:] for row in batch], model)
        logits_BV = model(inputs_BT, cache=cache, last_only=True)[:, -1, :vocab_size].float()
        seen = None if seen_BV is None else seen_BV[:, : logits_BV.shape[-1]]
        logits_BV = process_logits(logits_BV, sampling, seen)
        if sampling.temperature == 0:
            ids = likeliest(logits_BV)
        else:
            ids = draw(logits_BV, [row.stream for row in batch])
        if seen_BV is not None:
            seen_BV.scatter_(1, _ids([[number] for number in ids], model), True)
        for row, number in zip(batch, ids, strict=True):
            if row.finish_reason is not None:
                continue
            row.tokens.append(number)
            if number == end_id:
                row.finish_reason = "stop"
            elif len(row.tokens) - row.prompt_length >= sampling.max_tokens:
                row.finish_reason = "length"
        yield live
        live = [row for row in live if row.finish_reason is None]


def generate_ids(
    model: Transformer | RNN,
    prompts: Sequence[Sequence[int]],
    sampling: SamplingConfig,
    *,
    end_id: int | None = None,
) -> list[Row]:
    """Continue every prompt, ids in and ids out.

    Args:
        model: any model; its mode (training or evaluation) is restored afterwards.
        prompts: token ids, at least one each.
        sampling: how to draw. Stop strings need text: see ``generate``.
        end_id: the token that ends a row.

    Raises:
        ValueError: ``sampling`` has stop strings.
    """
    if sampling.stop:
        raise ValueError("stop strings need a tokenizer: use generate instead of generate_ids")
    rows = make_rows(prompts, sampling.seed, model.config.context_length)
    with evaluating(model):
        for _ in decode(model, rows, sampling, end_id=end_id):
            pass
    return rows


@contextmanager
def evaluating(model: torch.nn.Module) -> Iterator[None]:
    """Turn dropout off inside; afterwards every module has the mode it had."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


def _pad_left(windows: list[list[int]], model: Transformer | RNN) -> tuple[Tensor, Tensor | None]:
    """Return ids (B, T) that end together and where each row starts, None if all start at 0."""
    longest = max(map(len, windows))
    starts = [longest - len(window) for window in windows]
    padded = [[0] * start + window for start, window in zip(starts, windows, strict=True)]
    device = model.token_embedding.weight.device
    starts_B = torch.tensor(starts, device=device) if any(starts) else None
    return _ids(padded, model), starts_B


def _ids(rows: list[list[int]], model: Transformer | RNN) -> Tensor:
    return torch.tensor(rows, device=model.token_embedding.weight.device)


def _seen(rows: list[Row], model: Transformer | RNN) -> Tensor:
    """Return which ids are in each row's text, (B, V)."""
    device = model.token_embedding.weight.device
    seen_BV = torch.zeros(len(rows), model.config.vocab_size, dtype=torch.bool, device=device)
    for row, seen_V in zip(rows, seen_BV, strict=True):
        seen_V[row.tokens] = True
    return seen_BV


def _tokens_to_go(rows: list[Row], sampling: SamplingConfig) -> int:
    """Return how many tokens the row that has drawn least may still draw."""
    return max(sampling.max_tokens - len(row.generated) for row in rows)
