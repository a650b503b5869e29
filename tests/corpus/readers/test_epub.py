import contextlib
import io
import zipfile

import pytest

from groundup.corpus.readers import BadFileError, BadRow, Row
from groundup.corpus.readers.epub import read_epub

CONTAINER = '<container><rootfiles><rootfile full-path="OPS/book.opf"/></rootfiles></container>'


def book(chapters: dict[str, bytes], spine: list[str], **more: str) -> bytes:
    items = "".join(
        f'<item id="{name}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in spine
    )
    order = "".join(f'<itemref idref="{name}"/>' for name in spine)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<metadata><dc:language>fr</dc:language></metadata><manifest>{items}</manifest>"
        f"<spine>{order}</spine></package>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OPS/book.opf", package)
        for name, content in chapters.items():
            archive.writestr(f"OPS/{name}.xhtml", content)
        for name, text in more.items():
            archive.writestr(f"META-INF/{name}.xml", text)
    return out.getvalue()


def rows(data: bytes, **options: int) -> list[Row | BadRow]:
    return list(read_epub(io.BytesIO(data), **options))


def test_chapters_are_read_in_the_order_of_the_spine() -> None:
    chapters = {
        "b": b"<html><body><h1>Deux</h1><p>fin</p></body></html>",
        "a": "<html><body><h1>Un</h1><p>début</p></body></html>".encode(),
    }
    (row,) = rows(book(chapters, ["a", "b"]))
    assert isinstance(row, Row)
    assert (" ".join(row.text.split()), row.language) == ("Un début Deux fin", "fr")


def test_missing_and_exploding_chapters_cost_only_themselves() -> None:
    chapters = {"a": b"<p>one</p>", "bomb": bytes(30 << 20), "c": b"<p>two</p>"}
    found = rows(book(chapters, ["a", "gone", "bomb", "c"]))
    assert [(row.number, row.reason) for row in found if isinstance(row, BadRow)] == [
        (2, "a chapter that is not there"),
        (3, "a chapter over the limit of size"),
    ]
    assert isinstance(found[-1], Row)
    assert found[-1].text.split() == ["one", "two"]


@pytest.mark.parametrize(
    "data",
    [b"no zip", b"", book({}, ["a"]), book({"a": b"<p>x</p>"}, ["a"])[:-50]],
)
def test_what_is_no_book_is_refused(data: bytes) -> None:
    with pytest.raises(BadFileError):
        rows(data)


def test_locked_book_is_refused_as_such() -> None:
    locks = '<encryption><CipherReference URI="OPS/a.xhtml"/></encryption>'
    with pytest.raises(BadFileError, match="locked"):
        rows(book({"a": b"\x93\x12"}, ["a"], encryption=locks))


def test_entities_of_its_own_are_refused() -> None:
    data = book({"a": b"<p>x</p>"}, ["a"], container2="")
    laughs = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><container>&b;</container>'
    out = io.BytesIO(data)
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("META-INF/container.xml", laughs)
    with pytest.raises(BadFileError, match="no EPUB"):
        rows(out.getvalue())


def test_no_flipped_bit_crashes_the_reader() -> None:
    data = book({"a": b"<p>one</p>" * 20, "b": b"<p>two</p>" * 50}, ["a", "b"])
    for bit in range(0, 8 * len(data), 3):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        with contextlib.suppress(BadFileError):
            rows(bytes(flipped))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_in_any_encoding(encoding: str) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        laughs = (
            '<!DOCTYPE x [<!ENTITY a "OPS/a">]><container><rootfile full-path="&a;"/></container>'
        )
        archive.writestr("META-INF/container.xml", laughs.encode(encoding))
        archive.writestr("OPS/a", "<package/>")
    with pytest.raises(BadFileError, match="no EPUB"):
        rows(out.getvalue())
