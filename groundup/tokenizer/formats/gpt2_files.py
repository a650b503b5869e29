"""Reading the two files that GPT-2 was published with: a vocabulary and its merges."""

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from groundup.errors import UserError
from groundup.tokenizer.bpe import BPETokenizer
from groundup.tokenizer.bpe.byte_alphabet import merges_from_alphabet, tokens_from_alphabet
from groundup.tokenizer.bpe.patterns import GPT2
from groundup.tokenizer.special_tokens import END_OF_TEXT

GPT2_FILE_NAMES = (("encoder.json", "vocab.bpe"), ("vocab.json", "merges.txt"))
"""Names of the two files as OpenAI published them, and as Hugging Face renamed them."""


def read_gpt2_files(vocabulary_path: Path, merges_path: Path) -> BPETokenizer:
    """Read GPT-2's vocabulary (token to id, JSON) and merges (two tokens a line).

    Raises:
        UserError: a file is damaged, or the two do not belong together.
    """
    try:
        content = json.loads(vocabulary_path.read_bytes())
        vocabulary = TypeAdapter(dict[str, int]).validate_python(content, strict=True)
        special_tokens = {END_OF_TEXT: vocabulary.pop(END_OF_TEXT)}
    except KeyError:
        raise UserError(f"{vocabulary_path}: GPT-2's vocabulary has {END_OF_TEXT!r}") from None
    except (ValidationError, ValueError, RecursionError):
        raise UserError(f"{vocabulary_path}: not a JSON object of tokens and ids") from None
    try:
        # Only \n ends a line: some tokens hold characters that splitlines would split on.
        lines = merges_path.read_text(encoding="utf-8").split("\n")
    except ValueError:
        raise UserError(f"{merges_path}: not UTF-8 text") from None
    merges: list[tuple[str, str]] = []
    for number, line in enumerate(lines, start=1):
        if not line or (number == 1 and line.startswith("#version")):
            continue
        match line.split(" "):
            case [left, right]:
                merges.append((left, right))
            case _:
                raise UserError(f"{merges_path}: line {number} is not two tokens: {line[:80]!r}")
    try:
        tokens, pairs = tokens_from_alphabet(vocabulary), merges_from_alphabet(merges)
        return BPETokenizer(tokens, pairs, special_tokens, pattern=GPT2)
    except UserError as error:
        raise UserError(f"{vocabulary_path.parent}: {error}") from None
