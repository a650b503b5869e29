import bz2
import gzip
import io
import json
import lzma
import tracemalloc
from pathlib import PurePath

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus import CorpusConfig
from groundup.corpus.readers import BadFileError, BadRow, Row, format_of, read_rows
from groundup.corpus.readers.json_rows import read_json, read_json_lines

PACKERS = {
    ".gz": gzip.compress,
    ".xz": lzma.compress,
    ".bz2": bz2.compress,
    ".zst": zstandard.ZstdCompressor(write_checksum=True).compress,
}


def rows(data: bytes, name: str) -> list[Row | BadRow]:
    path = PurePath(name)
    file = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]
    file_format = format_of(path)
    assert file_format is not None
    return list(read_rows(file, path, file_format, CorpusConfig()))


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_lines_read_like_the_lines_inside(suffix: str) -> None:
    lines = b"".join(json.dumps({"text": f"{i} " * 50}).encode() + b"\n" for i in range(3000))
    assert rows(PACKERS[suffix](lines), f"a.jsonl{suffix}") == rows(lines, "a.jsonl")
    assert rows(PACKERS[suffix](lines) * 2, f"a.json{suffix}")[3000:3001] == [Row("0 " * 50, 3001)]


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("damage", ["cut", "flip"])
def test_damage_is_named(suffix: str, damage: str) -> None:
    data = bytearray(PACKERS[suffix](bytes(range(32, 127)) * 3000))
    if damage == "cut":
        del data[-9:]
    else:
        data[len(data) // 2] ^= 0xFF
    with pytest.raises(BadFileError, match="cut short" if damage == "cut" else "damaged|cut"):
        rows(bytes(data), f"a.txt{suffix}")


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_bomb_is_refused_before_it_fills_the_memory(suffix: str) -> None:
    data = PACKERS[suffix](b" " * (120 << 20))
    tracemalloc.start()
    with pytest.raises(BadFileError, match="hundreds of times"):
        rows(data, f"a.txt{suffix}")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 110 << 20


def test_a_line_over_the_limit_is_a_bad_row_and_costs_no_memory() -> None:
    class Endless(io.RawIOBase):
        """A row, then 300 MB in one line, then a row."""

        def __init__(self) -> None:
            self.left = 300 << 20
            self.ends = [b'{"text": "a"}\n', b'\n{"text": "b"}\n']

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            if len(self.ends) == 2 or (self.left <= 0 and self.ends):
                data = self.ends.pop(0)
            else:
                data = b"x" * min(len(buffer), max(0, self.left))
                self.left -= len(data)
            buffer[: len(data)] = data
            return len(data)

    tracemalloc.start()
    stream = io.BufferedReader(Endless())
    found = list(read_json_lines(stream, "text", max_bytes=1 << 20))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [Row("a", 1), BadRow(2, "a line over the limit of size"), Row("b", 3)]
    assert peak < 8 << 20


def test_html_file_is_a_page_in_its_own_encoding() -> None:
    page = '<html><meta charset="windows-1251"><p>Привет, мир'
    assert rows(page.encode("cp1251"), "a.html") == [Row(page, content_type="text/html")]
    with pytest.raises(BadFileError, match="binary"):
        rows(b"%PDF-1.4 \0", "a.htm")


def test_xml_that_is_no_dump_is_text() -> None:
    assert rows(b"<settings>\n</settings>\n", "a.xml") == [Row("<settings>\n</settings>\n")]


def test_zim_file_says_what_to_install() -> None:
    with pytest.raises(BadFileError, match="not read") as caught:
        rows(b"ZIM\x04", "a.zim")
    assert "zim-tools" in caught.value.advice


def test_latin_1_text_is_read_and_damage_counted() -> None:
    words = "größere Füße für schöne Möbel, außerdem häufig nützlich\n" * 3
    assert rows(words.encode("latin-1"), "a.txt") == [Row(words)]
    (row,) = rows(words.encode().replace("außer".encode(), b"au\xdfer"), "a.txt")
    assert isinstance(row, Row)
    assert (row.replaced, row.text.count("\ufffd")) == (3, 3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("CC-MAIN-0.warc.wet.gz", "warc"),
        ("a.warc.zst", "warc"),
        ("a.arc.gz", "arc"),
        ("a.csv.zst", "csv"),
        ("a.tsv", "tsv"),
        ("a.xhtml", "html"),
        ("a.xml.bz2", "xml"),
        ("a.epub", "epub"),
    ],
)
def test_suffix_tells_the_format(name: str, expected: str) -> None:
    assert format_of(PurePath(name)) == expected


