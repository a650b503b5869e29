"""Training a classifier from the command line."""

import json
from pathlib import Path
from random import Random

import numpy as np
import pytest

from groundup.cli import main

CALM = "the river ran slowly past the old mill and the children fed the ducks at noon"
LOUD = "buy now cheap pills win cash prize click free offer limited deal call today"


def sentences(words: str, count: int, seed: int) -> list[str]:
    random = Random(seed)
    return [" ".join(random.choices(words.split(), k=12)) for _ in range(count)]


def write_rows(path: Path, texts: list[str]) -> str:
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(path)


def test_texts_of_two_kinds_make_a_classifier_that_tells_them_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    from groundup.corpus.classify.model import load_classifier

    good = write_rows(tmp_path / "good.jsonl", sentences(CALM, 200, 1))
    (tmp_path / "web").mkdir()
    for number, text in enumerate(sentences(LOUD, 200, 2)):
        page = f"<html><body><nav>Home</nav><article><p>{text}.</p></article></body></html>"
        (tmp_path / "web" / f"{number}.html").write_text(page)
    path = tmp_path / "good.safetensors"
    words = ["corpus", "classifier", str(path), "--label", "good", "--positive", good]
    assert main([*words, "--negative", str(tmp_path / "web"), "--epochs", "2"]) == 0

    classifier = load_classifier(path)
    assert classifier.header.config.epochs == 2
    assert classifier.names == ("good",)
    said = classifier.probabilities([sentences(CALM, 1, 3)[0], sentences(LOUD, 1, 3)[0]])[:, 0]
    threshold = classifier.header.labels[0].threshold
    assert said[0] >= threshold > said[1]
    shown = capsys.readouterr().out
    assert "of 400, " in shown  # each page and each row is an example
    assert f'path = "{path}"' in shown


def test_labelled_file_and_more_negatives_make_a_classifier(tmp_path: Path):
    from groundup.corpus.classify.model import load_classifier

    rows = [f"spam\t{text}" for text in sentences(LOUD, 150, 1)]
    rows += [f"ham\t{text}" for text in sentences(CALM, 150, 2)]
    (tmp_path / "messages.tsv").write_text("\n".join(rows))
    prose = write_rows(tmp_path / "prose.jsonl", sentences(f"prose {CALM}", 100, 4))
    path = tmp_path / "spam.safetensors"
    words = ["corpus", "classifier", str(path), "--label", "spam", "--classes", "spam"]
    words += ["--examples", str(tmp_path / "messages.tsv"), "--no-header"]
    assert main([*words, "--text-field", "2", "--label-field", "1", "--negative", prose]) == 0
    report = load_classifier(path).header.labels[0].report
    assert report.num_train + report.num_calibration + report.num_test == 400
    assert report.auc > 0.99


def test_sample_of_many_texts_takes_each_as_often_as_any_other(tmp_path: Path):
    from groundup.corpus import CorpusConfig
    from groundup.corpus.labelled import sample_texts
    from groundup.progress import progress_bar

    source = write_rows(tmp_path / "all.jsonl", [f"text {number}" for number in range(40)])
    config = CorpusConfig(sources=(source,))
    taken = np.zeros(40, int)
    with progress_bar() as progress:
        for seed in range(300):
            texts = sample_texts(config, 10, progress, seed)
            assert len(set(texts)) == 10
            taken[[int(text.split()[1]) for text in texts]] += 1
    # 300 draws at 1/4: a mean of 75, a standard deviation of 7.5
    assert taken.sum() == 3000
    assert taken.min() > 75 - 5 * 7.5
    assert taken.max() < 75 + 5 * 7.5


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([], 2, "which file is it written to?"),
        (["a.safetensors"], 2, "where are the texts?"),
        (["a.safetensors", "--positive", "a"], 2, "--positive needs --negative"),
        (["a.bin", "--positive", "a", "--negative", "b"], 2, "name it so"),
        (["a.safetensors", "--examples", "a.csv"], 2, "--examples and --classes go together"),
        (["a.safetensors", "--examples", "a", "--classes", "b", "--prior", "2"], 2, "--prior: "),
        (["a.safetensors", "--examples", "a", "--classes", "b", "--epoch", "2"], 2, "--epochs?"),
        (["a.safetensors", "--positive", "no", "--negative", "no"], 1, "no does not exist"),
        (["no/a.safetensors", "--positive", "a", "--negative", "b"], 2, "there is no folder no"),
    ],
)
def test_mistakes_are_one_line(
    words: list[str],
    code: int,
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    assert main(["corpus", "classifier", *words]) == code
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error
