"""Where pre-tokens end: the published split patterns as a state machine over UTF-8 bytes.

A regular expression tries one alternative after the other and takes back characters when it has
gone too far. Here the class of the next character or two decides which alternative it is, and each
is read once. Equal to the ``regex`` package's split of the same pattern on any text.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from groundup.kernels import kernel
from groundup.kernels.memory import load_u8
from groundup.tokenizer.bpe.unicode_classes import (
    LETTER,
    LOWER,
    NEWLINE,
    NUMBER,
    OTHER,
    PREFIX,
    SPACE,
    UPPER,
)

Bytes = NDArray[np.uint8]
Ends = NDArray[np.int64]

GPT2, LLAMA3, CL100K, O200K = 0, 1, 2, 3
"""The families of patterns that are known here; ``groundup.tokenizer.bpe.patterns`` has the texts.
"""

_APOSTROPHE, _SPACE, _SLASH, _LINE_FEED, _RETURN = (ord(sign) for sign in "' /\n\r")
_D, _E, _L, _M, _R, _S, _T, _V = (ord(letter) for letter in "delmrstv")
_LONG_S = ord("ſ")  # the one other letter that (?i:s) matches


@kernel
def pretoken_end(
    text: int, start: int, end: int, classes: int, family: int, max_digits: int
) -> int:
    """Return where the pre-token that begins at ``start`` ends.

    Args:
        text: address of valid UTF-8, with PADDING zero bytes after ``end``.
        start: where a character begins, before ``end``.
        end: where the text ends.
        classes: address of what ``character_classes`` gives.
        family: GPT2, LLAMA3, CL100K or O200K.
        max_digits: digits in one pre-token; 0 for any number (GPT2).
    """
    word_end = _ascii_word_end(text, start, end, family)
    if word_end > start:
        return word_end
    point, after = _character(text, start)
    kind = load_u8(classes, point)
    if family == O200K:
        word_end = _cased_word_end(text, start, after, end, kind, classes, family)
        if word_end > start:
            return word_end
    elif point == _APOSTROPHE:
        contraction_end = _contraction_end(text, start, end, family)
        if contraction_end > start:
            return contraction_end
    next_kind = 0
    if after < end and kind & PREFIX:
        next_kind = load_u8(classes, _character(text, after)[0])
    if family == GPT2:
        if point == _SPACE and next_kind & (LETTER | NUMBER | OTHER):
            return _run_end(text, after, end, classes, next_kind & (LETTER | NUMBER | OTHER))
        if kind & (LETTER | NUMBER | OTHER):
            return _run_end(text, after, end, classes, kind & (LETTER | NUMBER | OTHER))
        return _space_end(text, start, end, classes)
    if kind & LETTER or next_kind & LETTER:
        return _run_end(text, after, end, classes, LETTER)
    if kind & NUMBER:
        return _number_end(text, after, end, classes, max_digits)
    if kind & OTHER or (point == _SPACE and next_kind & OTHER):
        after = _run_end(text, after, end, classes, OTHER)
        while after < end and (
            load_u8(classes, load_u8(text, after)) & NEWLINE
            or (family == O200K and load_u8(text, after) == _SLASH)
        ):
            after += 1
        return after
    return _line_end(text, start, end, classes, family)


@njit(nogil=True, inline="always")
def _ascii_word_end(text: int, start: int, end: int, family: int) -> int:
    """Return where a word of ASCII letters ends, with or without a space before it.

    Four pre-tokens in five are such a word: they end here, two to three times sooner than by the
    general rules. ``start`` where it is none, or where what follows the letters may belong to it.
    """
    position = start + 1 if load_u8(text, start) == _SPACE else start
    letters = position
    if family == O200K:  # small letters, of which the first may be a capital
        if position < end and _is_ascii_letter(load_u8(text, position)):
            position += 1
            while position < end and _is_small(load_u8(text, position)):
                position += 1
            if position < end and (
                load_u8(text, position) == _APOSTROPHE or _is_ascii_letter(load_u8(text, position))
            ):
                return start
    else:
        while position < end and _is_ascii_letter(load_u8(text, position)):
            position += 1
    if position == letters or (position < end and load_u8(text, position) >= 0x80):
        return start
    return position


@njit(nogil=True, inline="always")
def _is_ascii_letter(byte: int) -> bool:
    return _is_small(byte | 32)  # the bit in which capitals differ from small letters


@njit(nogil=True, inline="always")
def _is_small(byte: int) -> bool:
    return 97 <= byte < 123  # a to z


@kernel
def _character(text: int, start: int) -> tuple[int, int]:
    """Return the code point that begins at ``start`` and where it ends."""
    first = load_u8(text, start)
    if first < 0x80:
        return first, start + 1
    second = load_u8(text, start + 1) & 0x3F
    if first < 0xE0:
        return (first & 0x1F) << 6 | second, start + 2
    third = load_u8(text, start + 2) & 0x3F
    if first < 0xF0:
        return (first & 0x0F) << 12 | second << 6 | third, start + 3
    fourth = load_u8(text, start + 3) & 0x3F
    return (first & 0x07) << 18 | second << 12 | third << 6 | fourth, start + 4


@kernel
def _run_end(text: int, start: int, end: int, classes: int, kinds: int) -> int:
    """Return where the characters of one of ``kinds`` that begin at ``start`` end."""
    position = start
    while position < end:
        point = load_u8(text, position)
        after = position + 1
        if point >= 0x80:
            point, after = _character(text, position)
        if not load_u8(classes, point) & kinds:
            break
        position = after
    return position


@kernel
def _number_end(text: int, after: int, end: int, classes: int, max_digits: int) -> int:
    r"""``\p{N}{1,max_digits}``, of which the first has been read."""
    if max_digits == 0:
        return _run_end(text, after, end, classes, NUMBER)
    for _ in range(max_digits - 1):
        if after >= end:
            break
        point, next_after = _character(text, after)
        if not load_u8(classes, point) & NUMBER:
            break
        after = next_after
    return after


@kernel
def _contraction_end(text: int, start: int, end: int, family: int) -> int:
    """``'s|'t|'re|'ve|'m|'ll|'d``, whose apostrophe is at ``start``; ``start`` if it is none."""
    if start + 1 >= end:
        return start
    point, after = _character(text, start + 1)
    following = load_u8(text, after) if after < end else 0
    if family != GPT2:  # in all others, (?i:…)
        if 0x41 <= point <= 0x5A:
            point += 32
        if 0x41 <= following <= 0x5A:
            following += 32
        if point == _LONG_S:
            return after
    if point in (_S, _T, _M, _D):
        return after
    if point in (_R, _V) and following == _E:
        return after + 1
    if point == _L and following == _L:
        return after + 1
    return start


