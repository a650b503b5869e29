"""The made-up crawl is what its truth says."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
PAGES = 300


@pytest.fixture(scope="module", autouse=True)
def benchmarks_importable() -> Iterator[None]:
    sys.path.insert(0, str(BENCHMARKS))
    yield
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture(scope="module")
def crawl(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from synthetic_crawl import write_all

    folder = tmp_path_factory.mktemp("made") / "crawl"
    write_all(folder, shared, PAGES, 0)
    return folder


@pytest.fixture(scope="module")
def truth(crawl: Path) -> list[dict[str, Any]]:
    lines = (crawl / "truth.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


def test_iban_and_card_numbers_have_valid_check_digits():
    from crawl.texts import personal_data

    for seed in range(200):
        for kind, value, sentence in personal_data(Random(seed)):
            assert value in sentence
            if kind == "card":
                digits = [int(c) for c in value if c.isdigit()]
                doubled = [sum(divmod(2 * d, 10)) for d in digits[::2]]
                assert len(digits) == 16
                assert (sum(doubled) + sum(digits[1::2])) % 10 == 0
            if kind == "iban":
                plain = value.replace(" ", "")
                moved = plain[4:] + plain[:4]
                assert int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


def test_edits_come_close_to_the_similarity_that_is_asked_for():
    from crawl.texts import cut_beginning, edit_words, jaccard

    random = Random(1)
    text = [" ".join(str(random.randrange(10**6)) for _ in range(40)) for _ in range(30)]
    for similarity in (0.4, 0.6, 0.8, 0.95):
        edited = edit_words(text, similarity, Random(2))
        assert jaccard(text, edited) == pytest.approx(similarity, abs=0.06)
        assert jaccard(text, cut_beginning(text, similarity)) == pytest.approx(similarity, abs=0.06)
    assert jaccard(text, text) == 1


def test_misreading_utf_8_is_what_python_and_browsers_do():
    from crawl.texts import misread

    assert misread("café – “so”") == "cafÃ© â€“ â€œsoâ€\x9d"
    assert misread("plain") == "plain"


def test_chunks_have_their_sizes():
    from crawl.records import chunk

    assert chunk(b"abcdefghij", 4) == b"4\r\nabcd\r\n4\r\nefgh\r\n2\r\nij\r\n0\r\n\r\n"


@pytest.mark.shared
def test_every_kind_is_planted_at_its_share(truth: list[dict[str, Any]]):
    from crawl.kinds import KINDS

    assert [row["page"] for row in truth] == list(range(PAGES))
    for name, kind in KINDS.items():
        count = sum(row["kind"] == name for row in truth)
        if name != "good":
            assert count == max(1, round(kind.share * PAGES)), name


@pytest.mark.shared
def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(
    shared: Path, crawl: Path, tmp_path: Path
):
    from synthetic_crawl import write_all

    def contents(folder: Path) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in folder.glob("*.*")}

    write_all(tmp_path / "crawl", shared, PAGES, 0)
    assert contents(tmp_path / "crawl") == contents(crawl)
    write_all(tmp_path / "crawl", shared, PAGES, 1)
    assert contents(tmp_path / "crawl").keys() == contents(crawl).keys()
    assert contents(tmp_path / "crawl") != contents(crawl)


@pytest.mark.shared
def test_records_read_back_as_the_truth_says(crawl: Path, truth: list[dict[str, Any]]):
    pytest.importorskip("resiliparse")
    from groundup.corpus.readers.row import BadRow
    from groundup.corpus.readers.warc import read_warc

    with (crawl / "crawl-00000.warc.gz").open("rb") as file:
        info, *rows = read_warc(file)
    assert isinstance(info, BadRow)
    assert len(rows) == len(truth)
    for row, page in zip(rows, truth, strict=True):
        assert page["source"] == f"crawl/crawl-00000.warc.gz:{row.number}"
        if page["fate"] in ("skip", "error"):
            assert isinstance(row, BadRow), page["kind"]
            assert row.skipped == (page["fate"] == "skip"), page["kind"]
        else:
            assert not isinstance(row, BadRow), page["kind"]
            assert row.url == page["url"]
            assert row.replaced == 0
            mended = page["kind"] in ("mojibake", "bad_chunks")  # or lost, in part
            for paragraph in page["text"].split("\n") if not mended else ():
                for word in re.findall(r"[^\W_]+", paragraph)[:5]:
                    assert word in row.text


@pytest.mark.shared
def test_no_validation_text_is_in_a_page(crawl: Path, truth: list[dict[str, Any]]):
    lines = (crawl / "validation.jsonl").read_text(encoding="utf-8").split("\n")
    held_out = {json.loads(line)["text"] for line in lines if line}
    assert len(held_out) == 50
    assert not held_out & {row["text"] for row in truth}


@pytest.mark.shared
def test_copies_name_an_earlier_good_page_and_no_page_is_copied_twice(
    truth: list[dict[str, Any]],
):
    copies = [row for row in truth if row["original"] is not None]
    originals = [row["original"] for row in copies]
    assert len(copies) > 20
    assert len(set(originals)) == len(originals)
    for row in copies:
        assert row["original"] < row["page"]
        assert truth[row["original"]]["kind"] == "good"
        same = row["text"] == truth[row["original"]]["text"]
        assert same == (row["similarity"] == 1) or row["kind"] == "edited_copy"
