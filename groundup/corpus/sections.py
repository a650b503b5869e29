"""The parts of a corpus' configuration that are switched on one by one."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, model_validator

from groundup.config import Config, IdleKeyError
from groundup.corpus.decontaminate import DecontaminationConfig
from groundup.corpus.dedup import LinesConfig, NearDuplicatesConfig
from groundup.corpus.filters import (
    BlockedUrlsConfig,
    BlockedWordsConfig,
    C4Config,
    CodeConfig,
    FineWebConfig,
    GopherQualityConfig,
    GopherRepetitionConfig,
    MC4Config,
    RatiosConfig,
    StopWordsConfig,
    TokensConfig,
)
from groundup.corpus.language import LanguageConfig
from groundup.corpus.pii import Kind, PiiConfig


class ExtractSection(Config):
    """How the text of pages is told from what stands around it."""

    mode: Literal["off", "quality", "fast"] = "off"
    """"quality": trafilatura, which finds the text of articles best; "fast": resiliparse, about
    twenty times as fast; "off": pages stay as they are, with their markup."""

    seconds: Annotated[float, Field(gt=0)] = 10.0
    """Seconds of processor time for a page; one that takes more is given up."""

    memory_mb: Annotated[int, Field(ge=512)] = 2048
    """Megabytes that an extracting process may use; a page that needs more is given up."""

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if self.mode == "off":
            self.refuse_idle("seconds", "memory_mb", why="without a mode")
        return self


class LanguageSection(LanguageConfig):
    """Which languages are kept; without ``allowed`` all are, and none is looked for."""

    allowed: tuple[str, ...] = ()
    """Languages to keep, as codes: "en", "de", "zh". Empty: languages are not looked at."""

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if not self.allowed:
            self.refuse_idle("min_probability", why="without allowed")
        return self


FilterName = Literal[
    "blocked_urls",
    "gopher_quality",
    "gopher_repetition",
    "c4",
    "mc4",
    "fineweb",
    "ratios",
    "stop_words",
    "tokens",
    "blocked_words",
    "code",
]


class FiltersConfig(Config):
    """Which rules drop texts, and at what thresholds; "off" switches a threshold off."""

    rules: tuple[FilterName, ...] = ()
    """Rules that texts must pass, in the order in which they are applied (blocked_urls is always
    the first). FineWeb takes blocked_urls, gopher_repetition, gopher_quality, c4 and fineweb."""

    blocked_urls: BlockedUrlsConfig = BlockedUrlsConfig()
    """Addresses that no text is taken from."""

    gopher_quality: GopherQualityConfig = GopherQualityConfig()
    """Gopher's filter of what does not read like a text."""

    gopher_repetition: GopherRepetitionConfig = GopherRepetitionConfig()
    """Gopher's filter of what repeats itself."""

    c4: C4Config = C4Config()
    """C4's filter, which also takes out lines."""

    mc4: MC4Config = MC4Config()
    """mC4's filter."""

    fineweb: FineWebConfig = FineWebConfig()
    """FineWeb's own filter."""

    ratios: RatiosConfig = RatiosConfig()
    """Shares of symbols, digits and capitals."""

    stop_words: StopWordsConfig = StopWordsConfig()
    """Share of the words that every text of a language has."""

    tokens: TokensConfig = TokensConfig()
    """Tokens that a tokenizer takes for a word, once there is one."""

    blocked_words: BlockedWordsConfig = BlockedWordsConfig()
    """Words that drop a text."""

    code: CodeConfig = CodeConfig()
    """What source code must be like."""

    @model_validator(mode="before")
    @classmethod
    def _off_is_none(cls, values: Any) -> Any:
        """TOML has no word for None."""
        if not isinstance(values, Mapping):
            return values
        return {
            name: {k: None if v == "off" else v for k, v in inner.items()}
            if isinstance(inner, Mapping)
            else inner
            for name, inner in values.items()
        }

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if len(set(self.rules)) < len(self.rules):
            raise ValueError("a rule is named twice; name each once")
        for name in get_args(FilterName):
            if name not in self.rules:
                self.refuse_idle(name, why=f'without "{name}" in rules')
        for name, keys in (
            ("blocked_urls", ("domains", "domains_file", "substrings", "substrings_file")),
            ("blocked_words", ("words", "file")),
            ("tokens", ("tokenizer",)),
        ):
            if name in self.rules and not any(getattr(getattr(self, name), key) for key in keys):
                raise ValueError(f"{name} has nothing to go by; give {name}.{keys[0]}")
        return self


class PiiSection(PiiConfig):
    """Which personal data is masked."""

    kinds: tuple[Kind, ...] = ()
    """What is masked, each by its name in capitals, such as <EMAIL>: "key", "email", "iban",
    "card", "ip", "phone". Empty: nothing is looked for."""


class DedupConfig(Config):
    """What counts as said already. Documents with equal texts are always written once."""

    near_duplicates: Literal["off", "drop", "mark"] = "off"
    """What happens to near-duplicates: "drop" keeps one of each cluster; "mark" keeps all and names
    the cluster in the ledger; "off" does not look for them. Either way a cluster falls to one side
    of the split as a whole."""

    near: NearDuplicatesConfig = NearDuplicatesConfig()
    """What near-duplicates are."""

    store: str | None = None
    """A folder with the signatures of earlier crawls: what is like a document of theirs is dropped,
    and the signatures of this corpus are added. It is made with the first crawl."""

    crawl: Annotated[str, Field(pattern=r"^\w[\w.-]*$")] = "corpus"
    """The name of this corpus in the store."""

    repeated_lines: bool = False
    """Drop lines that other documents have too: menus, notices, quotes."""

    lines: LinesConfig = LinesConfig()
    """Which lines these are."""

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        near = self.near_duplicates != "off"
        if not near:
            self.refuse_idle("near", "store", why="without near_duplicates")
        if self.store is None:
            self.refuse_idle("crawl", why="without store")
        if not self.repeated_lines:
            self.refuse_idle("lines", why="without repeated_lines")
        return self


class DecontaminateConfig(DecontaminationConfig):
    """Which evaluation sets are kept out of the corpus."""

    benchmarks: tuple[str, ...] = ()
    """Files of evaluation items: JSON, JSON lines, CSV, Parquet or text, also compressed. A row is
    an item, all its strings together; the benchmark has the file's name."""

    fields: tuple[str, ...] = ()
    """Keys of a row that make the item, such as question and answer; empty: all strings."""

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if not self.benchmarks:
            self.refuse_idle("fields", "ngram", "min_words", why="without benchmarks")
        return self


class MixConfig(Config):
    """How much of each source there is in the end, after all else."""

    weights: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Source, as in ``sources``, and its share of the bytes, relative to the other weights. A
    source without one is left out. The mix is as large as ``max_epochs`` allows."""

    max_epochs: Annotated[float, Field(gt=0)] = 1.0
    """Times that the scarcest source is written, with weights. Up to four times are worth about as
    much as new text (Muennighoff et al. 2023, arXiv 2305.16264)."""

    epochs: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)
    """Source and how many times it is written: 0.1 takes a tenth of its documents, 2.5 all twice
    and half of them once more. Sources that are not named are written once."""

    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    """Seed of the choice of documents where only a part of them is written."""

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if self.weights and self.epochs:
            raise IdleKeyError("epochs", "with weights")
        if not self.weights:
            self.refuse_idle("max_epochs", why="without weights")
        if not (self.weights or self.epochs):
            self.refuse_idle("seed", why="without weights or epochs")
        if self.weights and not any(self.weights.values()):
            raise ValueError("weights are all 0; give a source more")
        return self
