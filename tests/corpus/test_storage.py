from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundup.corpus import SCHEMA, Document, read_documents, row_groups
from groundup.corpus.storage import DocumentWriter
from groundup.errors import UserError

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


def write(folder: Path, documents: list[Document], **options: int) -> DocumentWriter:
    with DocumentWriter(folder, "train", **options) as writer:
        for document in documents:
            writer.write(document)
    return writer


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.builds(Document.of, texts, texts, url=st.none() | texts), min_size=1))
def test_documents_come_back_as_written(
    tmp_path_factory: pytest.TempPathFactory, documents: list[Document]
) -> None:
    folder = tmp_path_factory.mktemp("split")
    write(folder, documents, row_group_bytes=64, part_bytes=200)
    assert list(read_documents(folder, "train")) == documents


def test_parts_and_row_groups_are_bounded_and_in_order(tmp_path: Path) -> None:
    documents = [Document.of(f"{i:04d}" * 25, "a") for i in range(100)]  # 100 bytes each
    writer = write(tmp_path, documents, row_group_bytes=1000, part_bytes=4000)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["train-00000.parquet", "train-00001.parquet", "train-00002.parquet"]
    assert writer.summary() == {"documents": 100, "bytes": 10_000, "files": 3}
    first = pq.ParquetFile(tmp_path / names[0])
    assert [first.metadata.row_group(i).num_rows for i in range(first.num_row_groups)] == [10] * 4
    assert first.schema_arrow.equals(SCHEMA)
    assert first.metadata.row_group(0).column(1).compression == "ZSTD"
    assert list(read_documents(tmp_path, "train")) == documents


def test_document_larger_than_a_row_group_has_one_to_itself(tmp_path: Path) -> None:
    documents = [Document.of(text, "a") for text in ("a", "b" * 500, "c")]
    write(tmp_path, documents, row_group_bytes=100)
    assert pq.ParquetFile(tmp_path / "train-00000.parquet").num_row_groups == 3
    assert list(read_documents(tmp_path, "train")) == documents


def test_reading_holds_one_row_group(tmp_path: Path) -> None:
    texts = [f"{i} " * 20_000 for i in range(300)]
    write(tmp_path, [Document.of(text, "a") for text in texts], row_group_bytes=1 << 20)
    before = pa.total_allocated_bytes()
    peak = max(
        pa.total_allocated_bytes() - before for _ in read_documents(tmp_path, "train", ["text"])
    )
    assert peak < 8e6 < sum(map(len, texts)) / 2


def test_only_the_columns_asked_for_are_read(tmp_path: Path) -> None:
    write(tmp_path, [Document.of("a", "b", url="c")])
    assert list(read_documents(tmp_path, "train", ["text"])) == [Document("", "a", "")]


def test_missing_split_is_a_user_error_at_once(tmp_path: Path) -> None:
    write(tmp_path, [Document.of("a", "b")])
    with pytest.raises(UserError, match="no validation documents; build the corpus"):
        read_documents(tmp_path, "validation")


def test_damaged_file_is_a_user_error_that_names_it(tmp_path: Path) -> None:
    write(tmp_path, [Document.of("a" * 9999, "b")])
    path = tmp_path / "train-00000.parquet"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"train-00000\.parquet is damaged"):
        list(read_documents(tmp_path, "train"))
    with pytest.raises(UserError, match=r"train-00000\.parquet is damaged"):
        row_groups(tmp_path, "train")


def test_row_groups_are_read_by_themselves_in_order(tmp_path: Path) -> None:
    texts = [f"{i:03d}ü" * 200 for i in range(100)]  # 1,000 bytes each
    documents = [Document.of(text, "a") for text in texts]
    write(tmp_path, documents, row_group_bytes=10_000, part_bytes=40_000)
    groups = row_groups(tmp_path, "train")
    assert [group.documents for group in groups] == [10] * 10
    assert len({group.path for group in groups}) == 3
    assert sum(group.stored_bytes for group in groups) == pytest.approx(100_000, rel=0.25)
    assert [text for group in groups for text in group.texts()[0]] == texts
    assert groups[3].texts(7) == (texts[37:40], 3000)
    assert groups[3].texts(10) == ([], 0)
