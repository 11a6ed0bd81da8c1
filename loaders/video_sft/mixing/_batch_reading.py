"""The dataset `mix` returns: a `datasets.Dataset` that hands out batches faster."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from datasets import Dataset

from video_sft._datasets import formatted_rows, indices_of

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
        own, rows = indices_of(self), None
        if own is not None and own.num_chunks == 1 and len(keys):
            numbers = own.chunk(0).to_numpy()[np.asarray(keys, dtype=np.int64)]
            rows = formatted_rows(self, numbers.astype(np.int64))
        return super().__getitems__(keys) if rows is None else rows

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
