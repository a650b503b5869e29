"""Prompts → text: sampling, the KV-cached decoding loop, batches, streaming."""

from groundup.generate.completion import Completion, generate, stream
from groundup.generate.decode import Row, decode, evaluating, generate_ids, make_rows
from groundup.generate.sampling import SamplingConfig
from groundup.generate.terminal import show

__all__ = [
    "Completion",
    "Row",
    "SamplingConfig",
    "decode",
    "evaluating",
    "generate",
    "generate_ids",
    "make_rows",
    "show",
    "stream",
]
