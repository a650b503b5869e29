import hashlib

import pytest

from groundup.corpus import SCHEMA, Document


def test_id_is_the_first_half_of_the_sha256_of_the_text() -> None:
    document = Document.of("häus", "a.txt")
    assert document.id == hashlib.sha256("häus".encode()).hexdigest()[:32]
    assert document.id == Document.of("häus", "b.txt", url="http://x").id


def test_fields_are_the_columns_of_the_schema() -> None:
    assert list(Document.__dataclass_fields__) == SCHEMA.names


def test_a_lone_surrogate_is_no_text() -> None:
    with pytest.raises(UnicodeEncodeError):
        Document.of("\ud800", "a.txt")
