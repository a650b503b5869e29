"""The stages of a run, in order: each reads folders of the earlier ones and fills its own."""

import hashlib
from functools import partial
from pathlib import Path
from typing import Any, get_args

from groundup.corpus import (
    Split,
    build_corpus,
    read_documents,
    row_groups,
    source_fingerprint,
)
from groundup.data import TokenShards, tokenize_documents
from groundup.files import fingerprint, write_json
from groundup.progress import console
from groundup.recipe.evaluate import evaluate, evaluate_summary
from groundup.recipe.pretrain import (
    base_fingerprint,
    goes_on,
    prepare_pretrain,
    pretrain_inputs,
    pretrain_summary,
)
from groundup.recipe.schema import Recipe
from groundup.recipe.stage import Fill, InterruptedRun, Stage
from groundup.tokenizer import Tokenizer, load_tokenizer, train_tokenizer


def _corpus_inputs(recipe: Recipe) -> dict[str, Any]:
    return {
        "config": recipe.corpus.model_dump(mode="json", exclude={"workers"}),
        "sources": source_fingerprint(recipe.corpus),
    }


def _make_corpus(recipe: Recipe, folder: Path) -> dict[str, Any]:
    try:
        result = build_corpus(recipe.corpus, folder)
    except KeyboardInterrupt:
        line = "interrupted while building the corpus; saved; run the same command to resume"
        raise InterruptedRun(line) from None
    content = hashlib.sha256()
    for split in get_args(Split):
        content.update(split.encode())
        for document in read_documents(folder, split, columns=["id"]):
            content.update(document.id.encode())
    return result | {"content": content.hexdigest()[:16]}


def _corpus_summary(result: dict[str, Any]) -> str:
    number = result["documents"]
    plural = "" if number == 1 else "s"
    return f"{number:,} document{plural}, {result['bytes'] / 1e6:,.1f} MB"


def _make_tokenizer(recipe: Recipe, folder: Path) -> dict[str, Any]:
    groups = row_groups(recipe.folder / "corpus", "train")
    texts = (text for group in groups for text in group.texts()[0])
    text_bytes = sum(group.stored_bytes for group in groups)
    tokenizer, report = train_tokenizer(recipe.tokenizer, texts, text_bytes=text_bytes)
    tokenizer.save(folder)
    figures = {"vocab_size": tokenizer.vocab_size}
    if report is not None:
        write_json(folder / "report.json", report.to_json())
        console.print(report.table())
        figures = report.key_figures()
    return figures | {"content": tokenizer.fingerprint}


def _tokenizer_summary(result: dict[str, Any]) -> str:
    size = f"vocabulary of {result['vocab_size']:,}"
    if "bytes_per_token" not in result:
        return size
    length, fertility = result["bytes_per_token"], result["tokens_per_word"]
    return f"{size}, {length:.2f} bytes per token, {fertility:.2f} tokens per word"


def _prepare_tokens(recipe: Recipe) -> Fill:
    tokenizer = load_tokenizer(recipe.folder / "tokenizer")
    return partial(_make_tokens, recipe.folder / "corpus", tokenizer)


def _make_tokens(corpus: Path, tokenizer: Tokenizer, folder: Path) -> dict[str, Any]:
    try:
        result = tokenize_documents(corpus, tokenizer, folder, resume=True)
    except KeyboardInterrupt:
        line = "interrupted while tokenizing; saved; run the same command to resume"
        raise InterruptedRun(line) from None
    splits = [TokenShards.open(folder, split).fingerprint for split in get_args(Split)]
    return result | {"content": fingerprint(splits)}


def _tokens_summary(result: dict[str, Any]) -> str:
    train, validation = result["train"], result["validation"]
    documents = train["documents"] + validation["documents"]
    return (
        f"{documents:,} documents, {train['tokens']:,} tokens, "
        f"{validation['tokens']:,} held out, {train['bytes_per_token']:.2f} bytes each, "
        f"{result['megabytes_per_second']:,.1f} MB/s"
    )


STAGES: tuple[Stage, ...] = (
    Stage(
        name="corpus",
        command="corpus",
        version=2,
        inputs=_corpus_inputs,
        prepare=lambda recipe: partial(_make_corpus, recipe),
        summary=_corpus_summary,
        resumable=True,
    ),
    Stage(
        name="tokenizer",
        command="tokenizer",
        version=1,
        inputs=lambda recipe: {"config": recipe.tokenizer.model_dump(mode="json")},
        prepare=lambda recipe: partial(_make_tokenizer, recipe),
        summary=_tokenizer_summary,
        reads=("corpus",),
    ),
    Stage(
        name="tokens",
        command="tokenize",
        version=2,
        inputs=lambda _: {},
        prepare=_prepare_tokens,
        summary=_tokens_summary,
        reads=("corpus", "tokenizer"),
        resumable=True,
    ),
    Stage(
        name="pretrain",
        command="pretrain",
        version=1,
        inputs=pretrain_inputs,
        prepare=prepare_pretrain,
        summary=pretrain_summary,
        reads=("tokens",),
        in_place=True,
        prolongs=goes_on,
        elsewhere=base_fingerprint,
    ),
    Stage(
        name="evaluate",
        command="evaluate",
        version=1,
        inputs=lambda recipe: {
            "config": recipe.evaluate.model_dump(mode="json"),
            "seed": recipe.seed,
        },
        prepare=lambda recipe: partial(evaluate, recipe),
        summary=evaluate_summary,
        reads=("pretrain",),
    ),
)
"""corpus → tokenizer → tokens → pretrain → evaluate."""
