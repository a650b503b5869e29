"""Tokens in HTML, in which nothing of a token's own text is ever markup."""

from collections.abc import Iterable
from html import escape

from groundup.inspect.tokenizer_view.pieces import Piece, clipped
from groundup.tokenizer import Tokenizer


def token_spans(ids: Iterable[int], tokenizer: Tokenizer) -> str:
    """Return a ``<span data-id=…>`` for each token; ``page.js`` makes the same ones.

    White space stays what it is, so that lines break and copies are exact; marks are drawn over it.
    """
    special = {number: text for text, number in tokenizer.special_tokens.items()}
    made: dict[int, str] = {}
    spans = []
    for number in ids:
        if number not in made:
            attributes = f' data-id="{number}"'
            if number in special:
                made[number] = span_of(special[number].encode(), f'{attributes} class="special"')
            else:
                made[number] = span_of(tokenizer.token_bytes(number), attributes)
        spans.append(made[number])
    return "".join(spans)


def span_of(token: bytes, attributes: str = "") -> str:
    """Return a token's ``<span>``."""
    return f"<span{attributes}>{''.join(map(_markup, clipped(token)))}</span>"


def _markup(piece: Piece) -> str:
    if piece.kind == "text":
        return escape(piece.text)
    runs = piece.text if piece.kind == "newline" else [piece.text]
    return "".join([f'<i class="{piece.kind}">{escape(run)}</i>' for run in runs])
