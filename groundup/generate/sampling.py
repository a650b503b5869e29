"""From logits to the next token: the penalties and cuts of the field, then one draw.

Each cut is a pure function on logits (B, V) that gives the numbers of the transformers class of the
same name, and ``process_logits`` applies them in transformers' order: repetition penalty,
temperature, top-k, top-p, min-p.
"""

import hashlib
import math
import random
import secrets
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Self

import torch
from pydantic import Field, StringConstraints, model_validator
from torch import Tensor

from groundup.config import Config
from groundup.errors import UserError


class SamplingConfig(Config):
    """How tokens are drawn, and when to stop."""

    max_tokens: int = Field(default=200, ge=1)
    """Most tokens to generate."""

    temperature: float = Field(default=0.8, ge=0)
    """Logits are divided by this: below 1 is safer, above 1 wilder, 0 takes the likeliest token."""

    top_k: int = Field(default=0, ge=0)
    """Keep the k likeliest tokens; 0 keeps all."""

    top_p: float = Field(default=1.0, gt=0, le=1)
    """Keep the likeliest tokens that together reach this probability; 1 keeps all."""

    min_p: float = Field(default=0.0, ge=0, le=1)
    """Keep tokens at least this fraction as likely as the likeliest; 0 keeps all."""

    repetition_penalty: float = Field(default=1.0, gt=0)
    """Above 1, tokens already in the text become less likely; 1 is off."""

    seed: int | None = None
    """The same seed and prompt give the same text; none: new text every time."""

    stop: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()
    """Strings that end the text; they are not part of it."""

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        # logits / temperature would leave float32.
        if 0 < self.temperature < 1e-6:
            raise ValueError(f"temperature {self.temperature} is too small; use 0 for greedy")
        cut = [name for name in ("top_k", "top_p", "min_p") if name in self.cuts()]
        if self.temperature == 0 and cut:
            raise ValueError(
                f"{cut[0]} has no effect at temperature 0, which always takes the likeliest token; "
                "leave one of them out"
            )
        return self

    def cuts(self) -> set[str]:
        """Return the names of the settings that cut tokens off."""
        on = {"top_k": self.top_k > 0, "top_p": self.top_p < 1, "min_p": self.min_p > 0}
        return {name for name, is_on in on.items() if is_on}


def repetition_penalty(logits_BV: Tensor, seen_BV: Tensor, penalty: float) -> Tensor:
    """Divide positive and multiply negative logits of tokens seen before by ``penalty``.

    CTRL (arXiv 1909.05858, section 4.1): each seen token is penalized once, however often it came.

    Args:
        logits_BV: logits of the next token.
        seen_BV: True for tokens that are in the row's prompt or in what it generated.
        penalty: above 1 discourages, below 1 encourages repetition.
    """
    penalized_BV = torch.where(logits_BV < 0, logits_BV * penalty, logits_BV / penalty)
    return torch.where(seen_BV, penalized_BV, logits_BV)


def top_k(logits_BV: Tensor, k: int) -> Tensor:
    """Keep the ``k`` largest logits of each row, and any equal to the k-th; the others become -inf.

    Fan et al. 2018 (arXiv 1805.04833, section 5.1).
    """
    kth_B1 = logits_BV.topk(min(k, logits_BV.shape[-1])).values[:, -1:]
    return logits_BV.masked_fill(logits_BV < kth_B1, -math.inf)


def top_p(logits_BV: Tensor, p: float) -> Tensor:
    """Keep the smallest set of likeliest tokens with probability ``p`` or more (the nucleus).

    Holtzman et al. 2019 (arXiv 1904.09751, section 3.1). The likeliest token always stays.
    """
    # Ascending, as transformers sorts: the tail is cut where it adds up to at most 1 - p.
    sorted_BV, order_BV = logits_BV.sort()
    tail_BV = sorted_BV.softmax(-1).cumsum(-1) <= 1 - p
    tail_BV[:, -1] = False
    return logits_BV.masked_fill(tail_BV.scatter(1, order_BV, tail_BV), -math.inf)


