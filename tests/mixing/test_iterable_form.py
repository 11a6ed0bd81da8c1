"""A mixture as an `IterableDataset`: even in every shard, and resumed exactly in every worker."""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch.utils.data
from datasets import Dataset, IterableDataset
from torch.utils.data import DataLoader

from video_sft.mixing import mix

Make = Callable[..., Dataset]
SHARES = {"a": 0.6, "b": 0.3, "c": 0.1}


@pytest.fixture
def mixed(ids: Make) -> Dataset:
    return mix({name: ids(name, 100) for name in SHARES}, probabilities=SHARES, num_rows=1200)


class WithState(torch.utils.data.IterableDataset):  # type: ignore[type-arg]
    """Gives every row with its worker and the state after it, and starts from a state for each worker."""

    def __init__(self, rows: IterableDataset, states: dict[int, Any] | None = None) -> None:
        self.rows = rows
        self.states = states or {}

    def __iter__(self) -> Iterator[tuple[int, str, int, Any]]:
        worker = torch.utils.data.get_worker_info()
        number = worker.id if worker else 0
        if number in self.states:
            self.rows.load_state_dict(self.states[number])
        for row in self.rows:
            yield number, row["id"], row["mix_epoch"], self.rows.state_dict()


@pytest.mark.parametrize("shards", [1, 2, 5])
def test_every_shard_has_the_mixture_in_every_window(mixed: Dataset, shards: int) -> None:
    iterable = mixed.to_iterable_dataset(num_shards=shards)
    assert isinstance(iterable, IterableDataset)
    for number in range(shards):
        names = [row["id"][0] for row in iterable.shard(shards, number)]
        for start in range(0, len(names) - 100, 37):
            window = collections.Counter(names[start : start + 100])
            assert all(abs(window[name] - 100 * share) < 4 for name, share in SHARES.items())


@pytest.mark.parametrize("cuts", [(1, 1), (3, 250), (599, 7), (600, 600)])
def test_every_worker_resumes_in_the_middle_of_an_epoch(mixed: Dataset, cuts: tuple[int, int]) -> None:
    iterable = mixed.to_iterable_dataset(num_shards=4)
    states: dict[int, Any] = {}
    seen: list[tuple[str, int]] = []
    taken = collections.Counter[int]()
    for worker, name, number, state in DataLoader(WithState(iterable), batch_size=None, num_workers=2):
        if taken[worker] < cuts[worker]:
            taken[worker] += 1
            seen.append((name, number))
            states[worker] = state
    assert taken == {0: cuts[0], 1: cuts[1]}
    fresh = mixed.to_iterable_dataset(num_shards=4)
    resumed = DataLoader(WithState(fresh, states), batch_size=None, num_workers=2)
    seen += [(name, number) for _, name, number, _ in resumed]
    assert len(seen) == 1200
    assert set(seen) == set(zip(mixed["id"], mixed["mix_epoch"], strict=True))
