"""A text and its tokens, counted."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from groundup.errors import UserError
from groundup.inspect.tokenizer_view.sample import SAMPLE
from groundup.inspect.tokenizer_view.source import TokenizerSource
from groundup.tokenizer import END_OF_TEXT, Tokenizer
from groundup.tokenizer.interface import IdArray
from groundup.tokenizer.special_tokens import well_formed


@dataclass(frozen=True)
class TokenizedText:
    """What a tokenizer makes of a text.

    Attributes:
        text: the text, well-formed.
        ids: its tokens, (N,) int32.
        special: the special tokens that were read as such.
        origin: where the text comes from, in a few words.
    """

    text: str
    ids: IdArray
    special: frozenset[str]
    origin: str

    @classmethod
    def of(
        cls, text: str, tokenizer: Tokenizer, *, special: frozenset[str], origin: str
    ) -> "TokenizedText":
        """Encode ``text``.

        Args:
            text: any string.
            tokenizer: what encodes it.
            special: special tokens to read as such; in others' place stands what they look like.
            origin: where the text comes from, in a few words.

        Raises:
            UserError: there is nothing to show.
        """
        text = well_formed(text)
        if not text:
            raise UserError(f"{origin} is empty: there is nothing to show")
        return cls(text, tokenizer.encode_to_numpy(text, allowed_special=special), special, origin)

    @cached_property
    def counts(self) -> dict[str, int | float]:
        """Counts in the order to show them. Words are what white space separates."""
        num_tokens, num_bytes = len(self.ids), len(self.text.encode())
        num_words = len(self.text.split())
        counts: dict[str, int | float] = {
            "tokens": num_tokens,
            "different tokens": len(np.unique(self.ids)),
            "bytes": num_bytes,
            "characters": len(self.text),
            "words": num_words,
            "bytes per token": num_bytes / num_tokens,
        }
        if num_words:
            counts["tokens per word"] = num_tokens / num_words
        return counts


def tokenized(
    source: TokenizerSource, text: str | None, origin: str, *, all_special: bool = False
) -> TokenizedText:
    """Return the tokens of a text, or of what there is to show where none is given.

    That is the beginning of the run's validation documents, or else a sample.

    Args:
        source: the tokenizer and its run.
        text: the text, or None.
        origin: where ``text`` comes from, in a few words.
        all_special: read every special token in the text as such.

    Raises:
        UserError: the text is empty.
    """
    tokenizer = source.tokenizer
    special = frozenset(tokenizer.special_tokens) if all_special else frozenset[str]()
    if text is None:
        special |= {END_OF_TEXT} & tokenizer.special_tokens.keys()
        excerpts = source.excerpts()
        text = excerpts or source.opening + SAMPLE
        origin = "How the run's first held-out documents begin" if excerpts else "A sample"
    return TokenizedText.of(text, tokenizer, special=special, origin=origin)


def shown(number: float) -> str:
    """Return a count with commas, a ratio with two decimals."""
    return f"{number:,}" if isinstance(number, int) else f"{number:.2f}"
