"""What every tokenizer offers to the rest of groundup."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from groundup.errors import UserError
from groundup.files import fingerprint, write_atomic, write_json
from groundup.tokenizer.special_tokens import END_OF_TEXT, split_at_special_tokens, well_formed

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
"""What ``Tokenizer.save`` writes."""

AllowedSpecial = Literal["all"] | AbstractSet[str]


class Tokenizer(ABC):
    """Text to token ids and back; immutable once made.

    Ids are 0 … ``vocab_size`` - 1. An ordinary token stands for bytes of text, a special token for
    a role; ``encode`` yields special tokens only where the caller allows them by name, so no text
    that a user types can forge one.

    Args:
        tokens: the ordinary tokens, bytes to id.
        special_tokens: the special tokens, text to id.

    Raises:
        UserError: the ids are not 0 … V-1, each once.
    """

    def __init__(self, tokens: Mapping[bytes, int], special_tokens: Mapping[str, int]) -> None:
        self.special_tokens = dict(special_tokens)
        """Text of every special token to its id."""
        self.vocab_size = len(tokens) + len(special_tokens)
        """Number of ids, special tokens included."""
        self._token_bytes = [b""] * self.vocab_size
        self._written = [b""] * self.vocab_size
        ids = sorted((*tokens.values(), *special_tokens.values()))
        for expected, number in enumerate(ids):
            if number != expected:
                fault = f"{expected} is missing" if number > expected else f"{number} is too many"
                raise UserError(f"token ids must be 0 to {len(ids) - 1}, each once: {fault}")
        for token, number in tokens.items():
            self._token_bytes[number] = self._written[number] = token
        for text, number in special_tokens.items():
            self._written[number] = text.encode()

    def __repr__(self) -> str:
        special_tokens = list(self.special_tokens)
        return f"{type(self).__name__}(vocab_size={self.vocab_size}, {special_tokens=})"

    @property
    def end_of_text_id(self) -> int:
        """Id of END_OF_TEXT.

        Raises:
            UserError: a tokenizer that was trained elsewhere has no such token.
        """
        if END_OF_TEXT not in self.special_tokens:
            raise UserError(f"this tokenizer has no special token {END_OF_TEXT!r}: train one here")
        return self.special_tokens[END_OF_TEXT]

    @cached_property
    def fingerprint(self) -> str:
        """16 hex digits: tokenizers that give the same ids for every text share them."""
        return fingerprint([self._identity(), self.special_tokens])

    def encode(self, text: str, *, allowed_special: AllowedSpecial = frozenset()) -> list[int]:
        """Return the ids of ``text``; nothing is added before or after.

        Args:
            text: any string; lone surrogates are read as U+FFFD.
            allowed_special: special tokens to recognise in the text, or ``"all"``. The others are
                encoded as the ordinary text they look like.

        Raises:
            UserError: ``allowed_special`` names a token that is not special here.
        """
        text = well_formed(text)
        allowed = self._names(allowed_special)
        if not allowed:
            return self._encode_ordinary(text)
        ids: list[int] = []
        for number, part in enumerate(split_at_special_tokens(text, allowed)):
            if number % 2:
                ids.append(self.special_tokens[part])
            elif part:
                ids += self._encode_ordinary(part)
        return ids

    def encode_batch(
        self, texts: Iterable[str], *, allowed_special: AllowedSpecial = frozenset()
    ) -> list[list[int]]:
        """Return the ids of each text, as ``encode`` would."""
        return [self.encode(text, allowed_special=allowed_special) for text in texts]

    def decode(self, ids: Iterable[int], *, skip_special_tokens: bool = False) -> str:
        """Return the text of ``ids``; bytes that are not UTF-8 become U+FFFD.

        Raises:
            UserError: an id is outside the vocabulary.
        """
        data = self.decode_bytes(ids, skip_special_tokens=skip_special_tokens)
        return data.decode("utf-8", errors="replace")

    def decode_bytes(self, ids: Iterable[int], *, skip_special_tokens: bool = False) -> bytes:
        """Return the bytes of ``ids``, special tokens written out unless skipped.

        Raises:
            UserError: an id is outside the vocabulary.
        """
        table = self._token_bytes if skip_special_tokens else self._written
        ids = list(ids)
        try:
            if ids and min(ids) < 0:
                raise IndexError
            return b"".join([table[number] for number in ids])
        except IndexError:
            wrong = next(number for number in ids if not 0 <= number < self.vocab_size)
            raise UserError(
                f"id {wrong} is outside the vocabulary of {self.vocab_size} tokens"
            ) from None

    def token_bytes(self, token_id: int) -> bytes:
        """Return the bytes of text that one id stands for: none for a special token."""
        return self.decode_bytes([token_id], skip_special_tokens=True)

    def save(self, folder: Path, *, context_length: int | None = None) -> None:
        """Write ``tokenizer.json`` and ``tokenizer_config.json`` for Hugging Face's libraries.

        The files give the same ids in ``tokenizers`` and in ``transformers``. Both libraries
        recognise special tokens in any text; call them with ``split_special_tokens=True``
        (``encode_special_tokens`` in ``tokenizers``) to read text as ``encode`` does.

        Args:
            folder: where to write; made if it does not exist.
            context_length: longest sequence of the model, in tokens; left out if None.
        """
        folder.mkdir(parents=True, exist_ok=True)
        content = json.dumps(self._tokenizer_json(), ensure_ascii=False, indent=2)
        write_atomic(folder / TOKENIZER_FILES[0], content + "\n")
        config: dict[str, Any] = {
            # Named so, because transformers puts its own regex in place of ours otherwise
            # when config.json says Qwen3.
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_prefix_space": False,
            "clean_up_tokenization_spaces": False,
        }
        if END_OF_TEXT in self.special_tokens:
            config |= {"bos_token": END_OF_TEXT, "eos_token": END_OF_TEXT}
        if context_length is not None:
            config["model_max_length"] = context_length
        write_json(folder / TOKENIZER_FILES[1], config)

    def _tokenizer_json(self) -> dict[str, Any]:
        """Return the whole content of ``tokenizer.json``."""
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        added = [
            {"id": number, "content": text, **flags, "special": True}
            for text, number in sorted(self.special_tokens.items(), key=lambda item: item[1])
        ]
        return {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            **self._pipeline(),
        }

    def _names(self, allowed_special: AllowedSpecial) -> frozenset[str]:
        """Return the special tokens that the caller allows."""
        if allowed_special == "all":
            return frozenset(self.special_tokens)
        allowed = frozenset(allowed_special)
        if unknown := allowed - self.special_tokens.keys():
            names = ", ".join(sorted(map(repr, unknown)))
            raise UserError(f"allowed_special names what is not a special token here: {names}")
        return allowed

    @abstractmethod
    def _encode_ordinary(self, text: str) -> list[int]:
        """Return the ids of well-formed text in which nothing is special."""

    @abstractmethod
    def _pipeline(self) -> dict[str, Any]:
        """Return normalizer, pre_tokenizer, post_processor, decoder and model of tokenizer.json."""

    @abstractmethod
    def _identity(self) -> list[Any]:
        """Return, as JSON, all that decides ids besides the special tokens."""
