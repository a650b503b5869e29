"""A tokenizer in a few words."""

from groundup.tokenizer import BPETokenizer, Tokenizer
from groundup.tokenizer.bpe.patterns import CUSTOM, SplitPattern
from groundup.tokenizer.bpe.pretokenize import CL100K, GPT2, LLAMA3, O200K

FAMILY_NAMES = {GPT2: "gpt2", LLAMA3: "llama3", CL100K: "cl100k", O200K: "o200k"}


def describe(tokenizer: Tokenizer) -> str:
    """Return kind, pattern and size: ``byte-pair encoding, llama3 pattern, 4,096 tokens``."""
    parts = [_kind(tokenizer), f"{tokenizer.vocab_size:,} tokens"]
    if special := len(tokenizer.special_tokens):
        parts.append(f"{special:,} of them special")
    return ", ".join(parts)


def _kind(tokenizer: Tokenizer) -> str:
    if not isinstance(tokenizer, BPETokenizer):
        return "a token for each character"
    kind = "byte-pair encoding"
    if tokenizer.alphabet == "characters":
        kind += " of characters"
    if tokenizer.normalization:
        kind += f" after {tokenizer.normalization}"
    if not isinstance(tokenizer.pattern, str):
        return f"{kind}, {len(tokenizer.pattern)} patterns in turn"
    split = SplitPattern(tokenizer.pattern)
    if split.family == CUSTOM:
        return f"{kind}, a pattern of its own"
    digits = f", digits by {split.max_digits}" if split.max_digits in (1, 2) else ""
    return f"{kind}, {FAMILY_NAMES[split.family]} pattern{digits}"
