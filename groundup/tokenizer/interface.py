"""What every tokenizer offers to the rest of groundup."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cached_property, partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from groundup.cores import available_cores
from groundup.errors import UserError
from groundup.files import fingerprint, write_atomic, write_json
from groundup.tokenizer.byte_table import ByteTable
from groundup.tokenizer.chat_template import CHATML_TEMPLATE, ChatTemplate, template_in_json
from groundup.tokenizer.decode_stream import DecodeStream
from groundup.tokenizer.special_tokens import (
    END_OF_TEXT,
    IM_END,
    IM_START,
    check_special_token,
    split_at_special_tokens,
    well_formed,
    well_formed_chunks,
)

TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
"""What ``Tokenizer.save`` writes."""

AllowedSpecial = Literal["all"] | AbstractSet[str]

IdArray: TypeAlias = NDArray[np.int32]
EndArray: TypeAlias = NDArray[np.int64]

CHUNK_CHARACTERS = 1 << 14
"""Text that ``encode_iterable`` gathers before it encodes, and ``encode_file`` reads at a time."""


class Tokenizer(ABC):
    """Text to token ids and back; immutable once made, but for its ``chat_template``.

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
        speaks_chatml = {IM_START, IM_END} <= special_tokens.keys()
        self.chat_template: ChatTemplate | None = CHATML_TEMPLATE if speaks_chatml else None
        """Jinja template that ``save`` writes: ChatML where the tokenizer has its two markers, or
        the one that a folder came with; it changes no ids."""

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

    def with_special_tokens(self, names: Iterable[str]) -> Self:
        """Return this tokenizer with further special tokens, whose ids follow all others.

        Every text keeps its ids. A name that is a special token already changes nothing.

        Raises:
            UserError: a name cannot be a special token, or is spelt like an ordinary one.
        """
        new = [name for name in dict.fromkeys(names) if name not in self.special_tokens]
        for name in new:
            check_special_token(name)
        numbered = {name: number for number, name in enumerate(new, start=self.vocab_size)}
        extended = self._with_special_tokens(self.special_tokens | numbered)
        extended.chat_template = self.chat_template or extended.chat_template
        return extended

    def encode(self, text: str, *, allowed_special: AllowedSpecial = frozenset()) -> list[int]:
        """Return the ids of ``text``; nothing is added before or after.

        Args:
            text: any string; lone surrogates are read as U+FFFD.
            allowed_special: special tokens to recognise in the text, or ``"all"``. The others are
                encoded as the ordinary text they look like.

        Raises:
            UserError: ``allowed_special`` names a token that is not special here.
        """
        return self._to_list(self.encode_to_numpy(text, allowed_special=allowed_special))

    def encode_to_numpy(
        self, text: str, *, allowed_special: AllowedSpecial = frozenset()
    ) -> IdArray:
        """Return the ids of ``text`` as (N,) int32: for long texts, sooner there than a list."""
        return self.encode_batch_to_numpy([text], allowed_special=allowed_special, threads=1)[0]

    def encode_batch(
        self,
        texts: Sequence[str],
        *,
        allowed_special: AllowedSpecial = frozenset(),
        threads: int | None = None,
    ) -> list[list[int]]:
        """Return the ids of each text, as ``encode`` would; see ``encode_batch_to_numpy``."""
        ids, ends = self.encode_batch_to_numpy(
            texts, allowed_special=allowed_special, threads=threads
        )
        return [self._to_list(ids[start:end]) for start, end in pairwise([0, *ends.tolist()])]

    def encode_batch_to_numpy(
        self,
        texts: Sequence[str],
        *,
        allowed_special: AllowedSpecial = frozenset(),
        threads: int | None = None,
    ) -> tuple[IdArray, EndArray]:
        """Return the ids of all texts in one array, and where each text's ids end.

        Args:
            texts: any strings; each is encoded as ``encode`` would.
            allowed_special: as for ``encode``.
            threads: cores to use; None takes all. Ids do not depend on it.

        Returns:
            ids (N,) int32, and ends (len(texts),) int64: text ``i`` is ``ids[ends[i-1]:ends[i]]``.

        Raises:
            TypeError: ``texts`` is one string, which would be read as a list of its characters.
            UserError: as for ``encode``.
        """
        if isinstance(texts, str):
            raise TypeError("texts is one string: put it in a list, or call encode")
        texts = [well_formed(text) for text in texts]
        allowed = self._names(allowed_special)
        if threads is None:
            threads = available_cores()
        if not allowed:
            return self._encode_ordinary(texts, threads)
        parts = [split_at_special_tokens(text, allowed) for text in texts]
        ordinary = [part for text in parts for part in text[::2]]
        ids, ends = self._encode_ordinary(ordinary, threads)
        pieces: list[IdArray] = []
        text_ends = np.zeros(len(texts), np.int64)
        start = number = total = 0
        for row, text in enumerate(parts):
            for place, part in enumerate(text):
                if place % 2:
                    pieces.append(np.array([self.special_tokens[part]], np.int32))
                else:
                    pieces.append(ids[start : ends[number]])
                    start, number = int(ends[number]), number + 1
                total += len(pieces[-1])
            text_ends[row] = total
        return np.concatenate(pieces) if pieces else ids, text_ends

    def encode_iterable(
        self, chunks: Iterable[str], *, allowed_special: AllowedSpecial = frozenset()
    ) -> Iterator[IdArray]:
        """Yield the ids of a text that comes in chunks, as one ``encode`` of the whole would.

        Held in memory: chunks of CHUNK_CHARACTERS together, or one that is longer, their ids, and
        what cannot be cut yet, which ends at the latest where white space follows a word (for a
        pattern of one's own, at the end of the text).

        Args:
            chunks: the text; where the chunks begin and end makes no difference.
            allowed_special: as for ``encode``.
        """
        allowed = self._names(allowed_special)
        longest = max(map(len, allowed), default=1)
        held = ""
        searched = 0
        for chunk in well_formed_chunks(chunks):
            held += chunk
            if len(held) < CHUNK_CHARACTERS:
                continue
            limit = len(held) - (longest - 1)
            cut = self._last_cut(held, searched, limit)
            searched = max(limit - 1, 0)
            if cut and allowed:
                cut = _before_special(held, cut, allowed)
            if cut > 0:
                yield self.encode_to_numpy(held[:cut], allowed_special=allowed)
                held, searched = held[cut:], 0
        if held:
            yield self.encode_to_numpy(held, allowed_special=allowed)

    def encode_file(
        self, path: Path, *, allowed_special: AllowedSpecial = frozenset()
    ) -> Iterator[IdArray]:
        """Yield the ids of a UTF-8 text file, about ``CHUNK_CHARACTERS`` of it at a time.

        Raises:
            UserError: the file cannot be read or is not UTF-8.
        """
        try:
            with path.open(encoding="utf-8", newline="") as file:
                chunks = iter(partial(file.read, CHUNK_CHARACTERS), "")
                yield from self.encode_iterable(chunks, allowed_special=allowed_special)
        except OSError as error:
            raise UserError(f"{path}: cannot be read: {error.strerror}") from None
        except UnicodeDecodeError as error:
            raise UserError(f"{path}: not UTF-8 text: {error.reason} (convert it first)") from None

    def encode_with_offsets(
        self, text: str, *, allowed_special: AllowedSpecial = frozenset()
    ) -> tuple[IdArray, EndArray]:
        """Return the ids of ``text`` and where each stands in its UTF-8 bytes.

        Returns:
            ids (N,) int32, and offsets (N, 2) int64: id ``i`` stands for bytes ``offsets[i, 0]`` up
            to ``offsets[i, 1]`` of the text as it was encoded (lone surrogates as U+FFFD, and in a
            tokenizer's normal form, if it has one).
        """
        ids = self.encode_to_numpy(text, allowed_special=allowed_special)
        lengths = self._lengths_in(text, ids, self._names(allowed_special))
        ends = np.cumsum(lengths)
        return ids, np.stack([ends - lengths, ends], axis=1)

    def _lengths_in(
        self,
        text: str,  # noqa: ARG002 - for subclasses
        ids: IdArray,
        allowed: frozenset[str],  # noqa: ARG002
    ) -> EndArray:
        """Return how many bytes of ``text`` each of its ids stands for: (N,) int64."""
        return self._written_table.lengths[ids]

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
        table = self._text_table if skip_special_tokens else self._written_table
        return table.gather(ids)

    def decode_stream(self, *, skip_special_tokens: bool = False) -> DecodeStream:
        """Return what turns ids into text as they come, and never shows half a character."""
        return DecodeStream(self, skip_special_tokens=skip_special_tokens)

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
        if self.chat_template is not None:
            config["chat_template"] = template_in_json(self.chat_template)
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

    def _to_list(self, ids: IdArray) -> list[int]:
        """Return ``ids.tolist()`` with one ``int`` object for each id of the vocabulary.

        Making an object for each place takes as long as encoding and four times the memory.
        """
        if len(ids) < 256:
            return ids.tolist()
        return self._int_objects.take(ids).tolist()

    @cached_property
    def _int_objects(self) -> NDArray[np.object_]:
        objects = np.empty(self.vocab_size, np.object_)
        objects[:] = range(self.vocab_size)
        return objects

    def _names(self, allowed_special: AllowedSpecial) -> frozenset[str]:
        """Return the special tokens that the caller allows."""
        if not allowed_special:
            return frozenset()
        if allowed_special == "all":
            return frozenset(self.special_tokens)
        if isinstance(allowed_special, str):
            raise UserError(f'allowed_special is "all" or a set of names, not {allowed_special!r}')
        allowed = frozenset(allowed_special)
        if unknown := allowed - self.special_tokens.keys():
            names = ", ".join(sorted(map(repr, unknown)))
            raise UserError(f"allowed_special names what is not a special token here: {names}")
        return allowed

    @cached_property
    def _written_table(self) -> ByteTable:
        return ByteTable(self._written)

    @cached_property
    def _text_table(self) -> ByteTable:
        return ByteTable(self._token_bytes)

    @abstractmethod
    def _with_special_tokens(self, special_tokens: Mapping[str, int]) -> Self:
        """Return a tokenizer that has ``special_tokens`` and is else as this one."""

    @abstractmethod
    def _encode_ordinary(self, texts: Sequence[str], threads: int) -> tuple[IdArray, EndArray]:
        """Return the ids of well-formed texts in which nothing is special, and each text's end."""

    @abstractmethod
    def _last_cut(self, text: str, start: int, limit: int) -> int:
        """Return the last place after ``start``, up to ``limit``, where ``text`` can be cut; or 0.

        Cut there, the two parts have the ids that they have together, whatever follows.
        """

    @abstractmethod
    def _pipeline(self) -> dict[str, Any]:
        """Return normalizer, pre_tokenizer, post_processor, decoder and model of tokenizer.json."""

    @abstractmethod
    def _identity(self) -> list[Any]:
        """Return, as JSON, all that decides ids besides the special tokens."""


def _before_special(text: str, cut: int, allowed: frozenset[str]) -> int:
    """Return ``cut``, or where the special token begins that ``cut`` would split."""
    position = 0
    for number, part in enumerate(split_at_special_tokens(text, allowed)):
        end = position + len(part)
        if end >= cut:
            return position if number % 2 and end > cut else cut
        position = end
    return cut
