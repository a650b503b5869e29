from typing import Any

import pytest
from pydantic import ValidationError

from groundup.corpus import CorpusConfig


def test_default_source_needs_no_network() -> None:
    assert CorpusConfig().sources == ("stdlib",)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("ftp://example.org/a.txt", "only https://, s3://, gs://, hf:// are read"),
        ("file:///etc/hosts", "only https://, s3://, gs://, hf:// are read"),
        ("https:///a.txt", "names no host"),
        ("https://example.org:port/a.txt", "not a valid address"),
        ("https://example.org/a b.txt", "percent-encode"),
        ("https://example.org/é.txt", "percent-encode"),
        ("https://example.org/a.txt#sha256=12", "64 hex digits"),
        ("https://example.org/a.txt#part", "64 hex digits"),
        (" ", "source is empty"),
    ],
)
def test_sources_that_cannot_work_are_refused(source: str, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CorpusConfig(sources=(source,))


def test_address_with_checksum_is_accepted() -> None:
    source = "https://example.org/a%20b.txt?x=1#sha256=" + "aB" * 32
    assert CorpusConfig(sources=(source,)).sources == (source,)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5])
def test_validation_fraction_lies_between_0_and_1(fraction: float) -> None:
    with pytest.raises(ValidationError):
        CorpusConfig(validation_fraction=fraction)


def test_empty_values_are_refused() -> None:
    for options in ({"sources": ()}, {"text_field": ""}, {"document_separator": ""}):
        with pytest.raises(ValidationError):
            CorpusConfig(**options)


TOXIC = {"path": "toxic.safetensors"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": {"rules": ["tokens"]}}, "nothing to go by; give tokens.tokenizer"),
        ({"filters": {"tokens": {"tokenizer": "x"}}}, 'no effect without "tokens" in rules'),
        (
            {"filters": {"rules": ["code"], "code": {"header_lines": 9}}},
            "header_lines has no effect without licences",
        ),
        (
            {"dedup": {"repeated_lines": True, "lines": {"max_count": 9}}},
            'max_count has no effect without keep = "rare"',
        ),
        (
            {
                "classifiers": [TOXIC],
                "dedup": {"near_duplicates": "drop", "near": {"keep": "best"}},
            },
            'keep = "best" has no effect without a classifier of quality',
        ),
    ],
)
def test_what_would_have_no_effect_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        CorpusConfig.model_validate(options)


def test_every_part_survives_the_way_to_a_worker() -> None:
    config = CorpusConfig.model_validate(
        {
            "filters": {
                "rules": ["c4", "code", "gopher_quality"],
                "c4": {"implementation": "datatrove", "max_word_length": "off"},
                "code": {"licences": ["MIT"], "header_lines": 9},
                "gopher_quality": {"min_words": "off"},
            },
            "classifiers": [TOXIC | {"unit": "line", "keep_rest": True}, TOXIC],
            "dedup": {"repeated_lines": True, "lines": {"keep": "rare", "max_count": 9}},
        }
    )
    assert CorpusConfig.model_validate_json(config.model_dump_json()) == config
