"""What tokenizer to train."""

from typing import Literal, Self

from pydantic import Field, model_validator

from groundup.config import Config
from groundup.errors import UsageError
from groundup.tokenizer.special_tokens import with_end_of_text


class TokenizerConfig(Config):
    """Kind and size of a tokenizer that is trained on the corpus."""

    kind: Literal["bpe", "characters"] = "bpe"
    """bpe: byte-level byte-pair encoding, for any text; characters: one id per character."""
    vocab_size: int = Field(default=4096, ge=1)
    """Tokens in all, special tokens included; an upper bound where the corpus yields fewer."""
    pattern: Literal["llama3", "gpt2"] = "llama3"
    """Which published pattern cuts text into the pre-tokens that BPE merges never cross."""
    special_tokens: tuple[str, ...] = ()
    """Special tokens besides <|endoftext|>, which every tokenizer has and which comes first."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        """Refuse what training would refuse, before any text is read."""
        check_vocab_size(self.kind, self.vocab_size, self.special_tokens)
        if self.kind == "characters" and self.pattern != type(self).model_fields["pattern"].default:
            raise UsageError("pattern has no effect on characters: remove it, or set kind to bpe")
        return self


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
