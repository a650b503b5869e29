"""What rank files leave out, for the published ones: the split pattern and the special tokens.

A rank file holds tokens only. Its users keep the rest in code, and find it by the file's name.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from groundup.tokenizer.bpe.patterns import CL100K, GPT2, LLAMA3, O200K, pattern_text
from groundup.tokenizer.special_tokens import END_OF_TEXT, IM_END, IM_START


@dataclass(frozen=True)
class Encoding:
    """One published rank file and what belongs to it."""

    num_ranks: int
    """Tokens in the file: another number, and it is another file of the same name."""
    pattern: str
    special_tokens: Mapping[str, int] = field(default_factory=dict)
    normalization: Literal["NFC"] | None = None


def published_encodings() -> dict[str, Encoding]:
    """Return what is known, by file name.

    Sources: ``tiktoken_ext/openai_public.py`` in openai/tiktoken, ``models/llama3/tokenizer.py`` in
    meta-llama/llama-models, ``tokenization_qwen.py`` in Qwen/Qwen-7B.
    """
    # tiktoken writes GPT-2's pattern in another way that cuts alike; tokenizer.json knows this one.
    r50k = Encoding(50_256, GPT2, {END_OF_TEXT: 50_256})
    o200k = Encoding(199_998, O200K, {END_OF_TEXT: 199_999, "<|endofprompt|>": 200_018})
    return {
        "gpt2.tiktoken": r50k,
        "r50k_base.tiktoken": r50k,
        "p50k_base.tiktoken": Encoding(50_280, GPT2, r50k.special_tokens),
        "cl100k_base.tiktoken": Encoding(
            100_256,
            CL100K,
            {
                END_OF_TEXT: 100_257,
                "<|fim_prefix|>": 100_258,
                "<|fim_middle|>": 100_259,
                "<|fim_suffix|>": 100_260,
                "<|endofprompt|>": 100_276,
            },
        ),
        "o200k_base.tiktoken": o200k,
        "o200k_harmony.tiktoken": Encoding(199_998, O200K, _harmony()),
        "tokenizer.model": Encoding(128_000, LLAMA3, _llama3()),
        "qwen.tiktoken": Encoding(151_643, pattern_text("llama3", 1), _qwen(), "NFC"),
    }


def _harmony() -> dict[str, int]:
    """gpt-oss: 1,090 special tokens, most of them reserved."""
    names = {number: f"<|reserved_{number}|>" for number in range(200_000, 201_088)}
    names |= {
        199_998: "<|startoftext|>",
        199_999: END_OF_TEXT,
        200_002: "<|return|>",
        200_003: "<|constrain|>",
        200_005: "<|channel|>",
        200_006: "<|start|>",
        200_007: "<|end|>",
        200_008: "<|message|>",
        200_012: "<|call|>",
        200_018: "<|endofprompt|>",  # tiktoken also calls it <|reserved_200018|>
    }
    return {name: number for number, name in sorted(names.items())}


def _llama3() -> dict[str, int]:
    """Llama 3.1 and later: 256 special tokens; Llama 3.0 calls some of them reserved still."""
    named = [
        *("<|begin_of_text|>", "<|end_of_text|>"),
        *("<|reserved_special_token_0|>", "<|reserved_special_token_1|>"),
        *("<|finetune_right_pad_id|>", "<|step_id|>", "<|start_header_id|>", "<|end_header_id|>"),
        *("<|eom_id|>", "<|eot_id|>", "<|python_tag|>", "<|image|>"),
    ]
    reserved = [f"<|reserved_special_token_{2 + i}|>" for i in range(256 - len(named))]
    return {name: 128_000 + i for i, name in enumerate(named + reserved)}


def _qwen() -> dict[str, int]:
    """Qwen 1: 208 special tokens."""
    names = [END_OF_TEXT, IM_START, IM_END, *(f"<|extra_{i}|>" for i in range(205))]
    return {name: 151_643 + i for i, name in enumerate(names)}
