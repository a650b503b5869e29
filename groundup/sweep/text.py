"""Corpus, tokenizer and tokens: made once for all trials that have them alike.

    sweep/shared/corpus-…/corpus                        of each corpus that is swept over
    sweep/shared/text-…/corpus, tokenizer, tokens       of each tokenizer on it
    sweep/trials/…/corpus, tokenizer, tokens, pretrain, base

What is shared is linked file by file (a hard link: no space, no time, and it stays when the other
name goes), so that a trial is a run like any other. A stage replaces its files and never writes
into them, so that no trial can change another's.
"""

import os
import shutil
from pathlib import Path

from groundup.errors import UserError
from groundup.files import atomic_folder, fingerprint
from groundup.recipe import Recipe, run_recipe
from groundup.recipe.run import current_records
from groundup.recipe.stage import RECORD

STAGES = ("corpus", "tokenizer", "tokens")


def make_text(recipe: Recipe, folder: Path) -> Recipe:
    """Bring the tokens of a recipe up to date in ``folder``; return the recipe of where they are.

    Raises:
        UserError: one of the stages cannot do its work.
        InterruptedRun: the user stopped it and its state is saved.
    """
    names = [recipe.corpus.model_dump(mode="json", exclude={"workers"})]
    corpus = _at(recipe, folder, f"corpus-{fingerprint(names)}")
    run_recipe(corpus, only="corpus")
    names.append(recipe.tokenizer.model_dump(mode="json"))
    text = _at(recipe, folder, f"text-{fingerprint(names)}")
    _link("corpus", corpus, text)
    for stage in ("tokenizer", "tokens"):
        run_recipe(text, only=stage)
    return text


def tokens_of(text: Recipe) -> str:
    """Return the fingerprint of the tokens that ``make_text`` made.

    Raises:
        UserError: they are no longer those of the sources.
    """
    records = current_records(text)
    if "tokens" not in records:
        raise UserError("the text has changed since the sweep began; run the same command again")
    content: str = records["tokens"]["content"]
    return content


def link_text(text: Recipe, trial: Recipe) -> None:
    """Give a trial the shared stages."""
    for stage in STAGES:
        _link(stage, text, trial)


def _at(recipe: Recipe, folder: Path, name: str) -> Recipe:
    return recipe.model_copy(update={"runs": folder, "name": name})


def _link(stage: str, source: Recipe, target: Recipe) -> None:
    old, new = source.folder / stage, target.folder / stage
    try:
        if (old / RECORD).read_bytes() == (new / RECORD).read_bytes():
            return
    except FileNotFoundError:
        pass
    with atomic_folder(new) as temporary:
        shutil.copytree(old, temporary, copy_function=_link_file, dirs_exist_ok=True)


def _link_file(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copy2(source, target)
