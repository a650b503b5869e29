"""What tokenizer to train."""

from typing import Literal, Self

from pydantic import Field, model_validator

from groundup.config import Config
from groundup.errors import UsageError
from groundup.tokenizer.special_tokens import IM_END, IM_START, with_end_of_text


class TokenizerConfig(Config):
    """Kind and size of a tokenizer that is trained on the corpus."""

    kind: Literal["bpe", "characters"] = "bpe"
    """bpe: byte-pair encoding, for any text; characters: one id per character."""
    vocab_size: int = Field(default=4096, ge=1)
    """Tokens in all, special tokens included; an upper bound where the corpus yields fewer."""
    pattern: str = "llama3"
    """What cuts text into the pre-tokens that BPE merges never cross: llama3, gpt2, cl100k, o200k,
    or a regular expression of your own. Every other program knows llama3 and gpt2."""
    digit_group: Literal[1, 2, 3] | None = None
    """Digits that a pre-token holds at most; by default as many as the pattern says (llama3: 3)."""
    alphabet: Literal["bytes", "characters"] = "bytes"
    """What BPE merges begin with: bytes, or whole characters (those too rare stay bytes)."""
    min_frequency: int = Field(default=1, ge=1)
    """Pairs that occur less often in the corpus are not merged."""
    max_token_bytes: int | None = Field(default=None, ge=2)
    """Merges make no token longer than this, bytes; by default there is no limit."""
    special_tokens: tuple[str, ...] | None = None
    """Special tokens besides <|endoftext|>, which every tokenizer has and which comes first. By
    default <|im_start|> and <|im_end|> for bpe, so that a chat model needs no new ones, and none
    for characters."""

    @property
    def special_names(self) -> tuple[str, ...]:
        """The special tokens besides END_OF_TEXT."""
        if self.special_tokens is not None:
            return self.special_tokens
        return (IM_START, IM_END) if self.kind == "bpe" else ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse what training would refuse, before any text is read."""
        check_vocab_size(self.kind, self.vocab_size, self.special_names)
        if self.kind == "bpe":
            self._check_bpe()
            return self
        idle = ("pattern", "digit_group", "alphabet", "min_frequency", "max_token_bytes")
        self.refuse_idle(*idle, why="on characters")
        return self

    def _check_bpe(self) -> None:
        # Imported here, because these modules need this one.
        from groundup.tokenizer.bpe.alphabet import check_spelling
        from groundup.tokenizer.bpe.patterns import SplitPattern, pattern_text

        check_spelling(self.special_names, self.alphabet)
        SplitPattern(pattern_text(self.pattern, self.digit_group))


def check_vocab_size(
    kind: Literal["bpe", "characters"], vocab_size: int, special_tokens: tuple[str, ...]
) -> None:
    """Raise UsageError if ``vocab_size`` leaves no room for what ``kind`` cannot do without."""
    special = len(with_end_of_text(special_tokens))
    if kind == "bpe":
        least, why = 256 + special, f"256 bytes + {special} special"
    else:
        least, why = special + 2, f"{special} special + unknown + 1 character"
    if vocab_size < least:
        raise UsageError(f"vocab_size {vocab_size} is too small: {kind} needs {least} ({why})")
