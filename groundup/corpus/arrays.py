"""Arrays that are longer than memory, in the files that ``np.save`` would write."""

import io
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

BLOCK_ROWS = 1 << 16
"""Rows in memory at a time where an array is turned round."""


class ArrayWriter:
    """Writes an array row by row; a context manager, after which ``np.load`` reads the file.

    Args:
        path: the file.
        dtype: of the elements.
        shape: of a row; () for an array of one dimension.
    """

    def __init__(self, path: Path, dtype: DTypeLike, shape: tuple[int, ...] = ()) -> None:
        self._path, self._dtype, self._shape = path, np.dtype(dtype), shape
        self._num_rows = 0

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        self._file.write(self._header())
        return self

    def write(self, rows: NDArray[Any]) -> None:
        """Add some rows."""
        assert rows.dtype == self._dtype
        assert rows.shape[1:] == self._shape
        self._file.write(rows.tobytes())
        self._num_rows += len(rows)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._file:
            if kind is None:
                self._file.seek(0)
                self._file.write(self._header())

    def _header(self) -> bytes:
        # NumPy leaves room in it for the number of rows to grow
        return _header(self._dtype, (self._num_rows, *self._shape))


def write_transposed(source: Path, target: Path) -> None:
    """Write the array (N, M) of one file as (M, N) to another.

    Read and written in blocks and not mapped: what is mapped counts as memory once it is touched.
    """
    with source.open("rb") as rows, target.open("wb") as file:
        assert np.lib.format.read_magic(rows) == (1, 0)
        (num_rows, num_columns), _, dtype = np.lib.format.read_array_header_1_0(rows)
        header = _header(dtype, (num_columns, num_rows))
        file.write(header)
        for start in range(0, num_rows, BLOCK_ROWS):
            count = min(BLOCK_ROWS, num_rows - start)
            block = np.frombuffer(rows.read(count * num_columns * dtype.itemsize), dtype)
            for column, values in enumerate(block.reshape(count, num_columns).T):
                file.seek(len(header) + (column * num_rows + start) * dtype.itemsize)
                file.write(values.tobytes())


def _header(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    header = io.BytesIO()
    fields = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(header, fields)
    return header.getvalue()
