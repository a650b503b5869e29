"""The steps that look at one document at a time, in the order in which they run.

Each takes the records of a batch and says of each whether it stays; a step that edits changes the
records' texts. What it decides depends on the record alone, never on the batch around it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from groundup.corpus.benchmarks import read_benchmarks
from groundup.corpus.blank import is_blank
from groundup.corpus.classify import RuleConfig
from groundup.corpus.config import CorpusConfig
from groundup.corpus.filters.check import Check
from groundup.corpus.measures import Measures
from groundup.corpus.record import Record
from groundup.corpus.sections import (
    DecontaminateConfig,
    ExtractSection,
    FiltersConfig,
    LanguageSection,
    PiiSection,
)
from groundup.files import expand_user

if TYPE_CHECKING:
    from groundup.corpus.decontaminate import Decontaminator
    from groundup.corpus.extract import ExtractionPool
    from groundup.corpus.filters.rule import Chain

READ = "read"
"""The first step of every corpus: rows of files become texts."""

Verdicts = list[str | None]
"""For each record None to keep it, else the reason why not."""


@dataclass(frozen=True)
class Step:
    """A step and its name in the funnel."""

    name: str
    run: Callable[[Sequence[Record]], Verdicts]
    errors: frozenset[str] = frozenset()
    """The reasons that mean: could not be judged, something is wrong with it."""


def make_steps(config: CorpusConfig) -> list[Step]:
    """Return the steps that a configuration asks for, with the models and tables they need.

    Raises:
        UserError: a model or a list cannot be read, or a package is missing.
    """
    steps = [Step("blank", drop_blank)]
    if config.extract.mode != "off":
        extract = Extract(config.extract)
        steps.append(Step("extract", extract, extract.errors))
    if config.normalize:
        steps.append(Step("normalize", _normalize))
    if config.language.allowed:
        steps.append(Step("language", _language(config.language)))
    if config.filters.rules:
        steps += _filters(config.filters)
    for rule in config.classifiers:
        name = f"classifier {Path(rule.path).stem}"
        steps.append(Step(name, _classifier(rule, name)))
    if config.pii.kinds:
        steps.append(Step("pii", _masker(config.pii)))
    if config.decontaminate.benchmarks:
        steps.append(Step("decontaminate", Decontaminate(config.decontaminate)))
    return steps


def drop_blank(records: Sequence[Record]) -> Verdicts:
    """Drop texts that are empty or hold nothing but white space."""
    return ["blank" if is_blank(record.text) else None for record in records]


class Filters:
    """Runs rules that look at texts; tells what they measured."""

    def __init__(self, chain: "Chain", name: str) -> None:
        self._chain, self._name = chain, name
        self.measures = Measures()
        """What the last call measured."""

    def __call__(self, records: Sequence[Record]) -> Verdicts:
        """Return a verdict for each record. What is left blank is dropped."""
        self.measures = Measures()

        def told(rows: NDArray[np.int64], reasons: Sequence[str], checks: Sequence[Check]) -> None:
            for place, finding in self.measures.add(self._name, reasons, checks).items():
                records[rows[place]].finding = finding

        verdicts: Verdicts = []
        edits = self._chain.edit([record.text for record in records], told)
        for record, (text, verdict) in zip(records, edits, strict=True):
            if verdict is None and text != record.text:
                record.edit(text)
                verdict = "blank" if is_blank(text) else None
            verdicts.append(verdict)
        return verdicts


class Extract:
    """Puts the text of a page in the place of its markup; other records stay as they are.

    Pages are read in a process apart, which starts with the first of them and ends with ``close``.
    """

    def __init__(self, config: ExtractSection) -> None:
        from groundup.corpus.extract import CRASH, TIMEOUT, ExtractConfig

        self.errors = frozenset((CRASH, TIMEOUT))
        self._config = ExtractConfig.model_validate(config.model_dump())
        self._pool: ExtractionPool | None = None

    def __call__(self, records: Sequence[Record]) -> Verdicts:
        """Return a verdict for each record."""
        from groundup.corpus.extract import ExtractionPool, Page

        verdicts: Verdicts = [None] * len(records)
        places = [place for place, record in enumerate(records) if record.html]
        if not places:
            return verdicts
        self._pool = self._pool or ExtractionPool(self._config)
        pages = [Page(records[place].text, records[place].url) for place in places]
        for place, found in zip(places, self._pool.extract(pages), strict=True):
            record = records[place]
            if isinstance(found, str):
                verdicts[place] = found
                continue
            record.edit(found.text)
            record.html = False
            record.language = record.language or found.language
            record.date = record.date or found.date
            verdicts[place] = "blank" if is_blank(found.text) else None
        return verdicts

    def close(self) -> None:
        """End the process."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None


def _normalize(records: Sequence[Record]) -> Verdicts:
    """Write texts in one way, and count what was changed."""
    from groundup.corpus.normalize import Changes, normalize

    for record in records:
        changes = Changes()
        text = normalize(record.text, changes)
        if text != record.text:
            record.edit(text)
            record.counts["normalized"] = {k: n for k, n in vars(changes).items() if n}
    return drop_blank(records)


