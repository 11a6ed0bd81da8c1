"""One `datasets.Dataset` over the tables of all parts, without copying their rows.

Row r of a part in pass k is a row of its own, because `mix_epoch` differs: the part's table is referred to once for
each pass, with a column that holds the pass beside it, and the mixture is an indices mapping over all of that. Rows
that are not drawn cost nothing but four bytes for each pass.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from datasets import Dataset, DatasetInfo, Features, NamedSplit, Value

from video_sft._datasets import (
    InMemoryTable,
    MemoryMappedTable,
    Table,
    concat_tables,
    fingerprint_of,
    formatted_rows,
    indices_of,
)
from video_sft._files import is_intact, writing_cached
from video_sft.errors import ConfigError
from video_sft.mixing._order.schedule import RowNumbers

__all__ = [
    "PASS_COLUMN",
    "PartTable",
    "assembled",
    "part_table",
    "row_numbers",
    "row_type",
    "shared_features",
    "with_rows",
]

logger = logging.getLogger("video_sft.mixing")

PASS_COLUMN = "mix_epoch"
#: Referring to a part once more takes about a millisecond. A part of few rows that is passed over more often than this
#: is therefore first repeated in memory, up to so many rows; and any part, so that it is referred to at most so often.
#: (Not more than that: what is in memory is copied where a dataset is pickled, what is mapped from disk is not.)
FEW_PASSES, FEW_ROWS, COPIED_ROWS, MAX_REFERENCES = 16, 2_500, 20_000, 1024
#: Record batches smaller than this are rewritten: every operation on a dataset costs time for each batch.
SMALL_BATCH = 500
#: Rows of a rewritten batch.
BATCH_ROWS = 20_000

#: Mixtures of more rows than this hold them as 32-bit numbers, half of what `datasets` uses itself. It takes either,
#: but joins only like with like: a shorter mixture can still be concatenated with other datasets.
_LONG = 1 << 26


class MixedDataset(Dataset):  # type: ignore[misc]
    """A `datasets.Dataset` whose `__getitems__`, which a `DataLoader` calls for each batch, is quick.

    `Dataset` looks up an indices mapping one row at a time through Arrow, and turns a batch into Python objects from
    one tiny chunk for each row. Here the lookup is one numpy operation and the batch one chunk. Nothing else differs,
    and whatever `select` is behind (`skip`, `take`, `shard`, `shuffle`, `split_dataset_by_node`) stays as quick.
    Operations that write a new table, such as `map`, return a plain `Dataset`.
    """

    def __getitems__(self, keys: list[int]) -> list[dict[str, Any]]:
        """Return the rows at the given positions, as `Dataset.__getitems__` does."""
        own, rows = indices_of(self), None
        if own is not None and own.num_chunks == 1 and len(keys):
            numbers = own.chunk(0).to_numpy()[np.asarray(keys, dtype=np.int64)]
            rows = formatted_rows(self, numbers.astype(np.int64))
        return super().__getitems__(keys) if rows is None else rows

    def _repr_html_(self) -> str | None:
        """Show the mixture's parts and first rows in notebooks."""
        from video_sft.mixing._notebook import mixture_html
        from video_sft.mixing._provenance import record_in

        record = record_in(self.info)
        return None if record is None else mixture_html(self, record)

    def select(self, indices: Iterable[int], *args: Any, **kwargs: Any) -> Dataset:
        """Select rows as `Dataset.select` does; the result stays quick, and no rows at all are a fine choice.

        `Dataset.select` refuses an empty range that begins at the end: what `skip(len(mix))` asks for when training
        is over, and `split_dataset_by_node` with more ranks than rows.
        """
        none = isinstance(indices, range) and not indices
        chosen = super().select([] if none else indices, *args, **kwargs)
        if type(chosen) is Dataset:
            chosen.__class__ = MixedDataset
        return chosen


@dataclass(frozen=True)
class PartTable:
    """A part as it lies in memory or on disk: a table, and the row numbers that belong to the part, None for all."""

    table: Table
    rows: RowNumbers | None

    def __len__(self) -> int:
        return int(self.table.num_rows) if self.rows is None else len(self.rows)


def row_type(rows: int, table_rows: int) -> npt.DTypeLike:
    """Return the type of row numbers for a mixture of so many rows over a table of so many."""
    return np.uint32 if rows > _LONG and table_rows <= 1 << 32 else np.uint64


def row_numbers(dataset: Dataset) -> RowNumbers | None:
    """Return which rows of `dataset.data` the dataset consists of, None for all in order."""
    rows = indices_of(dataset)
    return None if rows is None else np.asarray(rows.to_numpy())


def with_rows(dataset: Dataset, rows: npt.NDArray[Any], fingerprint: str) -> Dataset:
    """Return a dataset of the given rows, like `dataset.select` without its pass over the rows in Python."""
    own = row_numbers(dataset)
    mapped = np.asarray(rows, dtype=np.uint64) if own is None else own[rows]
    own_facts = {"info": dataset.info.copy(), "split": dataset.split, "fingerprint": fingerprint}
    chosen = MixedDataset(dataset.data, indices_table=_indices(mapped), **own_facts)
    chosen.set_format(**dataset.format)
    return chosen


