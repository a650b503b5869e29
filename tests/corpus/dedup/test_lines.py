"""Lines that recur across documents are dropped, and no other."""

from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundup.corpus.dedup import LinesConfig
from groundup.corpus.dedup.lines import LineDeduplicator, LineTable, least_count
from groundup.corpus.document import Document
from groundup.reference.minhash import words

FIRST = LinesConfig()
RARE = LinesConfig(keep="rare", max_count=2)


def ids_of(texts: list[str]) -> list[str]:
    return [Document.of(text, "").id for text in texts]


def drop(texts: list[str], config: LinesConfig, *, batch: int = 100, **options: int) -> list[str]:
    """Run both passes over batches of documents."""
    ids = ids_of(texts)
    starts = range(0, len(texts), batch)
    tables = [LineTable.of(texts[s : s + batch], ids[s : s + batch], config) for s in starts]
    table = LineTable.merge(tables, at_least=least_count(config), **options)
    rule = LineDeduplicator(table, config)
    return [
        text for s in starts for text, _ in rule(texts[s : s + batch], ids[s : s + batch])
    ]  # fmt: skip


def drop_plainly(texts: list[str], config: LinesConfig) -> list[str]:
    """Do the same with dictionaries."""
    separator = "\n" if config.unit == "line" else "\n\n"
    counts: Counter[tuple[str, ...]] = Counter()
    owners: dict[tuple[str, ...], str] = {}
    for text, document in zip(texts, ids_of(texts), strict=True):
        for line in text.split(separator):
            key = tuple(words(line))
            counts[key] += 1
            owners[key] = min(owners.get(key, document), document)
    rewritten = []
    for text, document in zip(texts, ids_of(texts), strict=True):
        kept, seen = [], set()
        for line in text.split(separator):
            key = tuple(words(line))
            if len(key) < config.min_words:
                stays = True
            elif config.keep == "rare":
                stays = counts[key] <= config.max_count
            else:
                stays = owners[key] == document and key not in seen
            seen.add(key)
            if stays:
                kept.append(line)
        rewritten.append(separator.join(kept))
    return rewritten


documents = st.lists(
    st.lists(st.sampled_from(["a", "A!", "b", "a b", "a  b.", "", "--", "c"]), max_size=8).map(
        "\n".join
    ),
    max_size=8,
    unique=True,
)


@settings(max_examples=150)
@given(
    documents,
    st.sampled_from(["line", "paragraph"]),
    st.sampled_from(["first", "rare"]),
    st.integers(1, 3),
    st.integers(1, 2),
    st.integers(1, 9),
    st.integers(1, 9),
)
def test_lines_are_dropped_as_in_the_plain_version_however_they_are_batched(
    texts, unit, keep, max_count, min_words, batch, merge_rows
):
    often = {"max_count": max_count} if keep == "rare" else {}
    config = LinesConfig(unit=unit, keep=keep, min_words=min_words, **often)
    dropped = drop(texts, config, batch=batch, merge_rows=merge_rows)
    assert dropped == drop_plainly(texts, config)


@given(documents, st.randoms(use_true_random=False))
def test_the_order_of_documents_changes_nothing(texts, random: Random):
    shuffled = random.sample(texts, len(texts))
    for config in (FIRST, RARE):
        straight = dict(zip(texts, drop(texts, config), strict=True))
        assert dict(zip(shuffled, drop(shuffled, config, batch=3), strict=True)) == straight


def test_one_occurrence_stays_in_the_document_with_the_smallest_id():
    texts = ["Share this page\none", "SHARE THIS PAGE!\ntwo", "three\nShare this page."]
    smallest = texts.index(min(texts, key=lambda text: Document.of(text, "").id))
    for index, kept in enumerate(drop(texts, FIRST)):
        assert (kept == texts[index]) == (index == smallest)
        assert ("page" in kept.lower()) == (index == smallest)


def test_what_occurs_rarely_stays_everywhere():
    texts = [f"twice in all {i // 2}\nthree times {i // 3}\n{i}" for i in range(6)]
    assert drop(texts, RARE) == [f"twice in all {i // 2}\n{i}" for i in range(6)]


def test_lines_without_words_stay():
    texts = ["}\n\n---\nx = 1", "}\n\n---\ny = 1"]
    assert drop(texts, FIRST) == texts


def test_paragraphs_are_between_empty_lines():
    texts = ["one\ntwo\n\nown", "other\n\none,\ntwo", "one\n\ntwo"]
    config = LinesConfig(unit="paragraph", keep="rare", max_count=1)
    assert drop(texts, config) == ["own", "other", "one\n\ntwo"]


def test_dropped_lines_are_counted():
    texts = ["a\nb\nc", "a\nb\nd"]
    rule = LineDeduplicator(LineTable.of(texts, ids_of(texts), FIRST), FIRST)
    assert sum(count for _, count in rule(texts, ids_of(texts))) == 2
    assert rule([], []) == []


def test_a_table_comes_back_from_disk(tmp_path):
    for texts in (["a\nb", "b\nc"], []):
        table = LineTable.of(texts, ids_of(texts), FIRST)
        table.save(tmp_path / "lines")
        assert np.array_equal(LineTable.load(tmp_path / "lines").rows, table.rows)
        assert np.array_equal(
            LineTable.merge([LineTable.load(tmp_path / "lines")]).rows, table.rows
        )


def test_merged_counts_are_those_of_all_texts_at_once():
    texts = [f"{i % 7}\n{i % 11}\n{i}" for i in range(200)]
    ids = ids_of(texts)
    tables = [LineTable.of(texts[i : i + 9], ids[i : i + 9], FIRST) for i in range(0, 200, 9)]
    whole = LineTable.of(texts, ids, FIRST).rows
    assert np.array_equal(LineTable.merge(tables, merge_rows=50).rows, whole)
    often = LineTable.merge(tables, at_least=4, merge_rows=50).rows
    assert np.array_equal(often, whole[whole["count"] >= 4])
    assert whole["count"].sum() == 600


@pytest.mark.parametrize("field", ["max_count", "min_words"])
def test_counts_of_zero_are_refused(field):
    with pytest.raises(ValueError, match=field):
        LinesConfig(**{field: 0})
