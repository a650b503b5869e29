"""tiktoken's rank files: a line for each token, in base64, with the rank that is also its id."""

import binascii
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

from groundup.errors import UserError
from groundup.files import write_atomic
from groundup.tokenizer.bpe import BPETokenizer
from groundup.tokenizer.formats.recover_merges import recover_merges
from groundup.tokenizer.formats.tiktoken_encodings import Encoding, published_encodings
from groundup.tokenizer.formats.untrusted import clip, read_bytes, reading

MAX_RANK_FILE_BYTES = 20_000_000
"""Largest rank file that is read; o200k_base, with 200,000 tokens, has 3.6 MB."""


def read_tiktoken(
    path: Path, *, pattern: str | None = None, special_tokens: Mapping[str, int] | None = None
) -> BPETokenizer:
    """Read a rank file; ids are those that tiktoken gives.

    Ids that neither a rank nor a special token has become special tokens ``<|reserved_ID|>``, so
    that the vocabulary is as large as tiktoken's ``n_vocab``, and a model has a row for each.

    Args:
        path: the rank file.
        pattern: regular expression that cuts text into pre-tokens. None: that of the published
            file of this name (gpt2, r50k_base, p50k_base, cl100k_base, o200k_base, o200k_harmony
            and qwen, all ``.tiktoken``, and Llama 3's ``tokenizer.model``).
        special_tokens: text to id. None: those of the published file of this name, or none.

    Raises:
        UserError: the file is damaged, or no published one and ``pattern`` is not given.
    """
    with reading(path):
        ranks = _read_ranks(path)
        known = published_encodings().get(path.name)
        if known is None or known.num_ranks != len(ranks):
            if pattern is None:
                raise UserError(
                    f"its {len(ranks)} tokens are not those of a published file of this name, and "
                    "it does not say how text is split: call read_tiktoken with a pattern"
                )
            known = Encoding(len(ranks), pattern)
        if special_tokens is None:
            special_tokens = known.special_tokens
        return BPETokenizer(
            ranks,
            recover_merges(ranks),
            _without_gaps(ranks, special_tokens),
            pattern=known.pattern if pattern is None else pattern,
            normalization=known.normalization,
            ignore_merges=True,
        )


def _read_ranks(path: Path) -> dict[bytes, int]:
    ranks: dict[bytes, int] = {}
    tokens: dict[int, bytes] = {}
    for number, line in enumerate(read_bytes(path, MAX_RANK_FILE_BYTES).split(b"\n"), start=1):
        match line.split():
            case []:
                continue
            case [text, digits] if digits.isdigit() and len(digits) < 10:
                rank = int(digits)
            case _:
                shown = clip(repr(line[:60]))
                raise UserError(
                    f"line {number} is not a token in base64 and its rank: {shown} "
                    "(a SentencePiece model is not read)"
                )
        try:
            token = binascii.a2b_base64(text, strict_mode=True)
        except binascii.Error as error:
            raise UserError(f"line {number} is not base64: {str(error).lower()}") from None
        if token in ranks:
            raise UserError(f"line {number} repeats the token of rank {ranks[token]}")
        if rank in tokens:
            raise UserError(f"line {number} repeats rank {rank}")
        ranks[token], tokens[rank] = rank, token
    if not ranks:
        raise UserError("holds no token")
    return ranks


def _without_gaps(ranks: Mapping[bytes, int], special_tokens: Mapping[str, int]) -> dict[str, int]:
    """Return the special tokens and a reserved one for each id that nothing has."""
    used = {*ranks.values(), *special_tokens.values()}
    size = max(used) + 1
    if size > 2 * len(used):
        raise UserError(f"{len(used)} tokens have ids up to {size - 1}: most ids are missing")
    reserved = {f"<|reserved_{number}|>": number for number in range(size) if number not in used}
    return {**special_tokens, **reserved}


def write_tiktoken(tokenizer: BPETokenizer, path: Path) -> None:
    """Write a rank file, with which tiktoken gives the ids that ``tokenizer`` gives.

    The file holds neither the pattern nor the special tokens nor a normal form: whoever reads it
    needs them too.

    Raises:
        UserError: ranks cannot say how the tokens merge.
    """
    if tokenizer.alphabet != "bytes":
        raise UserError("a rank file holds merges of bytes: save this tokenizer of characters")
    merges = recover_merges(tokenizer.tokens)
    for ours, theirs in zip_longest(tokenizer.merges, merges):
        if ours != theirs:
            token = b"".join(ours or theirs).decode(errors="backslashreplace")
            raise UserError(
                f"as ranks, the ids would make other merges ({clip(repr(token))} is the first): "
                "save this tokenizer as a tokenizer.json"
            )
    if not tokenizer.ignore_merges and len(merges) + 256 < len(tokenizer.tokens):
        raise UserError("a token that no merge makes: save this tokenizer as a tokenizer.json")
    by_rank = sorted(tokenizer.tokens.items(), key=lambda item: item[1])
    lines = [b"%s %d\n" % (binascii.b2a_base64(token, newline=False), n) for token, n in by_rank]
    write_atomic(path, b"".join(lines))
