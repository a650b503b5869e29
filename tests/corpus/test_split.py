import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundup.corpus import Document
from groundup.corpus.split import split_documents, split_of, split_tails


def documents(n: int) -> list[Document]:
    return [Document.of(f"document {i}", f"{i}.txt") for i in range(n)]


def test_document_keeps_its_side_whatever_else_is_there() -> None:
    many = documents(500)
    shuffled = random.Random(0).sample(many, 100)
    _, whole = split_documents(iter(many), 0.1, "document")
    _, part = split_documents(iter(shuffled), 0.1, "document")
    sides = {document.id: side for side, document in whole}
    assert all(sides[document.id] == side for side, document in part)


def test_share_of_validation_documents_is_the_fraction() -> None:
    sides = [split_of(document, 0.1) for document in documents(20_000)]
    assert sides.count("validation") / len(sides) == pytest.approx(0.1, abs=0.01)


def test_a_larger_fraction_only_adds_to_validation() -> None:
    for document in documents(300):
        if split_of(document, 0.1) == "validation":
            assert split_of(document, 0.3) == "validation"


@given(st.text(min_size=1, max_size=50), st.floats(0.01, 0.99))
def test_tails_put_together_are_the_document(text: str, fraction: float) -> None:
    try:
        document = Document.of(text, "a.txt", url="http://x")
    except UnicodeEncodeError:
        return
    pieces = list(split_tails(iter([document]), fraction))
    assert "".join(piece.text for _, piece in pieces) == text
    assert [piece for _, piece in pieces] == [
        Document.of(piece.text, "a.txt", url="http://x") for _, piece in pieces
    ]
    assert sum(len(p.text) for side, p in pieces if side == "train") == int(
        len(text) * (1 - fraction)
    )


@pytest.mark.shared
def test_tail_of_tiny_shakespeare_is_cut_where_nanogpt_cuts_it(shared: Path) -> None:
    # nanoGPT, data/shakespeare_char: "train has 1,003,854 tokens, val has 111,540 tokens"
    text = (shared / "text" / "tinyshakespeare.txt").read_text()
    document = Document.of(text, "tinyshakespeare.txt")
    pieces = dict(split_tails(iter([document]), 0.1))
    assert len(pieces["train"].text) == 1_003_854
    assert len(pieces["validation"].text) == 111_540


def test_auto_takes_tails_of_few_documents() -> None:
    assert split_documents(iter(documents(19)), 0.5, "auto")[0] == "tail"
    assert split_documents(iter(documents(20)), 0.5, "auto")[0] == "document"


def test_auto_takes_tails_when_one_side_would_be_empty() -> None:
    train_only = [d for d in documents(100) if split_of(d, 0.05) == "train"]
    how, pieces = split_documents(iter(train_only), 0.05, "auto")
    assert how == "tail"
    assert {side for side, _ in pieces} == {"train", "validation"}


def test_auto_gives_every_document_in_order_and_looks_no_further_than_it_must() -> None:
    taken = 0

    def stream() -> Iterator[Document]:
        nonlocal taken
        for document in documents(1000):
            taken += 1
            yield document

    how, pieces = split_documents(stream(), 0.5, "auto")
    assert (how, taken) == ("document", 20)
    assert [document for _, document in pieces] == documents(1000)


@pytest.mark.parametrize(("budget", "expected"), [(10_000, "document"), (150, "tail")])
def test_auto_looks_at_no_more_text_than_it_may(budget: int, expected: str) -> None:
    # twenty documents of 14 characters are 280: past a budget of 150 the rest is not looked at
    many, taken = [Document.of(f"document {i:05d}", "a") for i in range(1000)], 0

    def stream() -> Iterator[Document]:
        nonlocal taken
        for document in many:
            taken += 1
            yield document

    how, pieces = split_documents(stream(), 0.5, "auto", max_peeked_characters=budget)
    assert how == expected
    assert taken == (20 if how == "document" else 11)
    assert "".join(piece.text for _, piece in pieces) == "".join(d.text for d in many)


def test_auto_takes_tails_where_the_text_it_may_look_at_falls_to_one_side() -> None:
    train_only = [d for d in documents(2000) if split_of(d, 0.05) == "train"]
    how, pieces = split_documents(iter(train_only), 0.05, "auto", max_peeked_characters=1000)
    assert how == "tail"
    whole: dict[str, str] = {}
    for _, piece in pieces:
        whole[piece.source] = whole.get(piece.source, "") + piece.text
    assert whole == {document.source: document.text for document in train_only}
