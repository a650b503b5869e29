"""The stages of a run, in order: each reads folders of the earlier ones and fills its own."""

from functools import partial
from pathlib import Path
from typing import Any

from groundup.corpus import build_corpus, read_documents, source_fingerprint
from groundup.data import tokenize_documents
from groundup.recipe.evaluate import evaluate, evaluate_summary
from groundup.recipe.pretrain import BASE, prepare_pretrain, pretrain_inputs, pretrain_summary
from groundup.recipe.schema import Recipe
from groundup.recipe.stage import Fill, Stage
from groundup.tokenizer import load_tokenizer, train_tokenizer


def _corpus_inputs(recipe: Recipe) -> dict[str, Any]:
    return {
        "config": recipe.corpus.model_dump(mode="json"),
        "sources": source_fingerprint(recipe.corpus),
    }


def _corpus_summary(result: dict[str, Any]) -> str:
    return f"{result['documents']:,} documents, {result['bytes'] / 1e6:,.1f} MB"


def _make_tokenizer(recipe: Recipe, folder: Path) -> dict[str, Any]:
    texts = (document.text for document in read_documents(recipe.folder / "corpus", "train"))
    tokenizer = train_tokenizer(recipe.tokenizer, texts)
    tokenizer.save(folder)
    return {"vocab_size": tokenizer.vocab_size, "fingerprint": tokenizer.fingerprint}


def _prepare_tokens(recipe: Recipe) -> Fill:
    tokenizer = load_tokenizer(recipe.folder / "tokenizer")
    return partial(tokenize_documents, recipe.folder / "corpus", tokenizer)


def _tokens_summary(result: dict[str, Any]) -> str:
    train, validation = result["train"], result["validation"]
    held_out = f"{validation['tokens']:,} held out"
    return f"{train['tokens']:,} tokens, {held_out}, {train['bytes_per_token']:.2f} bytes each"


STAGES: tuple[Stage, ...] = (
    Stage(
        name="corpus",
        command="corpus",
        version=1,
        inputs=_corpus_inputs,
        prepare=lambda recipe: partial(build_corpus, recipe.corpus),
        summary=_corpus_summary,
    ),
    Stage(
        name="tokenizer",
        command="tokenizer",
        version=1,
        inputs=lambda recipe: {"config": recipe.tokenizer.model_dump(mode="json")},
        prepare=lambda recipe: partial(_make_tokenizer, recipe),
        summary=lambda result: f"vocabulary of {result['vocab_size']:,}",
    ),
    Stage(
        name="tokens",
        command="tokenize",
        version=1,
        inputs=lambda _: {},
        prepare=_prepare_tokens,
        summary=_tokens_summary,
    ),
    Stage(
        name="pretrain",
        command="pretrain",
        version=1,
        inputs=pretrain_inputs,
        prepare=prepare_pretrain,
        summary=pretrain_summary,
        in_place=True,
        writes_also=BASE,
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
    ),
)
"""corpus → tokenizer → tokens → pretrain → evaluate."""
