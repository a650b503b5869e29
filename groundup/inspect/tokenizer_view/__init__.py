"""The tokenizer's view of a text: in the terminal, and as a page that explains every token.

``source`` finds the tokenizer and what its run knows, ``tokenized_text`` encodes and counts,
``pieces`` says what a token looks like. ``terminal`` prints; ``page`` writes HTML by ``markup`` and
``curve``, with ``page.js`` for what moves, and ``encoder.js``, which encodes in the browser with
what ``encoder_data`` gives it.
"""

from groundup.inspect.tokenizer_view.description import describe
from groundup.inspect.tokenizer_view.page import tokenizer_page
from groundup.inspect.tokenizer_view.source import TokenizerSource, open_tokenizer
from groundup.inspect.tokenizer_view.terminal import print_tokens
from groundup.inspect.tokenizer_view.tokenized_text import TokenizedText, tokenized

__all__ = [
    "TokenizedText",
    "TokenizerSource",
    "describe",
    "open_tokenizer",
    "print_tokens",
    "tokenized",
    "tokenizer_page",
]
