r"""Split patterns in two dialects: that of the ``regex`` package (ours) and Oniguruma's.

The ``tokenizers`` library runs the patterns of a ``tokenizer.json`` with Oniguruma. Published
patterns mean the same in both, with one exception: ``\p{N}{1,3}+`` is, to ``regex`` and to
tiktoken, one group of up to three digits that is not given back; to Oniguruma it is any number of
such groups. ``(?>\p{N}{1,3})`` is the former in both dialects.
"""

import regex

from groundup.errors import UserError
from groundup.tokenizer.bpe.patterns import CUSTOM, SplitPattern

_ESCAPE = r"\\[pP]\{[^{}]*\}|\\."
_SET = r"\[\^?\]?(?:\\.|[^\]\\])*\]"
_INTERVAL = r"\{\d+(?:,\d*)?\}"
_INTERVAL_OF_ONE = rf"({_ESCAPE}|{_SET}|[^\\()\[\]{{}}])({_INTERVAL})"
_POSSESSIVE = regex.compile(_INTERVAL_OF_ONE + r"\+")
_ATOMIC = regex.compile(rf"\(\?>{_INTERVAL_OF_ONE}\)")
_PIECES = regex.compile(rf"(?s){_ESCAPE}|{_SET}|{_INTERVAL}\+|.")
_SHARED_ESCAPES = frozenset("dDfnprPsStuvx")


def to_oniguruma(pattern: str) -> str:
    r"""Return one of our patterns as Oniguruma takes it.

    What else the two read differently (``$``, ``&&``, ``\h``, …) is left as it is.
    """
    return _POSSESSIVE.sub(r"(?>\1\2)", pattern)


def from_oniguruma(pattern: str) -> str:
    """Return a pattern of a tokenizer.json as ours; undoes ``to_oniguruma``.

    Raises:
        UserError: it has something that the two read differently.
    """
    ours = _ATOMIC.sub(r"\1\2+", pattern)
    known = SplitPattern(ours).family != CUSTOM
    for piece in _PIECES.findall(pattern):
        if (piece.startswith("{") and piece.endswith("+")) or (not known and _differs(piece)):
            raise UserError(
                f"{piece!r} in a split pattern means one thing here and another to the tokenizers "
                f"library: {pattern!r}"
            )
    if regex.fullmatch(ours, "") is not None:
        raise UserError(f"a split pattern that matches nothing at all cuts nowhere: {pattern!r}")
    return ours


def _differs(piece: str) -> bool:
    if piece.startswith("["):
        inside = piece[1:-1]
        escapes = regex.findall(r"\\([a-zA-Z])", inside)
        nested = regex.search(r"(?<!\\)\[|&&", inside) is not None
        return nested or not _SHARED_ESCAPES.issuperset(escapes)
    if piece.startswith("\\"):
        return piece[1].isalnum() and piece[1] not in _SHARED_ESCAPES
    return piece in ("^", "$")
