"""Files that are damaged, endless, gone or malicious: the run ends, and the good ones survive."""

import bz2
import errno
import gzip
import io
import json
import lzma
import random
import zipfile
from collections import Counter
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from groundup.corpus import CorpusConfig, build_corpus, read_documents
from groundup.corpus.ledger import LedgerWriter, read_ledger
from groundup.corpus.parts import Plan
from groundup.corpus.sources import SourceFile
from groundup.corpus.storage import DocumentWriter
from groundup.errors import UserError

ROWS = 40


def texts(name: str, count: int = ROWS) -> list[str]:
    """Texts that no other name has."""
    draw = random.Random(name)
    return [" ".join(f"{name}{draw.randrange(10**6)}" for _ in range(60)) for _ in range(count)]


def lines(name: str) -> bytes:
    return "\n".join(json.dumps({"text": text}) for text in texts(name)).encode()


def warc(name: str) -> list[bytes]:
    """The members of an archive of pages."""
    members = []
    for number, text in enumerate(texts(name)):
        body = f"<html><head><title>t</title></head><body><p>{text}</p></body></html>"
        http = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{body}"
        head = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://a.example/{number}\r\n"
            "WARC-Date: 2024-01-02T03:04:05Z\r\nContent-Type: application/http; msgtype=response"
            f"\r\nContent-Length: {len(http)}\r\n\r\n"
        )
        members.append(gzip.compress(f"{head}{http}\r\n\r\n".encode(), mtime=0))
    return members


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :]


def bomb(size: int) -> bytes:
    """A good row, and then blanks that fill a memory."""
    packer = lzma.LZMACompressor(preset=0)
    pieces = [packer.compress(b'{"text": "' + b"good words " * 9 + b'"}\n')]
    pieces += [packer.compress(b" " * (1 << 20)) for _ in range(size >> 20)]
    return b"".join([*pieces, packer.flush()])


def book() -> bytes:
    """A book with a good chapter and one that unpacks to 40 MB."""
    names = {"good": "a", "bomb": "b"}
    items = "".join(
        f'<item id="{i}" href="{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name, i in names.items()
    )
    spine = "".join(f'<itemref idref="{i}"/>' for i in names.values())
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata/>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )
    container = '<container><rootfiles><rootfile full-path="book.opf"/></rootfiles></container>'
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("book.opf", package)
        archive.writestr("good.xhtml", f"<p>{texts('book')[0]}</p>")
        archive.writestr("bomb.xhtml", b" " * (40 << 20))
    return packed.getvalue()


def hostile_files(zstandard: Any) -> dict[str, bytes]:
    members = warc("flipped")
    packer = zstandard.ZstdCompressor().compressobj()
    packed = b"".join(
        packer.compress(line) + packer.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        for line in lines("zst").splitlines(keepends=True)
    )
    return {
        "cut.jsonl.gz": gzip.compress(lines("cut"))[:-2000],
        "cut.jsonl.zst": packed[: len(packed) // 2],
        "cut.jsonl.bz2": bz2.compress(lines("bz2"))[:-100],
        "flipped.jsonl.xz": flipped(lzma.compress(lines("xz")), 5000),
        "flipped.warc.gz": b"".join([*members[:7], flipped(members[7], 60), *members[8:]]),
        "cut.warc.gz": b"".join(warc("warc"))[:-50],
        "latin.txt": b"caf\xe9 " * 9,
        "surrogate.jsonl": b'{"text": "\\ud800 lone"}\n' + lines("after"),
        "bomb.jsonl.xz": bomb(200 << 20),
        "bomb.epub": book(),
        "bomb.zip": book(),
        "empty.txt": b"",
        "empty.jsonl.gz": b"",
        "empty.warc.gz": b"",
        "empty.parquet": b"",
        "binary.txt": bytes(range(256)) * 40,
        "binary.jsonl": bytes(range(256)) * 40,
        "binary.warc": bytes(range(256)) * 40,
        "binary.parquet": b"PAR1" + bytes(range(256)) * 40 + b"PAR1",
        "long.jsonl": b'{"text": "' + b"a" * (65 << 20) + b'"}\n' + lines("long"),
        "deep.jsonl": b'{"text": ' + b"[" * 100_000 + b"\n" + lines("deep"),
        "good.jsonl": lines("good"),
        "good.warc.gz": b"".join(warc("page")),
    }


def configure(folder: Path, **more: Any) -> CorpusConfig:
    options: dict[str, Any] = {"sources": [str(folder)], "workers": 1}
    return CorpusConfig.model_validate(options | more)


def written(folder: Path) -> str:
    """All text of a corpus."""
    documents = chain(read_documents(folder, "train"), read_documents(folder, "validation"))
    return "\n".join(document.text for document in documents)


def check(folder: Path, result: dict[str, Any]) -> dict[str, Counter[str]]:
    """Return why records ended, by file; each that was met has one line in the ledger."""
    entries = list(read_ledger(folder / "ledger.parquet"))
    flows = result["funnel"].values()
    assert sum(flow["read"]["in"][0] for flow in flows) == len(entries)
    kept = sum(flow[result["steps"][-1]]["kept"][0] for flow in flows)
    assert kept == result["documents"] == sum(not entry.step for entry in entries)
    ends: dict[str, Counter[str]] = {}
    for entry in entries:
        name = entry.source.partition("/")[2].partition(":")[0]
        ends.setdefault(name, Counter())[entry.reason] += 1
    return ends


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.dist)])
def test_damage_costs_what_is_damaged_and_nothing_beside_it(
    tmp_path: Path, corpus: Path, workers: int
) -> None:
    (tmp_path / "files").mkdir()
    files = hostile_files(pytest.importorskip("zstandard"))
    for name, data in files.items():
        (tmp_path / "files" / name).write_bytes(data)
    dedup = {"near_duplicates": "drop", "repeated_lines": True}
    config = configure(tmp_path / "files", workers=workers, dedup=dedup)
    result = build_corpus(config, corpus, part_bytes=1 << 20)  # checks its own funnel
    ends = check(corpus, result)
    assert result["files"] == len(files)
    assert set(files) - set(ends) == {"empty.jsonl.gz", "empty.warc.gz"}  # rows of nothing
    text = written(corpus)
    for name in ("after", "long", "deep", "good", "page", "book"):
        assert all(words in text for words in texts(name, 1 if name == "book" else ROWS)), name
    for name, lost in {"flipped": 1, "warc": 1, "cut": 20, "zst": 21}.items():
        assert sum(words not in text for words in texts(name)) <= lost, name
    assert ends["good.jsonl"] == ends["good.warc.gz"] == {"": ROWS}
    assert ends["surrogate.jsonl"] == {"": ROWS, "a lone surrogate, so no Unicode text": 1}
    assert ends["cut.jsonl.gz"]["the archive is cut short"] == 1
    assert ends["bomb.jsonl.xz"]["the archive unpacks to hundreds of times its size"] == 1
    for name, reasons in ends.items():
        if name not in ("good.jsonl", "good.warc.gz", "latin.txt"):
            assert set(reasons) - {""}, f"nothing is said of {name}"


