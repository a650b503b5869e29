r"""Split patterns in two dialects: that of the ``regex`` package (ours) and Oniguruma's.

The ``tokenizers`` library runs the patterns of a ``tokenizer.json`` with Oniguruma. Published
patterns mean the same in both, with one exception: ``\p{N}{1,3}+`` is, to ``regex`` and to
tiktoken, one group of up to three digits that is not given back; to Oniguruma it is any number of
such groups. ``(?>\p{N}{1,3})`` is the former in both dialects.

The two differ in so much else (``$``, ``\w``, ``\h``, ``&&``, ``a{2}?``, ``(?i:ss)``, …) that of
other patterns only those are taken which consist of what is known to be the same.
"""

import regex

from groundup.errors import UserError

_ESCAPE = r"\\[pP]\{[^{}]*\}|\\."
_SET = r"\[\^?\]?(?:\\.|[^\]\\])*\]"
_INTERVAL = r"\{\d+(?:,\d*)?\}"
_INTERVAL_OF_ONE = rf"({_ESCAPE}|{_SET}|[^\\()\[\]{{}}])({_INTERVAL})"
_POSSESSIVE = regex.compile(_INTERVAL_OF_ONE + r"\+")
_ATOMIC = regex.compile(rf"\(\?>{_INTERVAL_OF_ONE}\)")
_PIECES = regex.compile(rf"(?s){_ESCAPE}|{_SET}|{_INTERVAL}\+|\(\?[^\s:()]{{0,9}}[:)]?|.")

_CATEGORIES = (
    "L|Lu|Ll|Lt|Lm|Lo|M|Mn|Mc|Me|N|Nd|Nl|No|P|Pc|Pd|Ps|Pe|Pi|Pf|Po|S|Sm|Sc|Sk|So|Z|Zs|Zl|Zp"
    "|Arabic|Cyrillic|Devanagari|Greek|Han|Hangul|Hebrew|Hiragana|Katakana|Latin|Thai"
)
_CHARACTER = r"\\[fnrtv]|\\u[0-9A-Fa-f]{4}|\\x[0-7][0-9A-Fa-f]|\\[!-/:-@\[-`{-~]"
_CLASS = rf"\\[dDsS]|\\[pP]\{{(?:{_CATEGORIES})\}}"
_IN_SET = rf"(?:{_CHARACTER}|(?!&&|\|\||~~)[^\\\[\]-])"
_TOKEN = regex.compile(
    rf"""(?sx)
    (?P<atom> {_CHARACTER} | {_CLASS} | [^\\\[\](){{}}.^$|?*+] | \.
      | \[\^?+-? (?:{_CLASS} | {_IN_SET}(?:-{_IN_SET})?)++ -?\])
  | (?P<ignore_case> \(\?i:(?:'|\||\[[demrtlvs]+\]|s(?![st])|[demrtlv])++\))
  | (?P<group> \(\?[:>])
  | (?P<look> \(\?[=!])
  | (?P<close> \))
  | (?P<either> \|)
    """
)
_REPEAT = regex.compile(r"[?*+]\+?(?![?*+{])|\{[0-9]{1,3}(?:,(?:[0-9]{1,3})?)?\}(?![?*+{])")
_MAX_DEPTH = 20


def to_oniguruma(pattern: str) -> str:
    """Return one of our patterns as Oniguruma takes it."""
    return _POSSESSIVE.sub(r"(?>\1\2)", pattern)


def from_oniguruma(pattern: str) -> str:
    """Return a pattern of a tokenizer.json as ours; undoes ``to_oniguruma``.

    Raises:
        UserError: it repeats an interval, which we could only write as something else.
    """
    for piece in _PIECES.findall(pattern):
        if piece.startswith("{") and piece.endswith("+"):
            raise _differs(piece, pattern)
    return _ATOMIC.sub(r"\1\2+", pattern)


def check_shared(pattern: str) -> None:
    r"""Refuse a pattern of which it is not known that both dialects read it alike.

    Taken are: characters, ``.``, the escapes ``\d \s \f \n \r \t \v \uHHHH \xHH`` and those of
    signs, general categories and common scripts (``\p{Lu}``, ``\P{Han}``), sets and ranges of
    these, ``(?:…)``, ``(?>…)``, ``(?=…)``, ``(?!…)``, English contractions in ``(?i:…)``,
    ``? * + {n} {n,} {n,m}`` and the possessive ``?+ *+ ++``.

    Args:
        pattern: in Oniguruma's dialect.

    Raises:
        UserError: there is something else, which is named; or an alternative, or what is repeated,
            may match nothing at all, after which the two go on in different ways.
    """
    at, may_be_empty = _read_alternatives(pattern, 0, 0)
    if at < len(pattern):
        raise _differs(")", pattern)
    if may_be_empty:
        raise UserError(f"a split pattern that matches nothing at all cuts nowhere: {pattern!r}")


def _read_alternatives(pattern: str, at: int, depth: int) -> tuple[int, bool]:
    """Return where the alternatives from ``at`` on end, and whether one may match nothing."""
    if depth > _MAX_DEPTH:
        raise UserError(f"a split pattern has groups more than {_MAX_DEPTH} deep: simplify it")
    some_empty = False
    empty = True
    while at < len(pattern):
        token = _TOKEN.match(pattern, at)
        if token is None:
            raise _differs(_PIECES.match(pattern, at).group(), pattern)
        if token.lastgroup == "close":
            break
        at = token.end()
        if token.lastgroup == "either":
            some_empty |= empty
            empty = True
            continue
        inner_empty = False
        if token.lastgroup in ("group", "look"):
            at, inner_empty = _read_alternatives(pattern, at, depth + 1)
            if pattern[at : at + 1] != ")":
                raise UserError(f"a group in the split pattern {pattern!r} does not end: write )")
            at += 1
        repeat = _REPEAT.match(pattern, at)
        if token.lastgroup == "look":
            if repeat is not None:
                raise _differs(token.group() + "…)" + repeat.group(), pattern)
            continue
        if repeat is not None:
            if inner_empty:
                raise UserError(
                    f"{repeat.group()!r} in a split pattern repeats what may match nothing: "
                    f"{pattern!r}"
                )
            at = repeat.end()
            inner_empty = repeat.group()[0] in "?*" or regex.match(r"\{0+[,}]", repeat.group())
        empty = empty and bool(inner_empty)
    return at, some_empty or empty


def _differs(piece: str, pattern: str) -> UserError:
    return UserError(
        f"{piece!r} in a split pattern means one thing here and another to the tokenizers library, "
        f"or is not known to mean the same: {pattern!r}"
    )
