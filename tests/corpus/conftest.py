"""Helpers of the corpus tests."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundup.corpus import CorpusConfig, Document, build_corpus, read_documents


class Built:
    """A corpus that was built for a test."""

    def __init__(self, folder: Path, summary: dict[str, Any]) -> None:
        self.folder = folder
        self.summary = summary
        self.train: list[Document] = list(read_documents(folder, "train"))
        self.validation: list[Document] = list(read_documents(folder, "validation"))

    @property
    def documents(self) -> list[Document]:
        return self.train + self.validation

    @property
    def texts(self) -> set[str]:
        return {document.text for document in self.documents}

    def whole(self) -> dict[str, str]:
        """Source → text, the two sides of a split by tail put together again."""
        ends = {document.source: document.text for document in self.validation}
        starts = {document.source: document.text for document in self.train}
        return {s: starts.get(s, "") + ends.get(s, "") for s in starts | ends}


@pytest.fixture
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Built]:
    def build(*sources: str | Path, **options: Any) -> Built:
        folder = tmp_path_factory.mktemp("corpus")
        config = CorpusConfig(sources=tuple(map(str, sources)), **options)
        return Built(folder, build_corpus(config, folder))

    return build
