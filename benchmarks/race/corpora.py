"""The texts of the race: what is learned from and what is held out, as plain bytes."""

import hashlib
import json
import lzma
import os
import sysconfig
from collections.abc import Iterable
from pathlib import Path

BREAK = "\n\f\n"
"""Between documents: a page break, the same three bytes to learn for everyone."""

STORIES = ("childrens-books", "fairytales", "synthetic-stories", "picture-books")
"""Files of the shared data in the stories corpus; whole books and short tales."""

MOST_BYTES = 1_000_000
"""Of held-out text: the race measures time to learn, not to evaluate."""


def corpus(name: str, data: Path) -> tuple[bytes, bytes]:
    """Return the training and the validation text, UTF-8.

    Args:
        name: shakespeare (its last tenth held out), stdlib (this Python's standard library), or
            stories; of these a twentieth of the documents, by the hash of each.
        data: the shared data.
    """
    if name == "shakespeare":
        text = (data / "text" / "tinyshakespeare.txt").read_text(encoding="utf-8")
        cut = len(text) * 9 // 10  # as nanoGPT's prepare.py
        return text[:cut].encode(), text[cut:].encode()
    if name == "stdlib":
        return _split(_standard_library())
    if name == "stories":
        return _split(_stories(data / "text"))
    raise ValueError(f"no corpus {name!r}; shakespeare, stdlib or stories")


def _split(documents: Iterable[str]) -> tuple[bytes, bytes]:
    sides: tuple[list[str], list[str]] = ([], [])
    for document in sorted(set(documents), key=lambda text: hashlib.sha256(text.encode()).digest()):
        held_out = hashlib.sha256(b"race" + document.encode()).digest()[0] < 13  # 13/256: 5 %
        sides[held_out].append(document)
    train, validation = (BREAK.join(side).encode() for side in sides)
    return train, validation[:MOST_BYTES].decode(errors="ignore").encode()


def _standard_library() -> Iterable[str]:
    root = Path(sysconfig.get_path("stdlib"))
    for path in sorted(root.rglob("*.py")):
        if {"site-packages", "test", "tests", "idlelib"}.isdisjoint(path.relative_to(root).parts):
            try:
                yield path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


def _stories(folder: Path) -> Iterable[str]:
    for name in STORIES:
        with lzma.open(folder / f"{name}.jsonl.xz", "rt", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield json.loads(line)["text"]


def shared_data() -> Path:
    """Return the folder of the shared data: GROUNDUP_SHARED, or beside the repository."""
    beside = Path(__file__).parents[3] / "shared" / "data"
    return Path(os.environ.get("GROUNDUP_SHARED") or beside)
