"""Finding the tokenizer in a folder."""

from pathlib import Path

from groundup.errors import UserError
from groundup.tokenizer.formats.gpt2_files import GPT2_FILE_NAMES, read_gpt2_files
from groundup.tokenizer.formats.tokenizer_json import read_tokenizer_json
from groundup.tokenizer.interface import Tokenizer


def load_tokenizer(path: Path) -> Tokenizer:
    """Load a tokenizer from a model folder, a ``tokenizer.json``, or a folder of GPT-2's files.

    Raises:
        UserError: nothing there can be read; the message says what and why.
    """
    try:
        if path.is_file():
            return read_tokenizer_json(path)
        if (path / "tokenizer.json").is_file():
            return read_tokenizer_json(path / "tokenizer.json")
        for vocabulary, merges in GPT2_FILE_NAMES:
            if (path / vocabulary).is_file() and (path / merges).is_file():
                return read_gpt2_files(path / vocabulary, path / merges)
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if not path.exists():
        raise UserError(f"{path}: no such file or folder: give a folder with a tokenizer.json")
    raise UserError(f"{path}: no tokenizer.json in this folder: train a tokenizer or name another")
