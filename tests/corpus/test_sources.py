import os
from pathlib import Path
from typing import Any

import pytest

from groundup.corpus import CorpusConfig, source_fingerprint
from groundup.corpus.sources import find_files, read_file
from groundup.corpus.tally import Tally
from groundup.corpus.why import why
from groundup.errors import UserError


@pytest.fixture
def books(tmp_path: Path) -> Path:
    folder = tmp_path / "books"
    for name in ("b.txt", "a.md", "sub/c.py", "sub/d.jsonl", "x.pdf", ".hidden.txt", ".git/e.txt"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def names(source: object) -> list[str]:
    return [file.name for file in find_files(str(source))]


def test_folder_is_walked_in_order_without_hidden_files(books: Path) -> None:
    assert names(books) == [
        "books/a.md",
        "books/b.txt",
        "books/x.pdf",
        "books/sub/c.py",
        "books/sub/d.jsonl",
    ]


def test_format_of_an_unknown_suffix_depends_on_who_named_it(books: Path) -> None:
    formats = {file.name: file.format for file in find_files(str(books))}
    assert formats["books/x.pdf"] is None
    (file,) = find_files(str(books / "x.pdf"))
    assert (file.format, file.named, file.name) == ("text", True, "x.pdf")
    (file,) = find_files(str(books / "*.pdf"))
    assert (file.format, file.named) == ("text", False)


def test_glob_matches_files_below_its_fixed_part(books: Path) -> None:
    assert names(books / "*.txt") == ["books/b.txt"]
    assert names(books / "**" / "*.py") == ["books/sub/c.py"]
    assert names(books.parent / "b*" / "sub" / "[cd].*") == [
        f"{books.parent.name}/books/sub/c.py",
        f"{books.parent.name}/books/sub/d.jsonl",
    ]


def test_relative_sources_keep_no_folder_of_the_machine(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(books)
    assert names(".")[0] == "a.md"
    assert names("*.md") == ["a.md"]
    monkeypatch.chdir(books / "sub")
    assert names("..")[0] == "a.md"
    assert names("../*.md") == ["a.md"]


def test_tilde_is_the_home_folder(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(books.parent))
    assert names("~/books/b.txt") == ["b.txt"]
    assert names("~/books/*.txt") == ["books/b.txt"]


def test_file_whose_name_looks_like_a_glob_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "a[1].txt").write_text("x")
    assert names(tmp_path / "a[1].txt") == ["a[1].txt"]


def test_link_that_leads_back_up_ends_the_walk(books: Path) -> None:
    (books / "sub" / "up").symlink_to(books)
    assert len(names(books)) == 5


def test_link_to_a_folder_is_followed(books: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    (linked / "there").symlink_to(books / "sub")
    assert names(linked) == ["linked/there/c.py", "linked/there/d.jsonl"]


def test_name_that_is_no_unicode_is_still_a_name(tmp_path: Path) -> None:
    folder = tmp_path / "odd"
    folder.mkdir()
    try:
        Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt")).write_text("x")
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    assert names(folder) == ["odd/caf\ufffd.txt"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("missing.txt", "does not exist; check the path"),
        ("*.none", "no file matches .*; check the pattern"),
        ("empty", "holds no files"),
    ],
)
def test_source_that_is_not_there_is_a_user_error(
    tmp_path: Path, source: str, message: str
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=message):
        find_files(str(tmp_path / source))


def test_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="neither a file nor a folder"):
        find_files(str(tmp_path / "pipe"))


def test_fingerprint_changes_with_the_files_alone(books: Path) -> None:
    config = CorpusConfig(sources=(str(books), "stdlib"))
    before = source_fingerprint(config)
    assert source_fingerprint(config) == before
    assert source_fingerprint(config.model_copy(update={"text_field": "other"})) == before
    (books / "b.txt").write_text("longer than before")
    changed = source_fingerprint(config)
    assert changed != before
    os.utime(books / "b.txt", ns=(1, 1))
    assert source_fingerprint(config) != changed
    (books / "sub" / "new.txt").write_text("x")
    assert len({source_fingerprint(config), changed, before}) == 3


