"""Text ↔ token ids: characters and byte-level BPE, trained here or read from tokenizer.json."""

from groundup.tokenizer.bpe import BPETokenizer
from groundup.tokenizer.characters import CharacterTokenizer
from groundup.tokenizer.config import TokenizerConfig
from groundup.tokenizer.interface import TOKENIZER_FILES, Tokenizer
from groundup.tokenizer.load import load_tokenizer
from groundup.tokenizer.special_tokens import END_OF_TEXT
from groundup.tokenizer.train import train_tokenizer

__all__ = [
    "END_OF_TEXT",
    "TOKENIZER_FILES",
    "BPETokenizer",
    "CharacterTokenizer",
    "Tokenizer",
    "TokenizerConfig",
    "load_tokenizer",
    "train_tokenizer",
]
