"""One rank's rows of a mixture, such that training can go on with another number of ranks."""

from __future__ import annotations

import hashlib
import numbers

import numpy as np
import numpy.typing as npt
from datasets import Dataset, IterableDataset
from datasets.distributed import split_dataset_by_node

from video_sft._datasets import fingerprint_of, is_divided
from video_sft.errors import ConfigError
from video_sft.mixing._table import with_rows

__all__ = ["shard", "was_sharded"]

#: 2**64 over the golden ratio: multiples of it are spread over the 64-bit numbers as evenly as can be.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
#: How the description of one rank's rows begins, by which they are known again.
_RANK = "The rows of rank "


def shard(mix: Dataset | IterableDataset, rank: int, world_size: int) -> Dataset | IterableDataset:
    """Return the rows of one rank; all ranks together have every row once, each as many as the others to within one.

    The ranks take the mixture in turns, one row each, so that after t rows on every rank exactly the first
    `t * world_size` rows of the mixture are used up, whatever the number of ranks. To go on with another number of
    them, or after a crash: `shard(mix.skip(rows_used), rank, new_world_size)`. Who is first changes from turn to turn,
    because in an even mixture a fixed place would see some parts only (every other row of A B A B ... is A).

    `datasets.distributed.split_dataset_by_node` works on a mixture as well. It gives each rank one contiguous piece,
    with the mixture's evenness in it, but can go on with the same number of ranks only.

    Args:
        mix: a mixture, or any dataset; a stream is split by `split_dataset_by_node`.
        rank: of this process, from 0.
        world_size: how many there are.

    Raises:
        ConfigError: there is no such rank.
    """
    for name, value in (("rank", rank), ("world_size", world_size)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise ConfigError(f"{name} is {value!r}; it should be a whole number")
    if not 0 <= rank < world_size:
        raise ConfigError(f"there is no rank {rank} among {world_size}; ranks count from 0")
    if isinstance(mix, IterableDataset):
        return split_dataset_by_node(mix, rank=rank, world_size=world_size)
    if world_size == 1:
        return mix
    key = f"{fingerprint_of(mix)}/{rank}/{world_size}"
    fingerprint = hashlib.blake2b(key.encode(), digest_size=8).hexdigest()
    rows = with_rows(mix, _turns(len(mix), rank, world_size), fingerprint)
    rows.info.description = f"{_RANK}{rank} of {world_size}.\n\n{rows.info.description}"
    return rows


def was_sharded(dataset: Dataset | IterableDataset) -> bool:
    """Return whether a dataset is one rank's rows: of `shard`, or of a stream that was split by node."""
    if isinstance(dataset, IterableDataset):
        return is_divided(dataset)
    return (dataset.info.description or "").startswith(_RANK)


def _turns(rows: int, rank: int, world_size: int) -> npt.NDArray[np.int64]:
    turn = np.arange(-(-rows // world_size), dtype=np.int64)
    # The upper half of the product is a fraction of 2**32; times the world size, its whole part is who begins.
    fraction = (turn.astype(np.uint64) * _GOLDEN) >> np.uint64(32)
    first = ((fraction * np.uint64(world_size)) >> np.uint64(32)).astype(np.int64)
    places = turn * world_size + (rank - first) % world_size
    return np.asarray(places[places < rows])
