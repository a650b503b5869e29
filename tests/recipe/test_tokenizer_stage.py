"""The tokenizer's stage leaves a tokenizer, a report on it, and its key figures."""

import json
from pathlib import Path

import pytest

from groundup.recipe import read_recipe, run_recipe
from groundup.recipe.stages import STAGES
from groundup.tokenizer import load_tokenizer

SUMMARY = next(stage.summary for stage in STAGES if stage.name == "tokenizer")


def test_the_report_is_saved_shown_and_summed_up(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = read_recipe(place / "tiny.toml")
    run_recipe(recipe, only="corpus")
    (outcome,) = run_recipe(recipe, only="tokenizer")

    folder = recipe.folder / "tokenizer"
    report = json.loads((folder / "report.json").read_text())
    assert report["vocab_size"] == load_tokenizer(folder).vocab_size
    record = json.loads((folder / "stage.json").read_text())
    assert record["result"] == outcome.result
    for figure in ("vocab_size", "bytes_per_token", "tokens_per_word", "vocabulary_use"):
        assert outcome.result[figure] == report[figure]
    assert outcome.result["undertrained"] == report["undertrained"]["count"]
    shown = capsys.readouterr().err
    assert "suggested size" in shown
    assert SUMMARY(outcome.result) in shown
    assert "tokens per word" in SUMMARY(outcome.result)


def test_a_tokenizer_of_characters_has_no_report(place: Path) -> None:
    changes = {"tokenizer": {"kind": "characters"}}
    recipe = read_recipe(place / "tiny.toml", changes)
    run_recipe(recipe, only="corpus")
    (outcome,) = run_recipe(recipe, only="tokenizer")
    assert not (recipe.folder / "tokenizer" / "report.json").exists()
    assert SUMMARY(outcome.result) == f"vocabulary of {outcome.result['vocab_size']}"
