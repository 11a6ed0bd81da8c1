"""Rows of a Parquet file, a batch at a time."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import IO, Any

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from video_sft._annotations.source_row import SourceRow
from video_sft._annotations.text_lines import NOT_THE_FILE
from video_sft._places import open_binary
from video_sft.errors import BrokenFileError, RowError, one_line

__all__ = ["is_parquet", "parquet_columns", "parquet_rows"]

_BATCH_ROWS = 1024
_BLOCK = 1 << 20
_MAGIC = b"PAR1"


def is_parquet(location: str) -> bool:
    """Return whether a file is Parquet, going by its first bytes."""
    with open_binary(location) as handle:
        return handle.read(len(_MAGIC)) == _MAGIC


def parquet_columns(location: str) -> list[str]:
    """Return the names of a file's columns; a `BrokenFileError` where it is damaged."""
    with _opened(location) as table:
        return list(table.schema_arrow.names)


def parquet_rows(
    location: str, name: str, *, columns: Sequence[str] = (), as_text: bool = False
) -> Iterator[SourceRow]:
    """Yield the rows of a Parquet file; columns with the bytes of media are left out.

    Those of `columns` must be there. With `as_text` every cell is what it would be in a CSV: numbers written out, null
    as nothing.

    Raises:
        BrokenFileError: the file is damaged.
        RowError: a column is missing.
    """
    with _opened(location) as table:
        schema = table.schema_arrow
        if missing := [column for column in columns if column not in schema.names]:
            problem = f"the columns {', '.join(missing)} are missing; there are {', '.join(schema.names)[:200]}"
            raise RowError(file=name, position="row 1", field=missing[0], problem=problem, remedy=NOT_THE_FILE)
        wanted = [field.name for field in schema if not _holds_bytes(field.type)]
        number = 0
        for batch in table.iter_batches(batch_size=_BATCH_ROWS, columns=wanted):
            for number, value in enumerate(batch.to_pylist(), number + 1):  # noqa: B020  (the count goes on)
                cells = {key: _text(cell) for key, cell in value.items()} if as_text else value
                yield SourceRow(cells, name, ("row", number, -1))


@contextlib.contextmanager
def _opened(location: str) -> Iterator[pq.ParquetFile]:
    try:
        with _seekable(location) as handle:
            yield pq.ParquetFile(handle)
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:  # the disk or the network, not the file
            raise
        raise BrokenFileError(f"{location} is damaged: {one_line(error)}. Get it again") from error


@contextlib.contextmanager
def _seekable(location: str) -> Iterator[IO[bytes]]:
    """Open a file that is read from its end; where that cannot be, a copy of it, unpacked."""
    with fsspec.open(location, "rb") as handle:
        if handle.read(len(_MAGIC)) == _MAGIC and _rewinds(handle):
            yield handle
            return
    with open_binary(location) as packed, tempfile.TemporaryFile() as unpacked:
        while block := packed.read(_BLOCK):
            unpacked.write(block)
        unpacked.seek(0)
        yield unpacked


def _rewinds(handle: IO[bytes]) -> bool:
    try:
        handle.seek(0)
    except ValueError:  # a server without ranges
        return False
    return True


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(_holds_bytes(field.type) for field in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _text(cell: Any) -> Any:
    if cell is None:
        return ""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell) if isinstance(cell, (int, float)) else cell
