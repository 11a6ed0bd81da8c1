"""Ranks and workers: every row once, in equal parts, however many there are."""

from __future__ import annotations

import collections
from collections.abc import Callable
from typing import Any

import pytest
from datasets import Dataset
from datasets.distributed import split_dataset_by_node
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from video_sft.errors import ConfigError
from video_sft.mixing import mix, shard

without_deadline = settings(deadline=None, max_examples=25)
Make = Callable[..., Dataset]


@without_deadline
@given(rows=st.integers(1, 200), world=st.integers(1, 9), seed=st.integers(0, 9))
def test_ranks_have_every_row_once_and_equally_many(ids: Make, rows: int, world: int, seed: int) -> None:
    mixed = mix({"a": ids("a", 50), "b": ids("b", 20)}, probabilities=[0.7, 0.3], seed=seed, num_rows=rows)
    for split in (shard, split_dataset_by_node):
        pieces = [split(mixed, rank, world) for rank in range(world)]
        together = [row for piece in pieces for row in zip(piece["id"][:], piece["mix_epoch"][:], strict=True)]
        assert sorted(together) == sorted(zip(mixed["id"], mixed["mix_epoch"], strict=True))
        sizes = [len(piece) for piece in pieces]
        assert max(sizes) - min(sizes) <= 1


@without_deadline
@given(before=st.integers(1, 9), after=st.integers(1, 9), turns=st.integers(0, 20))
def test_training_goes_on_with_another_number_of_ranks(ids: Make, before: int, after: int, turns: int) -> None:
    mixed = mix({"a": ids("a", 120), "b": ids("b", 80)})
    used = [name for rank in range(before) for name in shard(mixed, rank, before)[:turns]["id"]]
    rest = mixed.skip(before * turns)
    assert sorted(used) == sorted(mixed[: before * turns]["id"])
    later = [name for rank in range(after) for name in shard(rest, rank, after)["id"]]
    assert sorted(used + later) == sorted(mixed["id"])
    assert len(mixed.skip(len(mixed))) == 0


@pytest.mark.parametrize("shares", [[0.5, 0.5], [0.25, 0.75], [1 / 3, 2 / 3], [0.1, 0.9]])
@pytest.mark.parametrize("world", [2, 3, 4, 8])
def test_no_rank_sees_one_part_only(ids: Make, shares: list[float], world: int) -> None:
    """Two parts of equal shares come in turns: every other row would be of the same part."""
    mixed = mix({"a": ids("a", 100), "b": ids("b", 100)}, probabilities=shares, num_rows=6000)
    for rank in range(world):
        piece = shard(mixed, rank, world)
        share = sum(name[0] == "a" for name in piece["id"]) / len(piece)
        assert share == pytest.approx(shares[0], abs=0.01)


def test_a_shard_is_a_mixture_still(ids: Make) -> None:
    mixed = mix({"a": ids("a", 10), "b": ids("b", 10)})
    piece = shard(mixed.with_format("numpy"), 1, 3)
    assert piece.format["type"] == "numpy"
    assert type(piece) is type(mixed)
    assert shard(mixed, 0, 1) is mixed
    assert shard(mixed, 1, 3)._fingerprint == shard(mixed, 1, 3)._fingerprint != shard(mixed, 2, 3)._fingerprint


@pytest.mark.parametrize(("rank", "world"), [(2, 2), (-1, 2), (0, 0), (True, 2), (0.0, 2)])
def test_a_rank_that_is_none_is_refused(ids: Make, rank: Any, world: int) -> None:
    with pytest.raises(ConfigError, match="rank"):
        shard(mix({"a": ids("a", 3)}), rank, world)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_loader_gives_the_same_order_with_any_workers(ids: Make, workers: int) -> None:
    mixed = mix({"a": ids("a", 70), "b": ids("b", 30)})
    loader = DataLoader(mixed, batch_size=8, num_workers=workers, collate_fn=list)
    assert [row["id"] for batch in loader for row in batch] == mixed["id"][:]


def test_a_loader_killed_in_mid_epoch_goes_on_where_it_was(ids: Make) -> None:
    mixed = mix({"a": ids("a", 300), "b": ids("b", 100)}, epochs=2)
    seen: list[tuple[str, int]] = []
    for world, batches in ((2, 5), (3, 4), (1, 10**6)):
        rest = mixed.skip(len(seen))
        loaders = [
            iter(DataLoader(shard(rest, rank, world), batch_size=16, num_workers=2, collate_fn=list))
            for rank in range(world)
        ]
        for batch in (batch for loader in loaders for _, batch in zip(range(batches), loader, strict=False)):
            seen += [(row["id"], row["mix_epoch"]) for row in batch]
        del loaders
    times = collections.Counter(seen)
    assert len(seen) == len(times) == len(mixed) == 800
    assert set(times) == set(zip(mixed["id"], mixed["mix_epoch"], strict=True))