def test_another_encoding_is_read_where_texts_are_normalized(tmp_path: Path, corpus: Path) -> None:
    (tmp_path / "files").mkdir()
    words = "Un caf\xe9 cr\xe8me \xe0 la fran\xe7aise, s'il vous pla\xeet, et de la for\xeat. " * 5
    (tmp_path / "files" / "latin.txt").write_bytes(words.encode("latin-1"))
    (tmp_path / "files" / "good.jsonl").write_bytes(lines("good"))
    result = build_corpus(configure(tmp_path / "files", normalize=True), corpus)
    assert check(corpus, result)["latin.txt"] == {"": 1}
    assert words.strip() in written(corpus)


def test_files_that_vanish_or_may_not_be_read_are_counted(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "files").mkdir()
    for name in ("gone", "good", "locked"):
        (tmp_path / "files" / f"{name}.jsonl").write_bytes(lines(name))
    save, open_ = Plan.save, SourceFile.open

    def save_and_lose(plan: Plan, path: Path) -> None:
        save(plan, path)
        (tmp_path / "files" / "gone.jsonl").unlink(missing_ok=True)

    def refuse(file: SourceFile) -> BinaryIO:  # chmod would not keep root out
        if file.path.name == "locked.jsonl":
            raise PermissionError(errno.EACCES, "Permission denied", str(file.path))
        return open_(file)

    monkeypatch.setattr(Plan, "save", save_and_lose)
    monkeypatch.setattr(SourceFile, "open", refuse)
    result = build_corpus(configure(tmp_path / "files"), corpus)
    assert check(corpus, result) == {
        "gone.jsonl": {"gone since the files were listed": 1},
        "good.jsonl": {"": ROWS},
        "locked.jsonl": {"no permission to read it": 1},
    }
    assert result["skipped_files"] == 2
    for name, message in {
        "gone": "gone since .*; run",
        "locked": "no permission .*; allow",
    }.items():
        (tmp_path / "files" / f"{name}.jsonl").write_bytes(lines(name))
        named = configure(tmp_path / "files" / f"{name}.jsonl")
        (tmp_path / name).mkdir()
        with pytest.raises(UserError, match=message):
            build_corpus(named, tmp_path / name)


@pytest.mark.parametrize("name", ["documents", "train", "ledger"])
def test_a_full_disk_loses_nothing_that_was_finished(
    tmp_path: Path, corpus: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "files").mkdir()
    for file in range(4):
        (tmp_path / "files" / f"{file}.jsonl").write_bytes(lines(str(file)))
    config = configure(tmp_path / "files", dedup={"near_duplicates": "drop"})
    (tmp_path / "straight").mkdir()
    build_corpus(config, tmp_path / "straight", part_bytes=1)

    room = {"documents": 2, "train": 0, "ledger": 4}[name]
    writer: Any = LedgerWriter if name == "ledger" else DocumentWriter
    flush = writer._flush

    def flush_while_there_is_room(self: Any) -> None:
        nonlocal room
        if name == "ledger" or self._name == name:
            room -= 1
        if room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(self)

    with monkeypatch.context() as patch:
        patch.setattr(writer, "_flush", flush_while_there_is_room)
        with pytest.raises(OSError, match="No space left"):
            build_corpus(config, corpus, part_bytes=1)
    assert {path.name for path in (corpus / "parts").iterdir()} == {
        f"{part:05d}" for part in range(2 if name == "documents" else 4)
    }
    build_corpus(config, corpus, part_bytes=1)
    for path in (tmp_path / "straight").iterdir():
        assert path.read_bytes() == (corpus / path.name).read_bytes()


@pytest.mark.slow
def test_a_line_of_a_gigabyte_costs_itself(tmp_path: Path, corpus: Path) -> None:
    with (tmp_path / "long.jsonl").open("wb") as file:
        file.write(lines("before") + b'\n{"text": "')
        for _ in range(1024):
            file.write(b"a word or two or" * (1 << 16))
        file.write(b'"}\n' + lines("after"))
    result = build_corpus(configure(tmp_path / "long.jsonl"), corpus)
    check(corpus, result)
    assert result["documents"] == 2 * ROWS
    assert result["skipped_rows"] == 1