def part_table(dataset: Dataset, kept: npt.NDArray[Any] | None) -> PartTable:
    """Return the table of a part and the rows of it at the positions `kept`, None for all."""
    rows = row_numbers(dataset)
    if kept is not None:
        rows = np.asarray(kept, dtype=np.uint64) if rows is None else rows[kept]
    table = dataset.data
    if table.schema.metadata is not None:
        table = table.replace_schema_metadata(None)
    return PartTable(_in_large_batches(table, dataset), rows)


def assembled(
    blocks: Sequence[PartTable],
    passes: Sequence[int],
    order: RowNumbers,
    *,
    split: NamedSplit | None,
    info: DatasetInfo,
    fingerprint: str,
) -> Dataset:
    """Return the mixture as a dataset.

    `order` counts the rows of the first part in its first pass first, then those of its second, and so on through all
    passes of all parts. `info` has the columns that the parts share.
    """
    tables = [_with_passes(block.table, count) for block, count in zip(blocks, passes, strict=True)]
    info = info.copy()
    info.features = Features({**info.features, PASS_COLUMN: Value("int32")})
    return MixedDataset(
        concat_tables(tables, axis=0), info=info, split=split, indices_table=_indices(order), fingerprint=fingerprint
    )


def _indices(rows: RowNumbers) -> InMemoryTable:
    return InMemoryTable(pa.table({"indices": pa.array(np.ascontiguousarray(rows))}))


def _with_passes(table: Table, passes: int) -> Table:
    """Return the table `passes` times over, with the number of the pass beside every row."""
    size = table.num_rows
    together = _passes_together(size, passes)
    if isinstance(table, InMemoryTable) or together > 1:
        numbers = pa.array(np.repeat(np.arange(passes, dtype=np.int32), size))
        return InMemoryTable(_repeated(table.table, passes, together).append_column(PASS_COLUMN, numbers))
    # A column for each pass, not slices of one: a slice is pickled with all of what it is cut from.
    beside = (InMemoryTable(pa.table({PASS_COLUMN: np.full(size, number, np.int32)})) for number in range(passes))
    return concat_tables([concat_tables([table, column], axis=1) for column in beside], axis=0)


def _passes_together(size: int, passes: int) -> int:
    """Return how many passes over a part are copied into one piece of memory, so that there are fewer references."""
    if passes <= FEW_PASSES or not size:
        return 1
    wanted = COPIED_ROWS // size if size <= FEW_ROWS else 1
    return min(passes, max(wanted, -(-passes // MAX_REFERENCES)))


def _repeated(table: pa.Table, times: int, together: int) -> pa.Table:
    """Return the rows `times` times over by reference, where need be to a copy of several times the rows."""
    larger = pa.concat_tables([table] * together).combine_chunks() if together > 1 else table
    whole, rest = divmod(times, together)
    return pa.concat_tables([larger] * whole + [table] * rest)


def _in_large_batches(table: Table, dataset: Dataset) -> Table:
    """Return the same rows in few record batches.

    `datasets` writes tables with a video column ten rows at a time (ARROW_RECORD_BATCH_SIZE_FOR_VIDEO_DATASETS, meant
    for cells that hold whole videos), and building or slicing a dataset takes time for every batch.
    """
    batches = max((column.num_chunks for column in table.columns), default=0)
    if batches < 64 or table.num_rows >= SMALL_BATCH * batches:
        return table
    if not dataset.cache_files:
        return InMemoryTable(table.table.combine_chunks())
    folder = Path(dataset.cache_files[0]["filename"]).parent
    target = folder / f"video-sft-batches-{fingerprint_of(dataset)}.arrow"
    try:
        if not is_intact(target):
            with (
                writing_cached(target) as unfinished,
                pa.OSFile(str(unfinished), "wb") as sink,
                pa.ipc.new_stream(sink, table.schema) as writer,
            ):
                for start in range(0, table.num_rows, BATCH_ROWS):
                    writer.write_table(table.table.slice(start, BATCH_ROWS).combine_chunks())
        rewritten = MemoryMappedTable.from_file(str(target))
    except (OSError, pa.ArrowInvalid) as error:
        logger.info("reading %s as it is, in %d small batches: %s", folder, batches, error)
        return table
    same = rewritten.num_rows == table.num_rows and rewritten.schema == table.schema
    return rewritten if same else table


def shared_features(parts: dict[str, Features]) -> Features:
    """Return the columns of all parts, which must be the same in each.

    Raises:
        ConfigError: two parts differ; the message names them and the columns.
    """
    (first, columns), *others = parts.items()
    for name, theirs in others:
        differing = [
            column
            for column in {**columns, **theirs}
            if column not in columns or column not in theirs or not _same(columns[column], theirs[column])
        ]
        if differing:
            raise ConfigError(
                f"{first!r} and {name!r} have different columns ({', '.join(differing[:5])}), so their rows cannot be "
                "mixed; cast one, or mix configs of the shared schema (`<source>-source` configs keep upstream's own)"
            )
    return columns


def _same(one: Any, other: Any) -> bool:
    return bool(Features({"column": one}).type == Features({"column": other}).type)
