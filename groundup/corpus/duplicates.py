"""Dropping documents that are there already."""

from collections.abc import Iterator

from groundup.corpus.document import Document
from groundup.corpus.tally import Tally


def drop_exact_duplicates(documents: Iterator[Document], tally: Tally) -> Iterator[Document]:
    """Keep the first of the documents whose texts are equal, byte for byte.

    Holds 16 bytes of hash a document: about 100 MB of Python objects a million documents.
    """
    seen: set[bytes] = set()
    for document in documents:
        key = bytes.fromhex(document.id)
        if key in seen:
            tally.duplicates += 1
        else:
            seen.add(key)
            yield document