@pytest.mark.parametrize("suffix", PACKERS)
def test_all_rows_before_damage_are_given(suffix: str) -> None:
    """The standard library's readers lose some, and take a damaged member for the end."""
    good = PACKERS[suffix](b'{"text": "a"}\n' * 1000)
    bad = bytearray(good)
    bad[1] ^= 1
    path = PurePath(f"a.jsonl{suffix}")
    found: list[Row | BadRow] = []
    with pytest.raises(BadFileError, match="damaged"):
        found.extend(read_rows(io.BytesIO(good + bad), path, "json lines", CorpusConfig()))
    assert len(found) == 1000


@pytest.mark.parametrize("suffix", PACKERS)
def test_members_may_be_padded_with_zeros(suffix: str) -> None:
    member = PACKERS[suffix](b'{"text": "a"}\n')
    assert len(rows(member + bytes(512) + member + bytes(3000), f"a.jsonl{suffix}")) == 2


@pytest.mark.parametrize("suffix", PACKERS)
def test_packed_files_of_formats_that_are_sought_in_are_read(suffix: str) -> None:
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": ["a", "b"]}), sink)
    packed = PACKERS[suffix](sink.getvalue())
    assert rows(packed, f"a.parquet{suffix}") == [Row("a", 1), Row("b", 2)]


def test_latin_1_that_begins_with_a_megabyte_of_ascii_is_told() -> None:
    words = "größere Füße für schöne Möbel, außerdem häufig nützlich\n" * 3
    text = "plain words\n" * 100_000 + words
    assert rows(text.encode("latin-1"), "a.txt") == [Row(text)]


def test_json_list_is_read_value_by_value() -> None:
    class Endless(io.RawIOBase):
        """A list of rows that has no end."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
            size = min(len(buffer), len(self.ahead))
            buffer[:size], self.ahead = self.ahead[:size], self.ahead[size:] + b',{"text": "b"}\n'
            return size

        ahead = b'[{"text": "a"}\n'

    reading = read_json(io.BufferedReader(Endless()), "text")
    assert [next(reading) for _ in range(3)] == [Row("a", 1), Row("b", 2), Row("b", 3)]


def test_json_list_gives_what_comes_before_damage() -> None:
    whole = b'\xef\xbb\xbf [ {"text": "a"}, {"text": "\xff"}, 7, {"text": "b"} ] \n'
    expected = [Row("a", 1), BadRow(2, "not UTF-8 text"), BadRow(3, "not a JSON object")]
    assert rows(whole, "a.json") == [*expected, Row("b", 4)]
    found: list[Row | BadRow] = []
    with pytest.raises(BadFileError, match="not valid JSON to its end"):
        found.extend(read_json(io.BytesIO(whole[:50]), "text"))
    assert found == expected
    assert rows(b"[]", "a.json") == rows(b" [\n]\n", "a.json") == []


@given(st.data())
def test_json_lists_equal_what_json_reads(data: st.DataObject) -> None:
    values = st.recursive(
        st.none() | st.integers() | st.text(max_size=5) | st.floats(allow_nan=False),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    )
    items = data.draw(st.lists(values | st.builds(lambda t: {"text": t}, st.text()), max_size=6))
    indent = data.draw(st.sampled_from([None, 1]))
    text = json.dumps(items, indent=indent, ensure_ascii=data.draw(st.booleans()))
    found = rows(text.encode(), "a.json")
    assert len(found) == len(items)
    expected = [i["text"] for i in items if isinstance(i, dict) and isinstance(i.get("text"), str)]
    assert [row.text for row in found if isinstance(row, Row)] == expected
