"""Text from ids that arrive a few at a time: whole characters only."""

import codecs
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from groundup.tokenizer.interface import Tokenizer


class DecodeStream:
    """Turns ids into text as they come; the pieces joined are what ``decode`` makes of them all.

    A token may end within a character, whose bytes are then held back until the rest has come.
    Bytes that begin no character become U+FFFD as soon as that is certain.

    Args:
        tokenizer: whose ids they are.
        skip_special_tokens: leave special tokens out of the text.
    """

    def __init__(self, tokenizer: "Tokenizer", *, skip_special_tokens: bool = False) -> None:
        self._tokenizer = tokenizer
        self._skip_special_tokens = skip_special_tokens
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def push(self, ids: int | Iterable[int]) -> str:
        """Take the next id or ids; return the text that is now certain, which can be empty.

        Raises:
            UserError: an id is outside the vocabulary; none of ``ids`` has been taken.
        """
        if isinstance(ids, int | np.integer):
            ids = (int(ids),)
        data = self._tokenizer.decode_bytes(ids, skip_special_tokens=self._skip_special_tokens)
        return self._decoder.decode(data)

    def finish(self) -> str:
        """Return what was held back, as U+FFFD; the next ``push`` begins a new text."""
        return self._decoder.decode(b"", final=True)
