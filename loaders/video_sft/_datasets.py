"""The one place that uses `datasets` beyond its documented interface.

Tried on datasets 4.8.0, 4.8.4, 4.8.5, 5.0.0, 5.0.1, 5.1.0 and 5.2.0; `make versions` tries the oldest and the newest
again. Where a release moves one of these names, this is the file to mend. Two more are written against what is
internal: `mixing/stream_examples.py` against the interface of `examples_base()`, and `video/kept_columns.py` against
`FEATURE_TYPES`, the table by which `datasets` makes columns from what is written of them.

What streams need is imported when it is asked for: loading, map-style mixtures and clips do without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from datasets.builder import Key
from datasets.exceptions import DatasetGenerationError
from datasets.features.features import _FEATURE_TYPES as FEATURE_TYPES
from datasets.fingerprint import Hasher
from datasets.formatting import format_table, get_formatter
from datasets.info import DatasetInfosDict
from datasets.table import InMemoryTable, MemoryMappedTable, Table, concat_tables
from datasets.utils import tqdm
from datasets.utils._filelock import FileLock
from datasets.utils.metadata import MetadataConfigs

from video_sft import _import_hooks

__all__ = [
    "FEATURE_TYPES",
    "AnyDataset",
    "ArrowBuilder",
    "DatasetGenerationError",
    "DatasetInfosDict",
    "Examples",
    "FileLock",
    "Hasher",
    "InMemoryTable",
    "Key",
    "MemoryMappedTable",
    "MetadataConfigs",
    "Table",
    "concat_tables",
    "examples_base",
    "examples_of",
    "fingerprint_of",
    "formatted_rows",
    "indices_of",
    "is_divided",
    "new_reader",
    "rewind",
    "shuffled_files",
    "skipped_in",
    "stored_batches",
    "stream_of",
    "tqdm",
    "with_column",
    "with_info",
    "with_known_features",
    "without_indices",
    "wrap_methods",
]

#: What loading gives, by split or of one split, as rows or as a stream.
AnyDataset: TypeAlias = (
    "datasets.Dataset | datasets.DatasetDict | datasets.IterableDataset | datasets.IterableDatasetDict"
)
#: What an `IterableDataset` iterates over; see `examples_base`.
Examples: TypeAlias = Any


# Datasets: their indices mapping, their fingerprint, and rows as their format has them.


def indices_of(dataset: datasets.Dataset) -> pa.ChunkedArray | None:
    """Return which rows of `dataset.data` a dataset consists of, None for all of them in order.

    The `indices_table` of `datasets.Dataset(...)` is the same thing, which has no public name afterwards.
    """
    return None if dataset._indices is None else dataset._indices.column(0)


def without_indices(dataset: datasets.Dataset) -> datasets.Dataset:
    """Return a dataset whose rows are those of its table; the dataset itself where they are."""
    return dataset if dataset._indices is None else dataset.flatten_indices()


def fingerprint_of(dataset: datasets.Dataset) -> str:
    """Return what names a dataset's content in caches."""
    return str(dataset._fingerprint)


def with_info(dataset: datasets.Dataset, info: datasets.DatasetInfo) -> datasets.Dataset:
    """Return the same rows under the same fingerprint with another description."""
    order, name = dataset._indices, fingerprint_of(dataset)
    return datasets.Dataset(dataset.data, info, split=dataset.split, indices_table=order, fingerprint=name)


def formatted_rows(dataset: datasets.Dataset, numbers: npt.NDArray[np.int64]) -> list[dict[str, Any]] | None:
    """Return rows of `dataset.data` by number, in the dataset's format; None where its format is one of tables."""
    if dataset._format_type in ("arrow", "pandas", "polars"):
        return None
    # `dataset.features` is a deep copy, a third of the time of a whole batch; `Dataset` itself reads the original.
    features, options = dataset._info.features, dataset._format_kwargs or {}
    batch = format_table(
        dataset._data.fast_gather(numbers).combine_chunks(),
        range(len(numbers)),
        formatter=get_formatter(dataset._format_type, features=features, **options),
        format_columns=dataset._format_columns,
        output_all_columns=dataset._output_all_columns,
    )
    names = list(batch)
    return [dict(zip(names, values, strict=True)) for values in zip(*batch.values(), strict=True)]


