"""Files in which tokenizers travel: Hugging Face's, GPT-2's and tiktoken's."""

from groundup.tokenizer.formats.gpt2_files import (
    GPT2_FILE_NAMES,
    read_gpt2_files,
    write_gpt2_files,
)
from groundup.tokenizer.formats.tiktoken_file import read_tiktoken, write_tiktoken
from groundup.tokenizer.formats.tokenizer_json import read_tokenizer_json

__all__ = [
    "GPT2_FILE_NAMES",
    "read_gpt2_files",
    "read_tiktoken",
    "read_tokenizer_json",
    "write_gpt2_files",
    "write_tiktoken",
]
