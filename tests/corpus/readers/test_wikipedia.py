import bz2
import io
from pathlib import PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus import CorpusConfig
from groundup.corpus.readers import BadFileError, BadRow, Row, format_of, read_rows
from groundup.corpus.readers.wikipedia import CUT, read_wikipedia
from groundup.corpus.readers.wikitext import plain_text

HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="en">\n<siteinfo>'
    "<base>https://en.wikipedia.org/wiki/Main_Page</base></siteinfo>\n"
)


def page(title: str, text: str = "Some text.", ns: int = 0, more: str = "") -> str:
    return (
        f"  <page>\n<title>{title}</title><ns>{ns}</ns><id>1</id>{more}<revision>"
        f"<timestamp>2024-01-02T03:04:05Z</timestamp><model>wikitext</model>"
        f'<text xml:space="preserve">{text}</text></revision>\n  </page>\n'
    )


def dump(*pages: str) -> bytes:
    return (HEAD + "".join(pages) + "</mediawiki>\n").encode()


def rows(data: bytes, **options: int) -> list[Row | BadRow]:
    return list(read_wikipedia(io.BytesIO(data), **options))


def test_articles_are_read_and_other_pages_are_skipped() -> None:
    found = rows(
        dump(
            page(
                "A &amp; B", "'''A''' and [[B (letter)|B]] &amp;amp; &lt;ref&gt;x&lt;/ref&gt;more."
            ),
            page("Old", more='<redirect title="A" />'),
            page("Talk:A", ns=1),
        )
    )
    assert found[0] == Row(
        "A and B & more.",
        1,
        "https://en.wikipedia.org/wiki/A_%26_B",
        "en",
        date="2024-01-02T03:04:05Z",
        offset=len(HEAD) + 2,
    )
    assert [row.reason for row in found[1:] if isinstance(row, BadRow)] == [
        "redirect",
        "not an article",
    ]


def test_packed_dump_is_told_by_its_content() -> None:
    data = io.BufferedReader(io.BytesIO(bz2.compress(dump(page("A")))))  # type: ignore[arg-type]
    path = PurePath("enwiki-pages-articles.xml.bz2")
    assert format_of(path) == "xml"
    (row,) = read_rows(data, path, "xml", CorpusConfig())
    assert isinstance(row, Row)
    assert row.text == "Some text."


def test_a_bad_byte_costs_one_page() -> None:
    data = dump(*(page(f"Page {i}", f"text {i}") for i in range(4)))
    good = [row.text for row in rows(data) if isinstance(row, Row)]
    begin, end = data.index(b"<page>"), data.index(b"</mediawiki>")
    for at in range(begin, end):
        flipped = bytearray(data)
        flipped[at] ^= 0x15
        found = rows(bytes(flipped))
        texts = [row.text for row in found if isinstance(row, Row)]
        assert len(set(good) - set(texts)) <= 1, at
        assert len(texts) == 4 or any(isinstance(row, BadRow) for row in found), at


def test_cut_and_overlong_pages_are_bad() -> None:
    data = dump(page("A"), page("B", "x" * 5000), page("C"))
    found = rows(data[: data.index(b"C</title>")], max_bytes=2000)
    assert [type(row) for row in found] == [Row, BadRow, BadRow]
    assert [row.reason for row in found if isinstance(row, BadRow)][-1] == CUT


def test_what_is_no_dump_is_refused() -> None:
    with pytest.raises(BadFileError, match="no MediaWiki export"):
        rows(b"<settings/>")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("'''Bold''' and ''italic''", "Bold and italic"),
        ("[[Paris]], [[Paris|the city]], [[:Category:X]]", "Paris, the city, Category:X"),
        ("[[File:a.jpg|thumb|A [[picture]] here]]Text", "Text"),
        ("{{Infobox|a={{b|c}}|d=[[e]]}}Text {{lang|fr|bonjour}}", "Text bonjour"),
        ('{| class="x"\n|-\n| a || {{b}}\n|}\nText', "Text"),
        ("a<ref name=x>b {{cite}}</ref>c<ref name=x/>d", "acd"),
        ("a <!-- b\n c --> d", "a d"),
        ("[https://x.org label] [https://x.org]", "label"),
        ("== One ==\ntext\n== Empty ==\n== Two ==\nmore", "One\n\ntext\n\nTwo\n\nmore"),
        ("* a\n** b\n# c\n: d", "- a\n- b\n- c\nd"),
        ("5 &lt; 6 &amp; a&nbsp;b", "5 < 6 & a b"),
        ("H<sub>2</sub>O<br/>next", "H2O\nnext"),
        ("<math>x^2</math> is __NOTOC__ here", "is here"),
        ("Star Wars: [[Star Wars: A New Hope]]", "Star Wars: Star Wars: A New Hope"),
        ("unclosed {{ template and [[ link", "unclosed template and link"),
    ],
)
def test_markup_becomes_the_text_it_shows(markup: str, text: str) -> None:
    assert plain_text(markup) == text


@given(
    st.lists(
        st.sampled_from(
            [
                "{{",
                "}}",
                "[[",
                "]]",
                "{|",
                "\n|}",
                "<ref>",
                "</ref>",
                "|",
                "=",
                "a",
                "''",
                "\n",
                "*",
                "[http://x",
            ]
        )
    )
)
def test_no_markup_crashes_the_cleaner(pieces: list[str]) -> None:
    plain_text(" ".join(pieces))


def test_hostile_markup_takes_time_in_proportion() -> None:
    for piece in (
        "{{",
        "[[",
        "{|\n",
        "<ref>",
        "[http://a ",
        "<!--",
        "'''",
        "==a\n",
        "}}",
        "<ref",
        "<a",
        "= ",
    ):
        plain_text(piece * 100_000)
    for hostile in (
        "[//x" + " " * 100_000,
        "=" + " " * 100_000 + "x",
        "[[a" * 300_000 + "]]" * 300_000,
        "{{small|a" * 300_000 + "}}" * 300_000,
    ):
        plain_text(hostile)


def test_a_heading_has_as_many_signs_before_as_behind() -> None:
    assert plain_text("== a ===\nb") == "a =\n\nb"
    assert plain_text("=====\nb") == "=\n\nb"
    assert plain_text("= =\nb\n==\nc") == "b\n==\nc"
