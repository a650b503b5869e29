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


TUNING_BYTES = 200_000
"""The same where settings are compared."""


def corpus(name: str, data: Path, *, tune: bool = False) -> tuple[bytes, bytes]:
    """Return the training and the validation text, UTF-8.

    Args:
        name: shakespeare (its last tenth held out), stdlib (this Python's standard library), or
            stories; of these a twentieth of the documents, by the hash of each.
        data: the shared data.
        tune: split the training text once more in the same way, so that settings are chosen
            without a look at what is scored in the race.
    """
    if name == "shakespeare":
        text = (data / "text" / "tinyshakespeare.txt").read_text(encoding="utf-8")
        return split_text(text, tune=tune)
    if name == "stdlib":
        return split_documents(_standard_library(), tune=tune)
    if name == "stories":
        return split_documents(_stories(data / "text"), tune=tune)
    raise ValueError(f"no corpus {name!r}; shakespeare, stdlib or stories")


def split_text(text: str, *, tune: bool = False) -> tuple[bytes, bytes]:
    """Return all but the last tenth of a text, as nanoGPT's prepare.py does, and that tenth."""
    cut = len(text) * 9 // 10
    if tune:
        text, cut = text[:cut], cut * 9 // 10
    return text[:cut].encode(), _at_most(text[cut:], TUNING_BYTES if tune else MOST_BYTES)


def split_documents(documents: Iterable[str], *, tune: bool = False) -> tuple[bytes, bytes]:
    """Return the documents to learn from, and a twentieth of them to be scored on."""
    train, held_out = _sides(documents, b"race")
    if tune:
        train, held_out = _sides(train, b"tune")
    validation = _at_most(BREAK.join(held_out), TUNING_BYTES if tune else MOST_BYTES)
    return BREAK.join(train).encode(), validation


def _sides(documents: Iterable[str], salt: bytes) -> tuple[list[str], list[str]]:
    sides: tuple[list[str], list[str]] = ([], [])
    for document in sorted(set(documents), key=lambda text: hashlib.sha256(text.encode()).digest()):
        held_out = hashlib.sha256(salt + document.encode()).digest()[0] < 13  # 13/256: 5 %
        sides[held_out].append(document)
    return sides


def _at_most(text: str, most: int) -> bytes:
    return text.encode()[:most].decode(errors="ignore").encode()


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