def stored_batches(
    dataset: datasets.Dataset,
    columns: Sequence[str],
    rows_each: int,
    numbers: npt.NDArray[np.int64] | None = None,
) -> Iterator[pa.Table]:
    """Yield a dataset's rows in order, as they are stored: cells of media are not decoded.

    Args:
        dataset: the rows.
        columns: of them.
        rows_each: at a time.
        numbers: other rows instead, by their numbers in `dataset.data`.
    """
    data, order = dataset.data.select(list(columns)), indices_of(dataset)
    if numbers is None and order is not None:
        numbers = order.to_numpy().astype(np.int64)
    for first in range(0, len(dataset) if numbers is None else len(numbers), rows_each):
        if numbers is None:
            yield data.table.slice(first, rows_each)
        else:
            yield data.fast_gather(numbers[first : first + rows_each])


def with_column(dataset: datasets.Dataset, name: str, values: pa.Array) -> datasets.Dataset:
    """Return the same rows with a column more, without copying any.

    Args:
        dataset: of any class, which stays; it has no column of this name.
        name: of the column.
        values: for each row of `dataset.data`, not of the dataset.
    """
    table = concat_tables([dataset.data, InMemoryTable(pa.table({name: values}))], axis=1)
    info = dataset.info.copy()
    column = datasets.Features.from_arrow_schema(pa.schema([(name, values.type)]))
    info.features = datasets.Features({**info.features, **column})
    content = Hasher.hash([fingerprint_of(dataset), name, values.to_pylist()])
    made = type(dataset)(table, info=info, split=dataset.split, indices_table=dataset._indices, fingerprint=content)
    if dataset._format_type is not None:
        columns = [*(dataset._format_columns or []), name] if dataset._format_columns is not None else None
        made.set_format(dataset._format_type, columns, dataset._output_all_columns, **dataset._format_kwargs)
    return made


def wrap_methods(**makers: Callable[[Any], Any]) -> None:
    """Replace methods of `datasets.Dataset`, by name, with what is made of each; static ones stay static."""
    for name, make in makers.items():
        static = isinstance(vars(datasets.Dataset)[name], staticmethod)
        made = make(getattr(datasets.Dataset, name))
        setattr(datasets.Dataset, name, staticmethod(made) if static else made)


def is_divided(stream: datasets.IterableDataset) -> bool:
    """Return whether a stream is one rank's part of another."""
    return stream._distributed is not None


# Builders: the steps of `download_and_prepare` and `as_dataset` that are not meant to be overridden.


