"""How text is cut into pre-tokens, which merges never cross: the two patterns that files can name.

GGUF stores the *name* of a pattern, not its text, and llama.cpp has its own code for each name.
So groundup trains with these two, character for character as published.
"""

import regex

from groundup.errors import UserError

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""openai/gpt-2, ``src/encoder.py``; built into Hugging Face's ``ByteLevel`` pre-tokenizer."""

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""meta-llama/llama3, ``llama/tokenizer.py``: as in cl100k, digits go in groups of up to three."""

PATTERNS = {"gpt2": GPT2, "llama3": LLAMA3}


class PretokenPattern:
    """A compiled pattern that cuts text into pre-tokens and loses nothing.

    The text between two matches is a pre-token too, as with the ``Isolated`` behaviour of Hugging
    Face's ``Split``; the two patterns above match everywhere and leave none.

    Letters and digits are those of the ``regex`` package's Unicode version. Characters that
    Unicode gained later than another library's tables can be cut differently there.
    """

    def __init__(self, pattern: str) -> None:
        try:
            self._regex = regex.compile(pattern)
        except (regex.error, ValueError, OverflowError) as error:
            raise UserError(f"the pre-token pattern {pattern!r} is not valid: {error}") from None
        if self._regex.groups:
            raise UserError(f"the pre-token pattern {pattern!r} must not capture: write (?:…)")

    def split(self, text: str) -> list[str]:
        """Return the pre-tokens of ``text`` in order; joined, they are ``text`` again."""
        matches: list[str] = self._regex.findall(text)
        if sum(map(len, matches)) == len(text):
            return matches
        pretokens: list[str] = []
        end = 0
        for match in self._regex.finditer(text):
            pretokens += (text[end : match.start()], match.group())
            end = match.end()
        pretokens.append(text[end:])
        return pretokens
