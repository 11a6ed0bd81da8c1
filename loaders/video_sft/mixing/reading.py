"""The dataset `mix` returns: a `datasets.Dataset` that hands out batches faster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from datasets import Dataset
from datasets.formatting import format_table, get_formatter

__all__ = ["MixedDataset"]


class MixedDataset(Dataset):  # type: ignore[misc]
    """A `datasets.Dataset` whose `__getitems__`, which a `DataLoader` calls for each batch, is quick.

    `Dataset` looks up an indices mapping one row at a time through Arrow, and turns a batch into Python objects from
    one tiny chunk for each row. Here the lookup is one numpy operation and the batch one chunk. Nothing else differs,
    and whatever `select` is behind (`skip`, `take`, `shard`, `shuffle`, `split_dataset_by_node`) stays as quick.
    Operations that write a new table, such as `map`, return a plain `Dataset`.
    """

    def __getitems__(self, keys: list[int]) -> list[dict[str, Any]]:
        """Return the rows at the given positions, as `Dataset.__getitems__` does."""
        mapping = self._indices
        tables = self._format_type in ("arrow", "pandas", "polars")
        if mapping is None or mapping.column(0).num_chunks != 1 or not len(keys) or tables:
            rows: list[dict[str, Any]] = super().__getitems__(keys)
            return rows
        numbers = mapping.column(0).chunk(0).to_numpy()[np.asarray(keys, dtype=np.int64)]
        # `self.features` is a deep copy, a third of the time of a whole batch; `Dataset` itself reads the original.
        features = self._info.features
        batch = format_table(
            self._data.fast_gather(numbers.astype(np.int64)).combine_chunks(),
            range(len(keys)),
            formatter=get_formatter(self._format_type, features=features, **(self._format_kwargs or {})),
            format_columns=self._format_columns,
            output_all_columns=self._output_all_columns,
        )
        names = list(batch)
        return [dict(zip(names, values, strict=True)) for values in zip(*batch.values(), strict=True)]

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
