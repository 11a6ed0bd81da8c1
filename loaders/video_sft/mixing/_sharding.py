"""One rank's rows of a mixture, such that training can go on with another number of ranks."""

from __future__ import annotations

import hashlib
import numbers
from typing import TYPE_CHECKING

import numpy as np
from datasets import Dataset, IterableDataset
from datasets.distributed import split_dataset_by_node

from video_sft._datasets import examples_of, fingerprint_of, is_divided, skipped_in, stream_of
from video_sft.errors import ConfigError
from video_sft.mixing._order.schedule import places_of
from video_sft.mixing._table import with_rows

if TYPE_CHECKING:
    from video_sft.mixing._stream.examples import MixedExamples

__all__ = ["mixture_behind", "shard", "was_sharded"]

#: How the description of one rank's rows begins, by which they are known again.
_RANK = "The rows of rank "


def shard(
    mix: Dataset | IterableDataset, rank: int, world_size: int, *, batch_size: int | None = None
) -> Dataset | IterableDataset:
    """Return the rows of one rank; all ranks together have every row once, each as many as the others to within one.

    The ranks take the mixture in turns, one row each, so that after t rows on every rank exactly the first
    `t * world_size` rows of the mixture are used up, whatever the number of ranks. To go on with another number of
    them, or after a crash: `shard(mix.skip(rows_used), rank, new_world_size)`. A streamed mixture is shared out in the
    same way, and its `state_dict()` can be loaded on any number of ranks that have gone equally far.

    `datasets.distributed.split_dataset_by_node` works on a mixture as well. It gives each rank of a `Dataset` one
    contiguous piece, with the mixture's evenness in it, but can go on with the same number of ranks only.

    Args:
        mix: a mixture, or any dataset; another stream is split as `split_dataset_by_node` does it.
        rank: of this process, from 0.
        world_size: how many there are.
        batch_size: of the loader that reads this rank of a streamed mixture. Its workers then give whole batches in
            turn, so that the rank has the same batches in the same order with any number of workers, none included.

    Raises:
        ConfigError: there is no such rank.
    """
    for name, value in (("rank", rank), ("world_size", world_size), ("batch_size", batch_size or 1)):
        if isinstance(value, bool) or not isinstance(value, numbers.Integral):
            raise ConfigError(f"{name} is {value!r}; it should be a whole number")
    if not 0 <= rank < world_size:
        raise ConfigError(f"there is no rank {rank} among {world_size}; ranks count from 0")
    if batch_size is not None and batch_size < 1:
        raise ConfigError(f"batch_size is {batch_size}; it should be positive")
    if isinstance(mix, IterableDataset):
        examples, skipped = mixture_behind(mix)
        if examples is None:
            return split_dataset_by_node(mix, rank=rank, world_size=world_size)
        return stream_of(examples.after(skipped).piece(rank, world_size, batch_size or 0), mix.info, mix.split)
    if world_size == 1:
        return mix
    key = f"{fingerprint_of(mix)}/{rank}/{world_size}"
    fingerprint = hashlib.blake2b(key.encode(), digest_size=8).hexdigest()
    places = places_of(np.arange(-(-len(mix) // world_size)), rank, world_size)
    rows = with_rows(mix, places[places < len(mix)], fingerprint)
    rows.info.description = f"{_RANK}{rank} of {world_size}.\n\n{rows.info.description}"
    return rows


def mixture_behind(stream: IterableDataset) -> tuple[MixedExamples | None, int]:
    """Return the streamed mixture that a stream is, None for any other, and how many of its rows are skipped."""
    from video_sft.mixing._stream.examples import MixedExamples  # which needs what is behind streams

    examples, skipped = skipped_in(examples_of(stream))
    return (examples if isinstance(examples, MixedExamples) else None), skipped


def was_sharded(dataset: Dataset | IterableDataset) -> bool:
    """Return whether a dataset is one rank's rows: of `shard`, or of a stream that was split by node."""
    if isinstance(dataset, IterableDataset):
        examples, _ = mixture_behind(dataset)
        return is_divided(dataset) or (examples is not None and examples.is_one_ranks)
    return (dataset.info.description or "").startswith(_RANK)
