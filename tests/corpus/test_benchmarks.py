"""Evaluation files are read as items, or refused in one line."""

import gzip
import json
import unicodedata
from pathlib import Path

import pytest

from groundup.corpus.benchmarks import read_benchmarks
from groundup.corpus.decontaminate import Decontaminator
from groundup.errors import UserError

ITEM = "How many à la carte dinners did the two élève eat at the café in one week?"


def items_of(path: Path, content: str | bytes, fields: tuple[str, ...] = ()) -> list[str]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (items,) = read_benchmarks([str(path)], fields).values()
    return items


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", json.dumps(ITEM)),
        ("a.json", json.dumps([{"q": ITEM}])),
        ("a.json", json.dumps({"version": 1, "items": [ITEM]})),
        ("a.jsonl.gz", gzip.compress(json.dumps({"q": ITEM, "id": 7}).encode())),
        ("a.txt", f"\ufeff{ITEM}\n\n"),
        ("a.csv", f'n,q\n1,"{ITEM}"\n'),
    ],
)
def test_items_are_read_from_files_of_every_kind(tmp_path: Path, name: str, content: str) -> None:
    (item,) = items_of(tmp_path / name, content)
    assert item.removeprefix("1\n") == ITEM


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_an_item_is_found_however_its_accents_are_written(tmp_path: Path, form: str) -> None:
    items = items_of(tmp_path / "a.txt", unicodedata.normalize(form, ITEM))
    assert Decontaminator({"a": items})([ITEM]) == ["contaminated:a"]


def test_an_item_with_half_a_character_is_found_by_the_rest(tmp_path: Path) -> None:
    items = items_of(tmp_path / "a.json", f'["\\ud800 {ITEM}"]')
    assert Decontaminator({"a": items})([ITEM]) == ["contaminated:a"]


def damaged(name: str) -> bytes:
    packed = bytearray(gzip.compress(b'{"q": "one, two, three"}\n' * 1000))
    packed[40] ^= 255
    return {
        "flipped.jsonl.gz": bytes(packed),
        "cut.jsonl.gz": gzip.compress(b"{}" * 100)[:-9],
        "deep.json": b"[" * 200_000,
        "number.json": b"3",
        "null.json": b"null",
        "half.jsonl": b'{"q": "a"}\n{"q',
        "latin.txt": b"caf\xe9",
        "not.parquet": b"PAR1",
        "empty.txt": b"\n\n",
    }[name]


@pytest.mark.parametrize(
    "name",
    ["flipped.jsonl.gz", "cut.jsonl.gz", "deep.json", "number.json", "null.json", "half.jsonl",
     "latin.txt", "not.parquet", "empty.txt"],
)  # fmt: skip
def test_a_file_that_is_no_benchmark_is_named_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError, match=name) as caught:
        items_of(tmp_path / name, damaged(name))
    assert "\n" not in str(caught.value)
