"""Which text is trained on, and which is kept to measure with."""

from collections.abc import Iterator
from itertools import chain
from typing import Literal

from groundup.corpus.document import Document, Split

FEW_DOCUMENTS = 20
"""Below this number of documents whole ones make a poor sample, so "auto" splits each of them."""

MAX_PEEKED_CHARACTERS = 1 << 28
"""Text that "auto" looks at, and holds in memory, before it makes up its mind."""


def split_of(document: Document, validation_fraction: float) -> Split:
    """Choose a document's side from its id alone.

    The id is a hash, so the first 64 bits of it are uniform; the same text always lands on the
    same side, whatever else is in the corpus and in whatever order it comes.
    """
    return "validation" if int(document.id[:16], 16) / 2**64 < validation_fraction else "train"


def split_documents(
    documents: Iterator[Document],
    validation_fraction: float,
    how: Literal["auto", "document", "tail"],
    *,
    max_peeked_characters: int = MAX_PEEKED_CHARACTERS,
) -> tuple[Literal["document", "tail"], Iterator[tuple[Split, Document]]]:
    """Split a stream of documents; returns how, and the stream with the side of each piece.

    ``auto`` looks ahead until it knows that whole documents will do: at least twenty of them and
    one on either side, which takes about ``1 / validation_fraction`` documents. Where they are so
    long that ``max_peeked_characters`` are passed first, or run out, it takes tails. What it looked
    at is in memory until it is written.
    """
    if how == "auto":
        how, documents = _choose(documents, validation_fraction, max_peeked_characters)
    if how == "tail":
        return "tail", split_tails(documents, validation_fraction)
    return "document", ((split_of(d, validation_fraction), d) for d in documents)


def split_tails(
    documents: Iterator[Document], validation_fraction: float
) -> Iterator[tuple[Split, Document]]:
    """Cut the last part off every document, at ``int(characters * (1 - validation_fraction))``.

    With 0.1 that is the cut nanoGPT makes in Tiny Shakespeare (data/shakespeare_char/prepare.py).
    Each piece is a document with the id of its own text; an empty piece is left out.
    """
    for document in documents:
        cut = int(len(document.text) * (1 - validation_fraction))
        pieces: tuple[tuple[Split, str], ...] = (
            ("train", document.text[:cut]),
            ("validation", document.text[cut:]),
        )
        for side, text in pieces:
            if text:
                yield (
                    side,
                    Document.of(
                        text, document.source, url=document.url, language=document.language
                    ),
                )


def _choose(
    documents: Iterator[Document], validation_fraction: float, max_characters: int
) -> tuple[Literal["document", "tail"], Iterator[Document]]:
    peeked: list[Document] = []
    sides: set[Split] = set()
    num_characters = 0
    for document in documents:
        peeked.append(document)
        sides.add(split_of(document, validation_fraction))
        num_characters += len(document.text)
        if len(peeked) >= FEW_DOCUMENTS and len(sides) == 2:
            return "document", _followed_by(peeked, documents)
        if num_characters > max_characters:
            break
    return "tail", _followed_by(peeked, documents)


def _followed_by(peeked: list[Document], documents: Iterator[Document]) -> Iterator[Document]:
    # iter(): an iterator lets go of its list at the end, where chain would hold the list itself
    return chain(iter(peeked), documents)
