"""What a part keeps in memory does not grow with it: arrays and tables go to disk as they come."""

from pathlib import Path

import numpy as np
import pytest

from groundup.corpus import arrays
from groundup.corpus.arrays import ArrayWriter, write_transposed
from groundup.corpus.dedup import LinesConfig
from groundup.corpus.dedup.lines import LineTable
from groundup.corpus.document import Document
from groundup.corpus.lines import (
    count_lines,
    merge_tables,
    merged_path,
    stays_path,
    tables_folder,
)
from groundup.corpus.part import DOCUMENT, part_folder
from groundup.corpus.storage import DocumentWriter


@pytest.mark.parametrize(("dtype", "shape"), [(np.uint64, (14,)), (np.uint64, ()), (DOCUMENT, ())])
@pytest.mark.parametrize("sizes", [[], [0], [3, 0, 1000, 1]])
def test_rows_written_one_after_the_other_are_what_numpy_saves(
    tmp_path: Path, dtype: np.dtype, shape: tuple[int, ...], sizes: list[int]
) -> None:
    draw = np.random.default_rng(0)
    pieces = [
        np.frombuffer(draw.bytes(size * np.dtype((dtype, shape)).itemsize), dtype) for size in sizes
    ]
    pieces = [piece.reshape(size, *shape) for piece, size in zip(pieces, sizes, strict=True)]
    with ArrayWriter(tmp_path / "ours.npy", dtype, shape) as writer:
        for piece in pieces:
            writer.write(piece)
    np.save(tmp_path / "numpy.npy", np.concatenate([np.empty((0, *shape), dtype), *pieces]))
    assert (tmp_path / "ours.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


@pytest.mark.parametrize("num_rows", [0, 1, 7, 8, 100])
def test_an_array_is_turned_round_in_blocks(
    tmp_path: Path, num_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrays, "BLOCK_ROWS", 8)
    array = np.arange(num_rows * 5, dtype=np.uint64).reshape(num_rows, 5)
    np.save(tmp_path / "rows.npy", array)
    write_transposed(tmp_path / "rows.npy", tmp_path / "columns.npy")
    np.save(tmp_path / "numpy.npy", np.ascontiguousarray(array.T))
    assert (tmp_path / "columns.npy").read_bytes() == (tmp_path / "numpy.npy").read_bytes()


def test_lines_are_counted_in_as_many_tables_as_memory_asks_for(tmp_path: Path) -> None:
    part = part_folder(tmp_path, 0)
    part.mkdir(parents=True)
    (tmp_path / "lines").mkdir()
    texts = [f"the same for all\nline {n % 700} again\nline {n} alone" for n in range(3000)]
    with DocumentWriter(part, "documents") as writer:
        for number, text in enumerate(texts):
            writer.write(Document.of(text, str(number)))
    np.save(stays_path(tmp_path, 0), np.ones(len(texts), np.bool_))
    config, found = LinesConfig(), []
    for rows, num_tables in ((1 << 21, 1), (1000, 4)):
        count_lines(tmp_path, 0, config, table_rows=rows)
        assert len(list(tables_folder(tmp_path, 0).iterdir())) >= num_tables
        merge_tables(tmp_path, 1, config)
        found.append(merged_path(tmp_path).read_bytes())
        merged_path(tmp_path).unlink()
        for path in tables_folder(tmp_path, 0).iterdir():
            assert len(LineTable.load(path).rows) < rows + 256 * 3
            path.unlink()
        tables_folder(tmp_path, 0).rmdir()
    assert found[0] == found[1]
    assert len(found[0]) == 24 * 701
