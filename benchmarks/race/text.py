"""The rivals' tokenizers: characters, or a byte-level BPE by Hugging Face's ``tokenizers``."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Tokens(NamedTuple):
    """Both texts in ids, and what each id stands for."""

    train: Tensor
    """(N,) int64."""
    validation: Tensor
    table: list[bytes]
    """The bytes of id 0, 1, …: (V,)."""


def tokenize(train: str, validation: str, vocabulary: str | int) -> Tokens:
    """Return both texts in ids.

    Args:
        train: the tokenizer sees this alone.
        validation: held out. A character it alone has would be one that characters cannot write.
        vocabulary: "characters", or the size of a BPE vocabulary.
    """
    if vocabulary == "characters":
        letters = sorted(set(train))
        number = {letter: place for place, letter in enumerate(letters)}
        return Tokens(
            torch.tensor([number[letter] for letter in train]),
            torch.tensor([number[letter] for letter in validation]),
            [letter.encode() for letter in letters],
        )
    # Needed here alone: not every contender's environment has it.
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=int(vocabulary), initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(_pieces(train), trainer)
    byte_of = _byte_of_letter()
    names = [tokenizer.id_to_token(place) for place in range(tokenizer.get_vocab_size())]
    table = [bytes(byte_of[letter] for letter in name) for name in names]
    return Tokens(_encode(tokenizer, train), _encode(tokenizer, validation), table)


def _encode(tokenizer: object, text: str) -> Tensor:
    parts = tokenizer.encode_batch(_pieces(text))  # type: ignore[attr-defined]
    return torch.from_numpy(np.concatenate([np.array(part.ids, np.int64) for part in parts]))


def _pieces(text: str, size: int = 1 << 16) -> list[str]:
    """Cut a text behind line ends, so that no one string is long."""
    pieces, start = [], 0
    while start < len(text):
        end = text.find("\n", start + size)
        end = len(text) if end < 0 else end + 1
        pieces.append(text[start:end])
        start = end
    return pieces


def _byte_of_letter() -> dict[str, int]:
    """Return GPT-2's byte for each letter that stands for one (encoder.py, bytes_to_unicode)."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    moved = [byte for byte in range(256) if byte not in set(kept)]
    letters = {chr(byte): byte for byte in kept}
    return letters | {chr(256 + place): byte for place, byte in enumerate(moved)}
