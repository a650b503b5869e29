import contextlib
import gzip
import io
import json
import lzma
from pathlib import PurePath

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus import CorpusConfig
from groundup.corpus.readers import BadFileError, BadRow, Row, format_of, read_rows
from groundup.corpus.readers.text import split_chunks


def rows(data: bytes, name: str, **options: object) -> list[Row | BadRow]:
    path = PurePath(name)
    file = io.BufferedReader(io.BytesIO(data))  # type: ignore[arg-type]
    return list(read_rows(file, path, format_of(path) or "text", CorpusConfig(**options)))


def texts(data: bytes, name: str, **options: object) -> list[str]:
    return [row.text for row in rows(data, name, **options) if isinstance(row, Row)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "text"),
        ("A.MD", "text"),
        ("README", "text"),
        ("a.py", "python"),
        ("a.jsonl", "json lines"),
        ("a.jsonl.gz", "json lines"),
        ("a.json.xz", "json"),
        ("a.tar.gz", None),
        ("a.parquet", "parquet"),
        ("a.pdf", None),
    ],
)
def test_suffix_tells_the_format(name: str, expected: str | None) -> None:
    assert format_of(PurePath(name)) == expected


def test_text_file_is_one_document_with_line_feeds() -> None:
    assert rows(b"a\r\nb\rc\n", "a.txt") == [Row("a\nb\nc\n")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_byte_order_mark_tells_the_encoding_and_is_dropped(encoding: str) -> None:
    assert texts("Grüße, 世界".encode(encoding), "a.txt") == ["Grüße, 世界"]


def test_python_source_is_read_in_the_encoding_it_declares() -> None:
    source = "# -*- coding: latin-1 -*-\r\nname = 'café'\n"
    assert texts(source.encode("latin-1"), "a.py") == [source.replace("\r\n", "\n")]


@pytest.mark.parametrize(
    ("data", "name", "reason"),
    [
        (b"caf\xe9", "a.txt", "not UTF-8"),
        (b"\x7fELF\0\0", "a.txt", "binary"),
        (b"x = 1\0", "a.py", "binary"),
        (b"# coding: klingon\n", "a.py", "encoding it declares"),
        (b"# coding: rot13\n", "a.py", "encoding it declares"),
        (b"name = '\xe9'\n", "a.py", "encoding it declares"),
        (gzip.compress(b"text" * 999)[:-9], "a.txt.gz", "cut short"),
        (lzma.compress(b"text" * 999)[:-9], "a.txt.xz", "cut short"),
        (b"no archive", "a.txt.gz", "damaged"),
        (b"no archive", "a.txt.xz", "damaged"),
        (b"no parquet", "a.parquet", "damaged"),
        (b"", "a.parquet", "damaged"),
    ],
)
def test_bad_file_is_named_as_such(data: bytes, name: str, reason: str) -> None:
    with pytest.raises(BadFileError, match=reason) as caught:
        rows(data, name)
    assert caught.value.advice


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_packed_file_reads_like_the_file_inside(pack: object) -> None:
    suffix = ".gz" if pack is gzip.compress else ".xz"
    line = b'{"text": "a"}\n'
    assert texts(pack(line * 3), f"a.jsonl{suffix}") == ["a"] * 3  # type: ignore[operator]
    assert texts(pack(b"# x\n"), f"a.py{suffix}") == ["# x\n"]  # type: ignore[operator]


def test_rows_before_the_cut_in_an_archive_are_given() -> None:
    lines = b"".join(json.dumps({"text": f"{i} " * 50}).encode() + b"\n" for i in range(5000))
    data = io.BufferedReader(io.BytesIO(gzip.compress(lines)[:-5000]))  # type: ignore[arg-type]
    reading = read_rows(data, PurePath("a.jsonl.gz"), "json lines", CorpusConfig())
    assert next(reading) == Row("0 " * 50, 1)
    with pytest.raises(BadFileError, match="cut short"):
        list(reading)


def test_separator_divides_a_text_file() -> None:
    data = b"one\n<|endoftext|>\ntwo\r\n\r\ntwo\n<|endoftext|>\n"
    assert rows(data, "a.txt", document_separator="<|endoftext|>") == [
        Row("one", 1),
        Row("two\n\ntwo", 2),
        Row("", 3),
    ]


@given(st.text("ab", max_size=60), st.text("ab", min_size=1, max_size=4), st.data())
def test_split_chunks_equals_split_whatever_the_chunks(
    text: str, separator: str, data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    chunks = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert list(split_chunks(chunks, separator)) == text.split(separator)


def test_json_lines_end_at_line_feeds_only() -> None:
    text = "a\u2028b\u0085c\x0bd\x1ce"
    data = json.dumps({"text": text}, ensure_ascii=False).encode()
    assert texts(data + b"\r\n\n" + data, "a.jsonl") == [text, text]


def test_one_bad_row_never_loses_the_file() -> None:
    good = b'{"text": "good", "url": "http://x", "language": "en"}'
    bad = {
        b'{"text": ': "not valid JSON",
        b'{"text": "\xff"}': "not UTF-8 text",
        b"[1, 2]": "not a JSON object",
        b'"text"': "not a JSON object",
        b"null": "not a JSON object",
        b'{"story": "x"}': 'no field "text"',
        b'{"text": null}': 'field "text" is not a string',
        b"[" * 100_000: "not valid JSON",
        b'{"text": ' + b"1" * 5000 + b"}": "not valid JSON",
    }
    read = rows(b"\xef\xbb\xbf" + b"\n".join([good, *bad, good]), "a.jsonl")
    last = len(bad) + 2
    assert read[0] == Row("good", 1, "http://x", "en")
    assert read[-1] == Row("good", last, "http://x", "en")
    assert [(row.number, row.reason) for row in read if isinstance(row, BadRow)] == [
        (number, reason) for number, reason in enumerate(bad.values(), 2)
    ]


def test_bad_row_tells_the_fields_there_are() -> None:
    (row,) = rows(b'{"title": 1, "story": 2}', "a.jsonl")
    assert isinstance(row, BadRow)
    assert row.detail == "it has title, story"


def test_huge_line_is_read() -> None:
    text = "x" * 20_000_000
    assert texts(json.dumps({"text": text}).encode(), "a.jsonl") == [text]


@given(
    st.binary(max_size=200), st.sampled_from(["jsonl", "json", "txt", "py", "jsonl.gz", "md.xz"])
)
def test_no_bytes_crash_a_reader(data: bytes, suffix: str) -> None:
    with contextlib.suppress(BadFileError):
        rows(data, f"a.{suffix}", document_separator="\n\n")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=8))