def _language(config: LanguageSection) -> Callable[[Sequence[Record]], Verdicts]:
    """Note each text's language, and drop those of others than are allowed."""
    from groundup.corpus.language import LanguageRule, detect

    rule = LanguageRule(config)

    def run(records: Sequence[Record]) -> Verdicts:
        detections = detect([record.text for record in records])
        for record, detection in zip(records, detections, strict=True):
            record.language = detection.language
            record.scores["language probability"] = detection.probability
        return rule.judge(detections)

    return run


def _filters(config: FiltersConfig) -> list[Step]:
    """Return a step for all rules that look at texts, for they share what they count."""
    from groundup.corpus.filters.blocked import BlockedUrls, BlockedWords
    from groundup.corpus.filters.c4 import C4, MC4
    from groundup.corpus.filters.code import Code
    from groundup.corpus.filters.fineweb import FineWeb
    from groundup.corpus.filters.gopher import GopherQuality, GopherRepetition
    from groundup.corpus.filters.ratios import Ratios, StopWords, Tokens
    from groundup.corpus.filters.rule import Chain

    kinds: dict[str, Callable[[Any], Any]] = {
        "gopher_quality": GopherQuality,
        "gopher_repetition": GopherRepetition,
        "c4": C4,
        "mc4": MC4,
        "fineweb": FineWeb,
        "ratios": Ratios,
        "stop_words": StopWords,
        "tokens": lambda tokens: Tokens(_token_counter(tokens.tokenizer), tokens),
        "blocked_words": BlockedWords,
        "code": Code,
    }
    steps = []
    if "blocked_urls" in config.rules:
        blocked = BlockedUrls(config.blocked_urls)
        steps.append(Step("blocked_urls", lambda records: blocked([r.url for r in records])))
    rules = [kinds[name](getattr(config, name)) for name in config.rules if name in kinds]
    if rules:
        steps.append(Step("filters", Filters(Chain(rules), "filters")))
    return steps


def _token_counter(path: Path) -> Callable[[list[str]], NDArray[np.int64]]:
    """Load a tokenizer; return what gives each text's number of tokens.

    Raises:
        UserError: there is none, or it cannot be read.
    """
    from groundup.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(expand_user(path))

    def count(texts: list[str]) -> NDArray[np.int64]:
        _, ends = tokenizer.encode_batch_to_numpy(texts, threads=1)  # a worker has one core
        return np.diff(ends, prepend=0)

    return count


def _classifier(config: RuleConfig, name: str) -> Callable[[Sequence[Record]], Verdicts]:
    """Note what a classifier makes of each text, and drop what it is to drop: all or lines."""
    from groundup.corpus.classify.rule import ClassifierRule

    rule = ClassifierRule(config)

    def note(record: Record, probability: float) -> None:
        record.scores[name] = probability
        if config.drop == "negative":
            record.score = probability

    def drop_documents(records: Sequence[Record]) -> Verdicts:
        probabilities = rule.probabilities([record.text for record in records])
        for record, probability in zip(records, probabilities.tolist(), strict=True):
            note(record, probability)
        return rule.judge(probabilities)

    def drop_lines(records: Sequence[Record]) -> Verdicts:
        verdicts: Verdicts = []
        cleaned = rule.drop_lines([record.text for record in records])
        for record, left in zip(records, cleaned, strict=True):
            note(record, left.probability)
            nothing_left = left.num_dropped > 0 and is_blank(left.text)
            if left.num_dropped and not nothing_left:
                record.edit(left.text)
            verdicts.append(rule.reason if nothing_left else None)
        return verdicts

    return drop_lines if config.keep_rest else drop_documents


def _masker(config: PiiSection) -> Callable[[Sequence[Record]], Verdicts]:
    """Mask personal data, and count it."""
    from groundup.corpus.pii.mask import mask

    def run(records: Sequence[Record]) -> Verdicts:
        for record, masked in zip(
            records, mask([record.text for record in records], config), strict=True
        ):
            if masked.counts:
                record.edit(masked.text)
                record.counts["masked"] = dict(masked.counts)
        return [None] * len(records)

    return run


class Decontaminate:
    """Drops what holds items of benchmarks, and remembers which items these were."""

    def __init__(self, config: DecontaminateConfig) -> None:
        self._find = make_decontaminator(config)
        self._seen: NDArray[np.bool_] | None = None

    def __call__(self, records: Sequence[Record]) -> Verdicts:
        """Return a verdict for each record."""
        overlaps = self._find.overlaps([record.text for record in records])
        self._seen = overlaps.seen if self._seen is None else self._seen | overlaps.seen
        return self._find.decide(overlaps)

    def take_seen(self) -> NDArray[np.bool_]:
        """Return which n-grams were found since the last call, (n-grams,); perhaps (0,)."""
        seen, self._seen = self._seen, None
        return np.zeros(0, np.bool_) if seen is None else seen


def make_decontaminator(config: DecontaminateConfig) -> "Decontaminator":
    """Read the benchmarks.

    Raises:
        UserError: one cannot be read.
    """
    from groundup.corpus.decontaminate import Decontaminator

    return Decontaminator(read_benchmarks(config.benchmarks, config.fields), config)
