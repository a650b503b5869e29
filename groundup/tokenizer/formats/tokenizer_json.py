"""Reading tokenizer.json: the byte-level BPE of GPT-2, Llama 3 and Qwen, and our characters.

The file describes a pipeline of exchangeable parts. What is read here gives the same ids as the
``tokenizers`` library; a part that would make ids differ is refused by name. Not read: the
post-processor (it adds tokens around a text; ``encode`` adds none).
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, Strict, ValidationError

from groundup.errors import UserError
from groundup.tokenizer.bpe import BPETokenizer
from groundup.tokenizer.bpe.byte_alphabet import merges_from_alphabet, tokens_from_alphabet
from groundup.tokenizer.bpe.patterns import GPT2
from groundup.tokenizer.characters import EVERY_CHARACTER, UNKNOWN, CharacterTokenizer
from groundup.tokenizer.interface import Tokenizer

Id = Annotated[int, Strict()]


class _AddedToken(BaseModel):
    id: Id
    content: str = Field(min_length=1)
    single_word: bool = False
    lstrip: bool = False
    rstrip: bool = False


class _BPE(BaseModel):
    vocab: dict[str, Id]
    merges: list[str | tuple[str, str]]
    dropout: float | None = None
    continuing_subword_prefix: str | None = None
    end_of_word_suffix: str | None = None
    byte_fallback: bool = False
    ignore_merges: bool = False


class _WordLevel(BaseModel):
    vocab: dict[str, Id]
    unk_token: str


class _File(BaseModel):
    truncation: dict[str, Any] | None = None
    padding: dict[str, Any] | None = None
    added_tokens: list[_AddedToken] = []
    normalizer: dict[str, Any] | None = None
    pre_tokenizer: dict[str, Any] | None = None
    decoder: dict[str, Any] | None = None
    model: dict[str, Any]


def read_tokenizer_json(path: Path) -> Tokenizer:
    """Read a tokenizer.json file.

    Every added token becomes a special token, also those not marked special in the file.

    Raises:
        UserError: the file is damaged, or has a part that groundup does not have; the message
            names the part.
    """
    try:
        file = _File.model_validate(json.loads(path.read_bytes()))
        _check_shared_parts(file)
        if file.model.get("type", "BPE") == "BPE":
            return _read_bpe(file, _BPE.model_validate(file.model))
        if file.model["type"] == "WordLevel":
            return _read_characters(file, _WordLevel.model_validate(file.model))
        raise _unsupported("model", file.model["type"])
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])).encode("unicode_escape").decode()
        raise UserError(f"{path}: not a valid tokenizer.json: {place}: {first['msg']}") from None
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    except (ValueError, RecursionError) as error:  # not JSON, not UTF-8, or nested too deep
        raise UserError(f"{path}: not JSON: {error}") from None


def _unsupported(part: str, what: Any) -> UserError:
    content = what if isinstance(what, str) else json.dumps(what)
    shown = content if len(content) <= 120 else content[:117] + "…"
    return UserError(f"groundup does not read {part} {shown}: use a byte-level BPE tokenizer")


def _check_shared_parts(file: _File) -> None:
    for part in ("truncation", "padding"):
        if (setting := getattr(file, part)) is not None:
            raise _unsupported(part, setting)
    for token in file.added_tokens:
        for flag in ("single_word", "lstrip", "rstrip"):
            if getattr(token, flag):
                raise _unsupported(f"{flag} of added token", repr(token.content))


def _read_bpe(file: _File, model: _BPE) -> BPETokenizer:
    for part in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"):
        if setting := getattr(model, part):
            raise _unsupported(f"model.{part}", setting)
    normalization: Literal["NFC"] | None = None
    if file.normalizer is not None:
        if file.normalizer != {"type": "NFC"}:
            raise _unsupported("normalizer", file.normalizer)
        normalization = "NFC"
    match file.decoder:
        case {"type": "ByteLevel"}:
            pass
        case other:
            raise _unsupported("decoder", other)
    merges: list[tuple[str, str]] = []
    for merge in model.merges:
        pair = tuple(merge.split(" ")) if isinstance(merge, str) else merge
        if len(pair) != 2:
            raise UserError(f"merge {merge!r} is not two tokens with a space between")
        merges.append(pair)
    ordinary, special_tokens = _separate(file, model.vocab)
    return BPETokenizer(
        tokens_from_alphabet(ordinary),
        merges_from_alphabet(merges),
        special_tokens,
        pattern=_read_pattern(file.pre_tokenizer),
        normalization=normalization,
        ignore_merges=model.ignore_merges,
    )


def _read_pattern(pre_tokenizer: dict[str, Any] | None) -> str:
    match pre_tokenizer:
        case {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}:
            return GPT2
        case {"type": "ByteLevel", "add_prefix_space": False, **rest} if "use_regex" not in rest:
            return GPT2  # written before the setting existed
        case {
            "type": "Sequence",
            "pretokenizers": [
                {
                    "type": "Split",
                    "pattern": {"Regex": str(pattern)},
                    "behavior": "Isolated",
                    "invert": False,
                },
                {"type": "ByteLevel", "add_prefix_space": False, "use_regex": False},
            ],
        }:
            return pattern
        case other:
            raise _unsupported("pre_tokenizer", other)


def _read_characters(file: _File, model: _WordLevel) -> CharacterTokenizer:
    if file.normalizer is not None:
        raise _unsupported("normalizer", file.normalizer)
    match file.pre_tokenizer:
        case {
            "type": "Split",
            "pattern": {"Regex": pattern},
            "behavior": "Isolated",
            "invert": False,
        } if pattern == EVERY_CHARACTER:
            pass
        case other:
            raise _unsupported("pre_tokenizer", other)
    if file.decoder != {"type": "Fuse"}:
        raise _unsupported("decoder", file.decoder)
    if model.unk_token != UNKNOWN:
        raise _unsupported("model.unk_token", model.unk_token)
    characters, special_tokens = _separate(file, model.vocab)
    for token in characters:
        if len(token) != 1:
            raise UserError(f"token {token!r} of a character vocabulary is not one character")
    return CharacterTokenizer(characters, special_tokens)


def _separate(file: _File, vocabulary: dict[str, int]) -> tuple[dict[str, int], dict[str, int]]:
    """Return ordinary and special tokens; a special one may be in both lists of the file."""
    special_tokens: dict[str, int] = {}
    for token in file.added_tokens:
        if vocabulary.get(token.content, token.id) != token.id or token.content in special_tokens:
            raise UserError(f"added token {token.content!r} has two ids")
        special_tokens[token.content] = token.id
    ordinary = {text: number for text, number in vocabulary.items() if text not in special_tokens}
    return ordinary, special_tokens