class ArrowBuilder(datasets.ArrowBasedBuilder):  # type: ignore[misc]
    """A `datasets.ArrowBasedBuilder` with features of its own classes and errors that come out as they are."""

    def __init__(self, cache_dir: str | None = None, **kwargs: Any) -> None:
        """Take what `datasets.ArrowBasedBuilder` takes; nothing is made, locked or read in the cache."""
        # For a folder `datasets` would do all three at once, in one that may be damaged or on a disk that is read-only.
        super().__init__("none://", **kwargs)
        config = datasets.config
        root = os.path.expanduser(str(cache_dir or config.HF_DATASETS_CACHE))
        downloads = os.path.join(root, config.DOWNLOADED_DATASETS_DIR) if cache_dir else config.DOWNLOADED_DATASETS_PATH
        self._cache_dir_root, self._cache_downloaded_dir = root, os.path.expanduser(str(downloads))
        self._cache_dir = self._output_dir = self._build_cache_dir()

    @property
    def cache_root(self) -> Path:
        """The folder of everything that is built."""
        return Path(self._cache_dir_root)

    @property
    def source_folder(self) -> Path:
        """The folder of all configs, versions and options of this dataset."""
        return Path(self._cache_dir).parents[2]

    def building_lock(self) -> Any:
        """Return the lock that whoever builds this dataset holds."""
        return FileLock(f"{self._cache_dir}_builder.lock")

    def take_stored_info(self) -> None:
        """Take the description that was written when the dataset was built, with the numbers of its rows."""
        self.info = self._load_info()

    def finish_folder(self) -> None:
        """Do what is left when all is written, before the unfinished folder gets its name."""

    def declared_features(self) -> datasets.Features:
        """Return the features; what is stored beside a built dataset knows none of our classes."""
        raise NotImplementedError

    def cause_of(self, error: BaseException) -> Exception:
        """Return what is told of a build that failed: an error a person can do something about."""
        raise NotImplementedError

    @property
    def folder_in_work(self) -> str:
        """Where a build is writing; where the built dataset lies (or would), while none runs."""
        return str(self._output_dir)

    @property
    def is_building(self) -> bool:
        """Whether that is the unfinished folder of a build."""
        return self.folder_in_work.endswith(".incomplete")

    def _load_info(self) -> datasets.DatasetInfo:
        info = super()._load_info()
        info.features = self.declared_features()
        return info

    def _save_info(self) -> None:
        # Without a lock of its own, whose file would stay: whoever builds holds one already.
        self.info.write_to_directory(self._output_dir, storage_options=self._fs.storage_options)
        self.finish_folder()

    def _prepare_split_single(self, *args: Any, **kwargs: Any) -> Iterator[Any]:
        try:
            yield from super()._prepare_split_single(*args, **kwargs)
        except DatasetGenerationError as error:  # whose cause does not survive the way back from another process
            raise self.cause_of(error) from error.__cause__

    def _as_dataset(self, split: Any = datasets.Split.TRAIN, in_memory: bool = False) -> datasets.Dataset:
        known = (self.info.splits or {}).get(str(split))
        if known is not None and known.num_examples == 0:  # which `datasets` would refuse to read
            return datasets.Dataset.from_dict({name: [] for name in self.info.features}, self.info.features)
        return super()._as_dataset(split, in_memory)


# Streams.


def examples_base() -> Any:
    """Return the class that what an `IterableDataset` iterates over has to inherit from.

    It asks its examples for `num_shards`, `shard_data_sources`, `shuffle_data_sources`, `reshard_data_sources` and
    `split_shard_indices_by_worker`, and keeps its place in what `_init_state_dict` makes.
    """
    from datasets.iterable_dataset import _BaseExamplesIterable

    return _BaseExamplesIterable


def examples_of(stream: datasets.IterableDataset) -> Examples:
    """Return what a stream iterates over: pairs of a key and a row, before any formatting."""
    return stream._ex_iterable


def stream_of(examples: Examples, info: datasets.DatasetInfo, split: datasets.NamedSplit) -> datasets.IterableDataset:
    """Return a stream of examples of our own making."""
    return datasets.IterableDataset(examples, info=info, split=split)


def skipped_in(examples: Examples) -> tuple[Examples, int]:
    """Return what `skip` was called on, and how many rows that left out; the examples themselves, and 0, otherwise."""
    from datasets.iterable_dataset import SkipExamplesIterable

    skipped = 0
    while isinstance(examples, SkipExamplesIterable):
        examples, skipped = examples.ex_iterable, skipped + examples.n
    return examples, skipped


def with_known_features(stream: datasets.IterableDataset) -> datasets.IterableDataset:
    """Return a stream that knows its columns, where need be from its first rows."""
    return stream._resolve_features()


def new_reader(examples: Examples) -> Examples:
    """Return the same examples as a new object with a place of its own: one shard of one is everything."""
    return examples.shard_data_sources(num_shards=1, index=0)


def shuffled_files(examples: Examples, generator: np.random.Generator) -> Examples:
    """Return examples whose files come in another order, or as they are after `skip` and `take`, which fix it."""
    from datasets import iterable_dataset

    # From datasets 5 on this is raised; before, examples that keep their order return themselves.
    refused: Any = getattr(iterable_dataset, "DataSourcesShufflingDisallowed", ())
    try:
        return examples.shuffle_data_sources(generator)
    except refused:
        return examples


def rewind(examples: Examples, state: Mapping[str, Any] | None) -> None:
    """Set examples to their beginning, or to where they were when their `state_dict()` was `state`."""
    examples._init_state_dict()
    if state is not None:
        examples.load_state_dict(state)


_import_hooks.keep_columns()