@kernel
def _cased_word_end(
    text: int, start: int, after: int, end: int, kind: int, classes: int, family: int
) -> int:
    r"""The two word alternatives of o200k; ``start`` if neither matches.

    ``[^\r\n\p{L}\p{N}]?UPPER*LOWER+(?i:'s|…)?`` or ``[^\r\n\p{L}\p{N}]?UPPER+LOWER*(?i:'s|…)?``,
    where many scripts' letters and all marks are UPPER and LOWER, and a mark can be the prefix too.
    """
    if kind & PREFIX:
        word_end, has_lower = _upper_lower_end(text, after, end, classes)
        if kind & UPPER and not has_lower:
            word_end = after  # a mark, which the first alternative takes as a LOWER by itself
        elif word_end == after:
            return start
    elif kind & LETTER:
        word_end, _ = _upper_lower_end(text, start, end, classes)
    else:
        return start
    if word_end < end and load_u8(text, word_end) == _APOSTROPHE:
        return _contraction_end(text, word_end, end, family)
    return word_end


@kernel
def _upper_lower_end(text: int, start: int, end: int, classes: int) -> tuple[int, bool]:
    """``UPPER*LOWER+`` (True) or, where no LOWER is, ``UPPER*`` (False)."""
    position = start
    both = start  # where the last character that is UPPER and LOWER ends
    while position < end:
        point, after = _character(text, position)
        kind = load_u8(classes, point)
        if not kind & UPPER:
            break
        position = after
        if kind & LOWER:
            both = after
    lower_end = _run_end(text, position, end, classes, LOWER)
    if lower_end > position:
        return lower_end, True
    if both > start:
        return both, True
    return position, False


@kernel
def _space_end(text: int, start: int, end: int, classes: int) -> int:
    r"""``\s+(?!\S)|\s+``: all white space, but for its last character if a word follows."""
    position = last = start
    while position < end:
        point, after = _character(text, position)
        if not load_u8(classes, point) & SPACE:
            break
        last, position = position, after
    return position if position == end or last == start else last


@kernel
def _line_end(text: int, start: int, end: int, classes: int, family: int) -> int:
    r"""``\s*[\r\n]+|\s+(?!\S)|\s+``, in CL100K after ``\s++$``."""
    position = last = start
    newline_end = start
    while position < end:
        point, after = _character(text, position)
        kind = load_u8(classes, point)
        if not kind & SPACE:
            break
        last, position = position, after
        if kind & NEWLINE:
            newline_end = after
    if family == CL100K and position == end:
        return position
    if newline_end > start:
        return newline_end
    return position if position == end or last == start else last


@kernel
def pretoken_ends(data: Bytes, size: int, classes: Bytes, family: int, max_digits: int) -> Ends:
    """Return where each pre-token of ``data[:size]`` ends, in order.

    Arguments are as for ``pretoken_end``; ``data`` has PADDING zero bytes after ``size``.
    """
    text, kinds = data.ctypes.data, classes.ctypes.data
    ends = np.empty(size, np.int64)
    start = np.int64(0)
    count = 0
    while start < size:
        start = pretoken_end(text, start, size, kinds, family, max_digits)
        ends[count] = start
        count += 1
    return ends[:count]
