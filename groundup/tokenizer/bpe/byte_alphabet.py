"""GPT-2's alphabet: each of the 256 bytes written as one printable character.

Vocabulary files are JSON, which holds text and not bytes, so GPT-2 gave every byte a character:
printable Latin-1 stands for itself, the rest for U+0100 onwards (a space is ``Ġ``, a line end
``Ċ``). Source: ``bytes_to_unicode`` in openai/gpt-2, ``src/encoder.py``.
"""

from collections.abc import Iterable, Mapping

from groundup.errors import UserError

_PRINTABLE = (*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), 256))

BYTE_ORDER = (*_PRINTABLE, *(byte for byte in range(256) if byte not in _PRINTABLE))
"""The 256 bytes in GPT-2's order, which is the order of their ids: printable ones first."""

CHARACTER_OF_BYTE = {
    byte: chr(byte if number < len(_PRINTABLE) else 256 + number - len(_PRINTABLE))
    for number, byte in enumerate(BYTE_ORDER)
}
BYTE_OF_CHARACTER = {character: byte for byte, character in CHARACTER_OF_BYTE.items()}


def to_alphabet(token: bytes) -> str:
    """Write bytes in the alphabet: ``b" the"`` becomes ``"Ġthe"``."""
    return "".join([CHARACTER_OF_BYTE[byte] for byte in token])


def from_alphabet(token: str) -> bytes:
    """Read bytes back: ``"Ġthe"`` becomes ``b" the"``.

    Raises:
        UserError: a character of ``token`` stands for no byte.
    """
    try:
        return bytes([BYTE_OF_CHARACTER[character] for character in token])
    except KeyError:
        raise UserError(f"token {token!r} is not written in GPT-2's byte alphabet") from None


def tokens_from_alphabet(vocabulary: Mapping[str, int]) -> dict[bytes, int]:
    """Read a vocabulary file's ordinary tokens: bytes to id."""
    return {from_alphabet(token): number for token, number in vocabulary.items()}


def merges_from_alphabet(merges: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    """Read a vocabulary file's merges, in order."""
    return [(from_alphabet(left), from_alphabet(right)) for left, right in merges]