def test_json_lines_round_trip(values: list[str]) -> None:
    data = "".join(json.dumps({"text": v}, ensure_ascii=False) + "\n" for v in values).encode()
    assert texts(data, "a.jsonl") == values


@pytest.mark.parametrize("indent", [None, 2])
def test_json_file_holds_a_list_or_lines_or_one_object(indent: int | None) -> None:
    items = [{"text": "a"}, {"text": "b"}, {"none": 1}]
    read = rows(json.dumps(items, indent=indent).encode(), "a.json")
    assert read[:2] == [Row("a", 1), Row("b", 2)]
    assert isinstance(read[2], BadRow)
    assert texts(b"\n".join(json.dumps(item).encode() for item in items), "a.json") == ["a", "b"]
    assert texts(json.dumps(items[0], indent=indent).encode(), "a.json") == ["a"]
    assert texts(b'{"text": \n{"text": "b"}', "a.json") == ["b"]


def test_text_field_names_the_key() -> None:
    assert texts(b'{"story": "a", "text": "b"}', "a.jsonl", text_field="story") == ["a"]


def parquet(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return sink.getvalue()


def test_parquet_column_is_read_and_nulls_are_bad_rows() -> None:
    table = pa.table({"text": ["a", None, "c"], "url": ["http://x", "y", None], "n": [1, 2, 3]})
    assert rows(parquet(table), "a.parquet") == [
        Row("a", 1, "http://x"),
        BadRow(2, 'field "text" is not a string'),
        Row("c", 3),
    ]


def test_parquet_string_that_is_not_utf8_is_one_bad_row() -> None:
    broken = pa.StringArray.from_buffers(
        3, pa.py_buffer(b"\0\0\0\0\1\0\0\0\2\0\0\0\3\0\0\0"), pa.py_buffer(b"a\xffc")
    )
    read = rows(parquet(pa.table({"text": broken})), "a.parquet")
    assert read == [Row("a", 1), BadRow(2, "not UTF-8 text"), Row("c", 3)]


def test_parquet_without_the_column_says_which_there_are() -> None:
    table = pa.table({"content": ["a"], "text": [1]})
    with pytest.raises(BadFileError, match='no column of strings "text"') as caught:
        rows(parquet(table), "a.parquet")
    assert "content" in caught.value.advice


def test_an_address_or_language_that_is_no_unicode_costs_itself_not_the_row() -> None:
    row = b'{"text": "a", "url": "http://x/\\ud800", "language": "\\udfff"}'
    assert rows(row, "a.jsonl") == [Row("a", 1)]
    broken = pa.StringArray.from_buffers(
        1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff")
    )
    table = pa.table({"text": ["a"], "url": broken, "language": ["en"]})
    assert rows(parquet(table), "a.parquet") == [Row("a", 1, None, "en")]


def test_damaged_row_group_costs_only_itself() -> None:
    sink = io.BytesIO()
    table = pa.table({"text": [f"row {i} of the table" for i in range(300)]})
    pq.write_table(table, sink, row_group_size=100, compression="zstd")
    data = bytearray(sink.getvalue())
    at = pq.ParquetFile(sink).metadata.row_group(1).column(0).data_page_offset
    data[at + 20 : at + 60] = bytes(40)
    read = rows(bytes(data), "a.parquet")
    bad = [row for row in read if isinstance(row, BadRow)]
    assert [row.number for row in read if isinstance(row, Row)] == [
        *range(1, 101),
        *range(201, 301),
    ]
    assert [(row.number, row.reason) for row in bad] == [(101, "a damaged row group")]


@pytest.mark.parametrize("kind", ["large_string", "string_view", "dictionary"])
def test_parquet_strings_of_every_kind_are_read(kind: str) -> None:
    column = pa.array(["a", "b", "a"])
    column = column.dictionary_encode() if kind == "dictionary" else column.cast(kind)
    table = pa.table({"text": column, "language": pa.array(["en"] * 3).dictionary_encode()})
    assert [(row.text, row.language) for row in rows(parquet(table), "a.parquet")] == [  # type: ignore[union-attr]
        ("a", "en"),
        ("b", "en"),
        ("a", "en"),
    ]
