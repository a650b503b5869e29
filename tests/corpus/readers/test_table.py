import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus.readers import BadFileError, BadRow, Row
from groundup.corpus.readers.table import WRONG_COLUMNS, read_table


def rows(data: bytes, separator: str = ",", **options: int) -> list[Row | BadRow]:
    return list(read_table(io.BytesIO(data), separator, "text", **options))


FIELD = st.text(st.sampled_from('ab",\n é'), min_size=1, max_size=8)


@given(st.lists(st.tuples(FIELD, FIELD), max_size=6), st.sampled_from(",\t;"))
def test_what_python_writes_is_read(values: list[tuple[str, str]], separator: str) -> None:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator)
    writer.writerows([("text", "url"), *values])
    found = rows(out.getvalue().encode(), separator)
    written = [(text.replace("\r\n", "\n"), url) for text, url in values]
    assert [(row.text, row.url) for row in found if isinstance(row, Row)] == written


def test_numbers_are_those_of_lines() -> None:
    found = rows(b'id,text\n1,a\n\n2,"b\nc"\n3,d\n')
    assert [(row.number, row.text) for row in found if isinstance(row, Row)] == [
        (2, "a"),
        (4, "b\nc"),
        (6, "d"),
    ]


def test_unclosed_quote_costs_no_row() -> None:
    found = rows(b'text\tlabel\n"Hello" she said\t1\n"never closed\t0\nlast\t1\n', "\t")
    assert [row.text for row in found if isinstance(row, Row)] == [
        "Hello she said",
        '"never closed',
        "last",
    ]


def test_row_with_another_number_of_columns_is_bad() -> None:
    found = rows(b"id,text\n1,a\n2\n3,b,c\n4,d\n")
    assert [row.reason for row in found if isinstance(row, BadRow)] == [WRONG_COLUMNS] * 2
    assert [row.text for row in found if isinstance(row, Row)] == ["a", "d"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_encoding_is_told(encoding: str) -> None:
    lines = "text,url\n" + "größere Füße für schöne Möbel,http://x\n" * 9
    found = rows(lines.encode(encoding))
    assert {row.text for row in found if isinstance(row, Row)} == {"größere Füße für schöne Möbel"}


def test_row_over_the_limit_is_bad_and_the_next_is_read() -> None:
    found = rows(b"text,url\n" + b"x" * 5000 + b",y\na,b\n", max_size=1000)
    assert [type(row) for row in found] == [BadRow, Row]


def test_missing_column_is_named() -> None:
    with pytest.raises(BadFileError, match='no column "text"') as caught:
        rows(b"label,sentence\n1,a\n")
    assert "label, sentence" in caught.value.advice


def test_long_table_is_read_in_time_proportional_to_it() -> None:
    assert len(rows(b"text,url\n" + b'a,b\n"c",d\n' * 30_000)) == 60_000


def test_blank_lines_before_the_names_are_passed_over() -> None:
    (row,) = rows(b"\n \ntext,url\na,b\n")
    assert isinstance(row, Row)
    assert (row.number, row.text) == (4, "a")
    assert rows(b"\n\n") == []


def test_line_of_names_over_the_limit_is_named() -> None:
    with pytest.raises(BadFileError, match="over the limit"):
        rows(b"text," + b"x" * 5000 + b"\na,b\n", max_size=1000)