def min_p(logits_BV: Tensor, p: float) -> Tensor:
    """Keep tokens at least ``p`` times as likely as the likeliest (arXiv 2407.01082, sec. 3.2)."""
    probs_BV = logits_BV.softmax(-1)
    return logits_BV.masked_fill(probs_BV < p * probs_BV.amax(-1, keepdim=True), -math.inf)


def process_logits(logits_BV: Tensor, sampling: SamplingConfig, seen_BV: Tensor | None) -> Tensor:
    """Apply what ``sampling`` asks for; tokens cut off get -inf.

    Args:
        logits_BV: the model's logits, float32.
        sampling: the settings; at temperature 0 only the repetition penalty applies.
        seen_BV: as in ``repetition_penalty``; may be None where that is off.
    """
    if sampling.repetition_penalty != 1:
        assert seen_BV is not None, "a repetition penalty needs to know the text"
        logits_BV = repetition_penalty(logits_BV, seen_BV, sampling.repetition_penalty)
    if sampling.temperature not in (0, 1):
        logits_BV = logits_BV / sampling.temperature
    cuts = sampling.cuts()
    if "top_k" in cuts:
        logits_BV = top_k(logits_BV, sampling.top_k)
    if "top_p" in cuts:
        logits_BV = top_p(logits_BV, sampling.top_p)
    if "min_p" in cuts:
        logits_BV = min_p(logits_BV, sampling.min_p)
    return logits_BV


def draw(logits_BV: Tensor, streams: Sequence[random.Random]) -> list[int]:
    """Draw one token per row from softmax(logits), each row from its own random stream.

    By inverting the cumulative distribution: one number per row, the same on every device. A token
    of probability zero is never drawn.

    Raises:
        UserError: a row has a NaN.
    """
    probs_BV = logits_BV.softmax(-1)
    if probs_BV.device.type == "mps":  # which has no float64
        probs_BV = probs_BV.cpu()
    cumulative_BV = probs_BV.double().cumsum(-1)
    # 48 bits, so that the product with the total stays below the total in float64.
    uniform = [[stream.getrandbits(48) / 2**48] for stream in streams]
    uniform_B1 = torch.tensor(uniform, dtype=torch.float64, device=cumulative_BV.device)
    total_B1 = cumulative_BV[:, -1:]
    _check_numbers(total_B1)
    return torch.searchsorted(cumulative_BV, uniform_B1 * total_B1, right=True)[:, 0].tolist()


def likeliest(logits_BV: Tensor) -> list[int]:
    """Return each row's likeliest token.

    Raises:
        UserError: a row has a NaN.
    """
    values_B, ids_B = logits_BV.max(-1)
    _check_numbers(values_B)
    return ids_B.tolist()


def random_streams(seed: int | None, prompts: Sequence[Sequence[int]]) -> list[random.Random]:
    """Return a random stream per prompt, which depends on the seed and the prompt alone.

    So a prompt gives the same text alone and in any batch. A prompt that comes again gets another
    stream the second time, and so on, or its samples would all be the same.

    Args:
        seed: of all streams; None draws one from the system.
        prompts: token ids.
    """
    seed = secrets.randbits(64) if seed is None else seed
    repeats: Counter[tuple[int, ...]] = Counter()
    streams = []
    for prompt in map(tuple, prompts):
        name = repr((seed, repeats[prompt], prompt))
        streams.append(random.Random(hashlib.sha256(name.encode()).digest()))
        repeats[prompt] += 1
    return streams


def _check_numbers(values: Tensor) -> None:
    if values.isnan().any():
        raise UserError(
            "the model's output is not a number (NaN): its training diverged or its weights are "
            "damaged; use an earlier checkpoint"
        )
