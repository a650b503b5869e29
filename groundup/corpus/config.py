"""What a corpus is made of, and how it is split."""

import re
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from groundup.config import Config
from groundup.corpus.classify import RuleConfig
from groundup.corpus.remote import PACKAGES, is_remote
from groundup.corpus.sections import (
    DecontaminateConfig,
    DedupConfig,
    ExtractSection,
    FiltersConfig,
    LanguageSection,
    MixConfig,
    PiiSection,
)

STANDARD_LIBRARY = "stdlib"
"""The source that every machine already has: the standard library of the Python that runs."""


class CorpusConfig(Config):
    """Where the text comes from and which part of it is kept for validation."""

    sources: Annotated[tuple[str, ...], Field(min_length=1)] = (STANDARD_LIBRARY,)
    """Text to learn from, in this order: "stdlib" (the running Python's standard library, needs no
    network), a file, a folder (read with all its subfolders), a glob such as "books/**/*.txt", or
    an http(s) address, optionally ending in "#sha256=HEX" to check what was downloaded. Downloads
    are kept in ~/.cache/groundup/downloads; the environment variable GROUNDUP_CACHE names
    another folder in place of ~/.cache/groundup."""

    text_field: Annotated[str, Field(min_length=1)] = "text"
    """The key that holds the text in JSON rows, or the column in Parquet files."""

    document_separator: Annotated[str, Field(min_length=1)] | None = None
    """A string that ends one document and begins the next inside text files, for example
    "<|endoftext|>"; line ends around it are dropped. Without it a text file is one document."""

    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Part of the corpus that is never trained on, above 0 and below 1: of the documents when they
    are split whole, of the characters when each document's tail is taken. It cannot be 0, because
    training always measures itself on text it has not seen."""

    split: Literal["auto", "document", "tail"] = "auto"
    """"document" puts whole documents aside, chosen by the hash of their text, so that a document
    keeps its side whatever else is in the corpus, and near-duplicates, where they are looked for,
    are on one side; "tail" puts the last part of every document's characters aside; "auto" takes
    "document" where there are 20 documents or more and one on either side, else "tail"."""

    extract: ExtractSection = ExtractSection()
    """Text of pages."""

    normalize: bool = False
    """Write all texts in one way: Unicode NFC, line feeds, no control characters, and what was read
    in a wrong encoding put right."""

    language: LanguageSection = LanguageSection()
    """Languages that are kept."""

    filters: FiltersConfig = FiltersConfig()
    """Rules that look at one text."""

    classifiers: tuple[RuleConfig, ...] = ()
    """Trained classifiers, and what each drops: toxic text, or what is not like good text."""

    pii: PiiSection = PiiSection()
    """Personal data that is masked."""

    dedup: DedupConfig = DedupConfig()
    """What is said already."""

    decontaminate: DecontaminateConfig = DecontaminateConfig()
    """Evaluation sets that are kept out."""

    mix: MixConfig = MixConfig()
    """How much of each source there is."""

    workers: Annotated[int, Field(ge=0)] = 0
    """Processes that read and filter at a time; 0: one for each core. The corpus is the same."""

    def files_beside(self) -> list[str]:
        """Return the files besides the sources that decide what is kept; some may be folders."""
        filters = self.filters
        urls, words, tokens = filters.blocked_urls, filters.blocked_words, filters.tokens
        paths = (urls.domains_file, urls.substrings_file, words.file, tokens.tokenizer)
        return [
            *(str(path) for path in paths if path is not None),
            *(rule.path for rule in self.classifiers),
            *self.decontaminate.benchmarks,
        ]

    @model_validator(mode="after")
    def _best_is_known(self) -> Self:
        if self.dedup.near.keep == "best" and all(r.drop == "positive" for r in self.classifiers):
            raise ValueError(
                'dedup.near.keep = "best" has no effect without a classifier of quality'
                ' (drop = "negative"); add one or take "longest"'
            )
        return self

    @model_validator(mode="after")
    def _mix_names_sources(self) -> Self:
        for key in ("weights", "epochs"):
            for source in getattr(self.mix, key):
                if source not in self.sources:
                    known = ", ".join(self.sources)
                    raise ValueError(
                        f"mix.{key} names {source}, which is no source; it has {known}"
                    )
        return self

    @field_validator("sources")
    @classmethod
    def _sources_can_be_read(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        for source in sources:
            if not source.strip():
                raise ValueError("a source is empty; name a file, a folder, a glob or an address")
            if "://" in source and not is_remote(source):
                _check_address(source)
        return sources


def _check_address(source: str) -> None:
    """Refuse an address that cannot be downloaded, before anything is computed."""
    try:
        address = urlsplit(source)
        host, _ = address.hostname, address.port
    except ValueError as error:
        raise ValueError(f"{source} is not a valid address: {error}") from None
    if address.scheme.lower() not in ("http", "https"):
        known = ", ".join(f"{scheme}://" for scheme in ("https", *PACKAGES))
        raise ValueError(f"{source}: only {known} are read; download it first")
    if not host:
        raise ValueError(f"{source} names no host")
    if re.search(r"[\s\x00-\x1f]", source) or not source.isascii():
        raise ValueError(f"{source}: percent-encode spaces and other special characters")
    if address.fragment and not re.fullmatch(r"sha256=[0-9a-fA-F]{64}", address.fragment):
        raise ValueError(f"{source}: after # only a checksum, sha256= and 64 hex digits, is read")
