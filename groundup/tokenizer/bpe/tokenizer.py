"""Byte-level byte-pair encoding: any text, and text that repeats in few tokens."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, Self

import numpy as np

from groundup.errors import UserError
from groundup.progress import console
from groundup.tokenizer.bpe.byte_alphabet import BYTE_ORDER, to_alphabet
from groundup.tokenizer.bpe.merge import merge_ids
from groundup.tokenizer.bpe.patterns import PATTERNS, PretokenPattern
from groundup.tokenizer.bpe.train import train_bpe
from groundup.tokenizer.config import check_vocab_size
from groundup.tokenizer.interface import EndArray, IdArray, Tokenizer
from groundup.tokenizer.special_tokens import with_end_of_text


class BPETokenizer(Tokenizer):
    """Pre-tokens by a pattern, then merges of byte pairs within each (Sennrich et al. 2015; GPT-2).

    Args:
        tokens: ordinary tokens, bytes to id; among them each single byte.
        merges: the pairs that join, earliest-learnt first.
        special_tokens: text to id.
        pattern: regular expression that cuts text into pre-tokens.
        normalization: Unicode normal form that text is brought into first; None leaves it as is,
            which alone lets ``decode(encode(text))`` be ``text`` for every text.
        ignore_merges: a pre-token that is itself a token is taken whole, whatever the merges say
            (Llama 3; the name is that of tokenizer.json).

    Raises:
        UserError: ids are not dense, a byte has no token, a merge is not among the tokens or
            listed twice, or a special token is spelt like an ordinary one.
    """

    def __init__(
        self,
        tokens: Mapping[bytes, int],
        merges: Sequence[tuple[bytes, bytes]],
        special_tokens: Mapping[str, int],
        *,
        pattern: str,
        normalization: Literal["NFC"] | None = None,
        ignore_merges: bool = False,
    ) -> None:
        super().__init__(tokens, special_tokens)
        self.tokens = dict(tokens)
        self.merges = list(merges)
        self.pattern = pattern
        self.normalization = normalization
        self.ignore_merges = ignore_merges
        self._pretokens = PretokenPattern(pattern)
        for token in tokens:
            if (spelt := to_alphabet(token)) in special_tokens:
                raise UserError(f"{spelt!r} is both a special token and an ordinary one: rename it")
        self._id_of_byte = [self._id_of_single(value) for value in range(256)]
        self._merged: list[int] = []
        self._ranks: dict[tuple[int, int], int] = {}
        for left, right in self.merges:
            spelt = f"merge {to_alphabet(left)!r} + {to_alphabet(right)!r}"
            for part in (left, right, left + right):
                if part not in tokens:
                    missing = to_alphabet(part)
                    raise UserError(f"{spelt} needs {missing!r}, which is not in the vocabulary")
            pair = (tokens[left], tokens[right])
            if pair in self._ranks:
                raise UserError(f"{spelt} is listed twice")
            self._ranks[pair] = len(self._merged)
            self._merged.append(tokens[left + right])
        self._ids_of_pretoken = _Cache(self)

    @classmethod
    def train(
        cls,
        texts: Iterable[str],
        vocab_size: int,
        special_tokens: Iterable[str] = (),
        *,
        pattern: str = "llama3",
    ) -> Self:
        """Learn merges from ``texts``, an iterable that is read once.

        Ids: END_OF_TEXT, the other special tokens in order, the 256 bytes in GPT-2's order, then
        the merges in the order in which they were learnt (the layout of Hugging Face's trainer).

        Args:
            texts: any strings.
            vocab_size: tokens in all; fewer, with a note, if the texts do not yield that many.
            special_tokens: besides END_OF_TEXT, which is always there.
            pattern: ``"llama3"``, ``"gpt2"``, or a regular expression.

        Raises:
            UsageError: ``vocab_size`` has no room for the bytes and the special tokens.
        """
        special = with_end_of_text(special_tokens)
        check_vocab_size("bpe", vocab_size, special)
        pattern = PATTERNS.get(pattern, pattern)
        num_tokens = vocab_size - 256 - len(special)
        merges = train_bpe(texts, num_tokens, special, PretokenPattern(pattern))
        ordinary = dict.fromkeys([bytes([value]) for value in BYTE_ORDER])
        ordinary |= dict.fromkeys([left + right for left, right in merges])
        tokens = {token: number for number, token in enumerate(ordinary, start=len(special))}
        tokenizer = cls(
            tokens, merges, {name: number for number, name in enumerate(special)}, pattern=pattern
        )
        if tokenizer.vocab_size < vocab_size:
            console.print(
                f"The corpus yields {tokenizer.vocab_size} tokens, not {vocab_size}: "
                "every pre-token in it is one token already."
            )
        return tokenizer

    def _id_of_single(self, value: int) -> int:
        token = bytes([value])
        if token not in self.tokens:
            spelt = to_alphabet(token)
            raise UserError(f"the vocabulary has no token for byte {value}, written {spelt!r}")
        return self.tokens[token]

    def _encode_ordinary(self, texts: Sequence[str], threads: int) -> tuple[IdArray, EndArray]:
        rows = [np.array(self._encode_text(text), np.int32) for text in texts]
        ends = np.cumsum([len(row) for row in rows], dtype=np.int64)
        return (np.concatenate(rows) if rows else np.empty(0, np.int32)), ends

    def _last_cut(self, text: str, limit: int) -> int:
        return 0

    def _encode_text(self, text: str) -> list[int]:
        if self.normalization is not None:
            text = unicodedata.normalize(self.normalization, text)
        pretokens = self._pretokens.split(text)
        return list(chain.from_iterable(map(self._ids_of_pretoken.__getitem__, pretokens)))

    def _encode_pretoken(self, pretoken: str) -> tuple[int, ...]:
        data = pretoken.encode()
        if self.ignore_merges and data in self.tokens:
            return (self.tokens[data],)
        ids = [self._id_of_byte[value] for value in data]
        return tuple(merge_ids(ids, self._ranks, self._merged))

    def _identity(self) -> list[Any]:
        tokens = [token.decode("latin-1") for token in self._token_bytes]
        merges = [[left.decode("latin-1"), right.decode("latin-1")] for left, right in self.merges]
        return ["bpe", tokens, merges, self.pattern, self.normalization, self.ignore_merges]

    def _pipeline(self) -> dict[str, Any]:
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
        split = {
            "type": "Split",
            "pattern": {"Regex": self.pattern},
            "behavior": "Isolated",
            "invert": False,
        }
        # Special tokens stand in the vocabulary too: the library would number them anew if they
        # were only listed in added_tokens.
        ordinary = {to_alphabet(token): number for token, number in self.tokens.items()}
        vocabulary = ordinary | self.special_tokens
        merges = [f"{to_alphabet(left)} {to_alphabet(right)}" for left, right in self.merges]
        return {
            "normalizer": self.normalization and {"type": self.normalization},
            "pre_tokenizer": {
                "type": "Sequence",
                "pretokenizers": [split, {**byte_level, "use_regex": False}],
            },
            "post_processor": None,
            "decoder": {**byte_level, "use_regex": True},
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": False,
                "byte_fallback": False,
                "ignore_merges": self.ignore_merges,
                "vocab": dict(sorted(vocabulary.items(), key=lambda item: item[1])),
                "merges": merges,
            },
        }


class _Cache(dict[str, tuple[int, ...]]):
    """Ids of the pre-tokens met so far; text repeats itself, so nearly every look-up hits.

    Emptied when full, which costs less than tracking what was used last.
    """

    MAX_ENTRIES = 1 << 18
    MAX_CHARACTERS = 64

    def __init__(self, tokenizer: BPETokenizer) -> None:
        super().__init__()
        self._tokenizer = tokenizer

    def __missing__(self, pretoken: str) -> tuple[int, ...]:
        ids = self._tokenizer._encode_pretoken(pretoken)
        if len(pretoken) <= self.MAX_CHARACTERS:
            if len(self) >= self.MAX_ENTRIES:
                self.clear()
            self[pretoken] = ids
        return ids
