"""Train a linear classifier that tells toxic, spam or good texts from others.

From texts of either kind, or from a labelled file:

    groundup corpus classifier good.safetensors --label good --positive books/ --negative crawl/
    groundup corpus classifier toxic.safetensors --label toxic --examples tweets.csv.gz
        --text-field tweet --label-field class --classes hate offensive
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from groundup.cli.flags import parse_options
from groundup.corpus import CorpusConfig
from groundup.corpus.classify import ClassifierConfig, ExamplesConfig
from groundup.errors import UsageError
from groundup.files import expand_user
from groundup.progress import progress_bar

if TYPE_CHECKING:
    from groundup.corpus.classify.examples import Examples
    from groundup.corpus.classify.model import Classifier

PROGRAM = "groundup corpus classifier FILE"

Names = tuple[str, ...]


def _option(kind: Any, text: str) -> Any:
    return Annotated[kind, tyro.conf.arg(help=text)]


OPTIONS: tuple[tuple[str, Any, Any], ...] = (
    (
        "positive",
        _option(
            Names,
            "Sources of texts that the label is true of: files, folders, globs, addresses, as in a "
            "recipe. Pages are extracted.",
        ),
        (),
    ),
    (
        "negative",
        _option(
            Names,
            "Sources of texts that it is not true of. With --examples: more of them, such as the "
            "kind of text that the classifier will meet, for what it never saw is as likely "
            "positive as not.",
        ),
        (),
    ),
    (
        "examples",
        _option(
            str | None,
            "A file of labelled texts in place of --positive: .jsonl, .csv, .tsv, plain or in .gz "
            "or .xz.",
        ),
        None,
    ),
    ("classes", _option(Names, "The classes in --examples of which the label is true."), ()),
    ("text_field", _option(str, "The field that holds the text."), "text"),
    ("label_field", _option(str, "The field in --examples that holds the class."), "label"),
    (
        "header",
        _option(bool, "The first line of a .csv or .tsv names its fields; else they are 1, 2, …"),
        True,
    ),
    (
        "label",
        _option(str, "What positive texts are called: toxic, spam, good. Reports say it."),
        "positive",
    ),
    (
        "max_texts",
        _option(int, "Texts that are taken of --positive, and of --negative, at random."),
        100_000,
    ),
)


def main(arguments: Sequence[str]) -> int:
    """Train a classifier from the command line, save it and print what it is worth."""
    words = list(arguments)
    path = None if not words or words[0].startswith("-") else expand_user(words.pop(0))
    if path is None and not {"--help", "-h"} & set(words):
        raise UsageError(f"which file is it written to? It comes first: {PROGRAM} …")
    defaults = ClassifierConfig()
    options, given = parse_options(words, defaults, OPTIONS, PROGRAM, about=__doc__)
    assert path is not None, "parse has printed the help and left"
    _check(options, path)
    try:
        config = ClassifierConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"--{key.replace('_', '-')}: {said}" if key else said) from None
    _train(options, config, path)
    return 0


def _check(options: Any, path: Path) -> None:
    """Refuse options that say too little or too much, before anything is read."""
    if bool(options.examples) == bool(options.positive):
        raise UsageError("give --positive and --negative, or --examples: where are the texts?")
    if options.positive and not options.negative:
        raise UsageError("--positive needs --negative: texts that the label is not true of")
    if bool(options.examples) != bool(options.classes):
        raise UsageError("--examples and --classes go together: which classes are positive?")
    if options.max_texts < 1:
        raise UsageError(f"--max-texts {options.max_texts}: say how many, 1 or more")
    if path.suffix != ".safetensors":
        raise UsageError(f"{path}: a classifier is a .safetensors file; name it so")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it first")


def _train(options: Any, config: ClassifierConfig, path: Path) -> None:
    from groundup.corpus.classify.train import train

    with progress_bar() as progress:
        examples = _read(options, config, progress)
        task = progress.add_task("train", total=None, unit="")
        classifier = train(examples, config)
        progress.remove_task(task)
    classifier.save(path)
    out = Console()
    out.print(report_table(classifier))
    lines = ["use it in a recipe:", "  [[corpus.classifiers]]", f'  path = "{path}"']
    for line in lines:
        out.print(line, highlight=False, markup=False, soft_wrap=True)


def _read(options: Any, config: ClassifierConfig, progress: Any) -> "Examples":
    import numpy as np

    from groundup.corpus.classify.examples import Examples, read_examples
    from groundup.corpus.labelled import sample_texts

    def texts(sources: Names) -> list[str]:
        corpus = CorpusConfig.model_validate(
            {
                "sources": sources,
                "text_field": "text" if options.examples else options.text_field,
                "extract": {"mode": "fast"},
            }
        )
        return sample_texts(corpus, options.max_texts, progress, config.seed)

    negative = texts(options.negative) if options.negative else []
    if options.examples:
        found = read_examples(
            ExamplesConfig(
                path=options.examples,
                text_field=options.text_field,
                label_field=options.label_field,
                positive={options.label: options.classes},
                header=options.header,
            )
        )
        return found.with_negatives(negative)
    positive = texts(options.positive)
    truth = np.arange(len(positive) + len(negative)) < len(positive)
    return Examples([*positive, *negative], truth[:, None], (options.label,))


def report_table(classifier: "Classifier") -> Table:
    """Return how good a classifier is, on examples that nothing was fitted on."""
    table = Table(title="on examples held out", title_justify="left", show_header=False)
    table.add_column("what")
    table.add_column("value", justify="right")
    for label in classifier.header.labels:
        report, decision = label.report, label.report.decision
        total = report.num_train + report.num_calibration + report.num_test
        for what, value in (
            ("label", label.name),
            ("examples", f"{report.num_test:,} of {total:,}, {report.positive:.1%} positive"),
            ("AUC", f"{report.auc:.4f}"),
            ("average precision", f"{report.average_precision:.4f}"),
            ("threshold", f"{label.threshold:.3f}"),
            ("precision there", f"{decision.precision:.3f}"),
            ("recall there", f"{decision.recall:.3f}"),
            ("false positives there", f"{decision.false_positive_rate:.2%} of the negatives"),
            ("calibration error", f"{report.calibration_error:.3f}"),
        ):
            table.add_row(what, value)
    return table