def test_fingerprint_of_an_address_is_the_address_and_fetches_nothing() -> None:
    url = "http://127.0.0.1:9/a.txt"
    plain = source_fingerprint(CorpusConfig(sources=(url,)))
    checked = source_fingerprint(CorpusConfig(sources=(f"{url}#sha256={'0' * 64}",)))
    assert plain != checked


def test_home_folder_of_nobody_is_a_user_error() -> None:
    with pytest.raises(UserError, match=r"~no-such-user/a\.txt: there is no such user"):
        find_files("~no-such-user/a.txt")


def archive(*records: tuple[str, bytes]) -> bytes:
    """Return a WARC file of records, each of a type and a content."""
    return b"".join(
        b"WARC/1.0\r\nWARC-Type: %s\r\nWARC-Target-URI: http://a/\r\n"
        b"Content-Type: application/http\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n"
        % (kind.encode(), len(content), content)
        for kind, content in records
    )


NOT_FOUND = b"HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\n\r\n<p>gone"
USER_PAGE = b"<page><title>User:A</title><ns>2</ns><revision><text>x</text></revision></page>"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (
            "a.jsonl",
            b"prose\n",
            "no row could be read; row 1: not valid JSON; .*JSON object a line",
        ),
        ("a.jsonl", b'{"a": 1}\n', r'row 1: no field "text" \(it has a\); set text_field'),
        ("a.jsonl", b'{"text": "\\ud800"}\n', "row 1: a lone surrogate.*; set normalize = true"),
        ("a.json", b"[1, 2]", "row 1: not a JSON object; check that it is a list of JSON objects"),
        ("a.csv", b"text,n\n1\n", "not as many columns .*; check that its first line names the"),
        (
            "a.warc",
            archive(("warcinfo", b"software: x"), *[("response", NOT_FOUND)] * 3),
            r"no record could be read; record 2: HTTP status 4xx \(404\); name an archive",
        ),
        ("a.warc", archive(("response", b"HTTP/1.1"))[:-9], "no record could be read; .*fetch it"),
        (
            "a.xml",
            b"<mediawiki>" + USER_PAGE + b"</mediawiki>",
            "no page could be read; page 1: not an article; name the dump of pages-articles",
        ),
        ("a.warc", b"", "empty; name a file with text in it"),
    ],
)
def test_what_to_do_about_a_file_without_text_is_said_for_its_format(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    config = CorpusConfig(sources=(str(tmp_path / name),))
    (file,) = find_files(config.sources[0])
    with pytest.raises(UserError, match=message) as caught:
        list(read_file(file, config, Tally()))
    assert "\n" not in str(caught.value)


def test_where_a_record_begins_and_what_could_not_be_decoded_is_told(
    build: Any, tmp_path: Path
) -> None:
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    clean = page + "a clean text, wörd für wörd, und noch eins".encode()
    torn = page + "ein zerriss\xffener Text, Wörter für Wörter und noch eines".encode("latin-1")
    torn = torn.replace(b"\xf6", "ö".encode()).replace(b"\xfc", "ü".encode())
    image = page.replace(b"text/plain", b"image/png")
    records = [("response", clean), ("response", torn), ("response", image + b"\x89PNG")]
    (tmp_path / "a.warc").write_bytes(archive(*records))
    starts = [len(archive(*records[:n])) for n in range(3)]
    built = build(tmp_path / "a.warc")
    assert (built.summary["replaced_characters"], built.summary["replaced_texts"]) == (1, 1)
    assert "a.warc:3: media type image (image/png)" in built.summary["skipped_examples"]
    assert "undecoded characters</dt><dd>1<" in (built.folder / "report.html").read_text()
    stories = [why(built.folder, f"a.warc:{n}")[0] for n in (1, 2, 3)]
    (first,), (second,), (third,) = stories
    assert first.steps[0][1].endswith(f"bytes at byte {starts[0]:,} of the file")
    assert second.steps[0][1].endswith(
        f"bytes at byte {starts[1]:,} of the file, 1 characters could not be decoded"
    )
    assert third.steps == [("read", f"dropped: media type image at byte {starts[2]:,} of the file")]
