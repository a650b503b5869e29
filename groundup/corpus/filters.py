"""Filters: each takes documents and gives the ones worth keeping."""

from collections.abc import Iterator

from groundup.corpus.document import Document
from groundup.corpus.tally import Tally


def drop_blank(documents: Iterator[Document], tally: Tally) -> Iterator[Document]:
    """Drop documents that are empty or hold nothing but white space."""
    for document in documents:
        if is_blank(document.text):
            tally.blank_documents += 1
        else:
            yield document


def is_blank(text: str) -> bool:
    """Tell whether a text holds no character but white space."""
    return not text or text.isspace()
