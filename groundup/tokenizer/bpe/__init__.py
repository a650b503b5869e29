"""Byte-pair encoding: from a split pattern and counted words to ids, in compiled Python."""

from groundup.tokenizer.bpe.tokenizer import BPETokenizer

__all__ = ["BPETokenizer"]
