"""Streamed mixtures: the right shares on every worker and rank, and exact resume."""

from __future__ import annotations

import collections
import logging
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import datasets
import pytest
from datasets import Dataset, IterableDataset
from datasets.distributed import split_dataset_by_node
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

import video_sft
from video_sft._datasets import examples_of
from video_sft.errors import ConfigError
from video_sft.mixing import mix, shard

Make = Callable[..., Dataset]
#: Rows and files of each part; one has fewer files than workers, one fewer rows, one is empty.
SIZES = {"many": (800, 7), "some": (300, 4), "single": (90, 1), "tiny": (2, 1), "empty": (0, 1)}
SHARES = {"many": 0.5, "some": 0.25, "single": 0.1, "tiny": 0.1, "empty": 0.05}
STRATEGIES = ["exact", "first_exhausted", "all_exhausted", "all_exhausted_without_replacement"]
COLUMNS = datasets.Features({"id": datasets.Value("string"), "license": datasets.Value("string")})


def rows_of(name: str, files: list[int], size: int, of: int) -> Iterator[dict[str, str]]:
    for file in files:
        for number in range(file, size, of):
            yield {"id": f"{name}/{number}", "license": "MIT" if number % 2 else "other"}


def streams() -> dict[str, IterableDataset]:
    return {
        name: IterableDataset.from_generator(
            rows_of,
            gen_kwargs={"name": name, "files": list(range(files)), "size": size, "of": files},
            features=COLUMNS,
        )
        for name, (size, files) in SIZES.items()
    }


def mixed(**options: Any) -> IterableDataset:
    stream = mix(streams(), probabilities=SHARES, streaming=True, **options)
    assert isinstance(stream, IterableDataset)
    return stream


def listed(rows: Any) -> list[tuple[str, int]]:
    return [(row["id"], row["mix_epoch"]) for row in rows]


def by_part(rows: list[tuple[str, int]]) -> collections.Counter[str]:
    return collections.Counter(name.partition("/")[0] for name, _ in rows)


def test_a_stream_has_the_shares_and_columns_of_a_mixture() -> None:
    stream = mixed(num_rows=2000)
    rows = listed(stream)
    present = sum(SHARES.values()) - SHARES["empty"]
    assert by_part(rows) == {
        name: pytest.approx(2000 * share / present, abs=1) for name, share in SHARES.items() if name != "empty"
    }
    assert stream.column_names == ["id", "license", "mix_epoch"]
    assert listed(stream) == rows != listed(mixed(num_rows=2000, seed=1))
    for start in range(0, 1900, 61):
        window = by_part(rows[start : start + 100])
        assert all(abs(window[name] - 100 * share / present) < 4 for name, share in SHARES.items() if name != "empty")


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("world", [2, 3, 11])
def test_the_rows_do_not_depend_on_the_number_of_ranks(strategy: str, world: int) -> None:
    stream = mixed(stopping_strategy=strategy, num_rows=3000)
    whole = listed(stream)
    ranks = [listed(split_dataset_by_node(stream, rank, world)) for rank in range(world)]
    assert by_part([row for rows in ranks for row in rows]) == by_part(whole)
    assert max(map(len, ranks)) - min(map(len, ranks)) <= 1
    for rows in ranks:
        assert all(abs(by_part(rows)[name] - count / world) < 20 for name, count in by_part(whole).items())
    assert sorted([row for rows in ranks for row in rows]) == sorted(whole)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_strategies_mean_the_same_for_streams(ids: Make, strategy: Any) -> None:
    tables = {name: ids(name, size) for name, (size, _) in SIZES.items()}
    table = mix(tables, probabilities=SHARES, stopping_strategy=strategy, num_rows=2500)
    rows = listed(mixed(stopping_strategy=strategy, num_rows=2500))
    assert by_part(rows) == by_part(listed(table))
    if strategy == "all_exhausted_without_replacement":
        assert sorted(rows) == sorted(listed(table))


def test_workers_of_a_loader_share_a_stream() -> None:
    stream = mixed(num_rows=600)
    together = listed(DataLoader(stream, batch_size=None, num_workers=2))
    assert by_part(together) == by_part(listed(stream))
    node = split_dataset_by_node(stream, 1, 2)
    assert sorted(listed(DataLoader(node, batch_size=None, num_workers=2))) == sorted(listed(node))


@pytest.mark.parametrize("workers", [1, 2])
def test_a_loader_has_the_same_batches_with_any_number_of_workers(workers: int) -> None:
    rank = shard(mixed(num_rows=1003), 1, 2, batch_size=8)
    alone, shared = (
        [listed(batch) for batch in DataLoader(rank, batch_size=8, num_workers=number, collate_fn=list)]
        for number in (0, workers)
    )
    assert shared == alone
    assert sum(map(len, alone)) in (501, 502)


@settings(deadline=None, max_examples=8)
@given(
    turns=st.integers(0, 400),
    before=st.integers(1, 8),
    after=st.integers(1, 8),
    strategy=st.sampled_from(STRATEGIES),
    licenses=st.sampled_from([None, ["MIT"]]),
)
def test_a_state_is_the_same_place_for_any_number_of_ranks(
    turns: int, before: int, after: int, strategy: str, licenses: list[str] | None
) -> None:
    stream = mixed(stopping_strategy=strategy, num_rows=1200, licenses=licenses)
    whole = sorted(listed(stream))
    assume(turns * before <= len(whole))  # beyond that, some ranks have had a row more than others
    used, states = [], []
    for rank in range(before):
        piece = shard(stream, rank, before)
        rows = iter(piece)
        used += listed(row for _, row in zip(range(turns), rows, strict=False))
        states.append(piece.state_dict())
        rows.close()
    left = []
    for rank in range(after):
        piece = shard(stream, rank, after)
        piece.load_state_dict(states[rank % before])
        left += listed(piece)
    assert sorted(used + left) == whole
    skipped = [shard(stream.skip(len(used)), rank, after) for rank in range(after)]
    assert sorted(row for piece in skipped for row in listed(piece)) == sorted(left)


def test_a_state_of_another_mixture_is_refused() -> None:
    state = mixed(num_rows=100).state_dict()
    fewer = mix({"many": streams()["many"]}, streaming=True, num_rows=100)
    for other in (mixed(num_rows=101), mixed(num_rows=100, seed=1), mixed(num_rows=100, shuffle=False), fewer):
        other.load_state_dict(state)
        with pytest.raises(ConfigError, match="the state of another mixture"):
            next(iter(other))


def test_a_state_of_one_worker_of_several_is_refused_elsewhere() -> None:
    examples = examples_of(shard(mixed(num_rows=100), 0, 2, batch_size=4)).shard_data_sources(3, 1)
    examples._init_state_dict()
    rows = iter(examples)
    for _ in range(5):
        next(rows)
    state = examples.state_dict()
    left = [row["id"] for _, row in rows]
    resumed = examples_of(shard(mixed(num_rows=100), 0, 2, batch_size=4)).shard_data_sources(3, 1)
    resumed.load_state_dict(state)
    assert [row["id"] for _, row in resumed] == left
    elsewhere = examples_of(shard(mixed(num_rows=100), 0, 2, batch_size=4)).shard_data_sources(2, 1)
    elsewhere.load_state_dict(state)
    with pytest.raises(ConfigError, match=r"one worker of a loader.*mix.skip\(rows_used\)"):
        next(iter(elsewhere))


@settings(deadline=None, max_examples=8)
@given(cut=st.integers(0, 2500), strategy=st.sampled_from(STRATEGIES), rank=st.integers(0, 2), shuffle=st.booleans())
def test_a_stream_resumes_at_any_row(cut: int, strategy: str, rank: int, shuffle: bool) -> None:
    def piece() -> IterableDataset:
        return split_dataset_by_node(
            mixed(stopping_strategy=strategy, num_rows=2500, shuffle=shuffle), rank, 3 if rank else 1
        )

    whole = listed(piece())
    stream = piece()
    rows = iter(stream)
    before = listed(row for _, row in zip(range(min(cut, len(whole))), rows, strict=False))
    state = stream.state_dict()
    rows.close()
    resumed = piece()
    resumed.load_state_dict(state)
    assert before + listed(resumed) == whole


def test_an_epoch_and_a_shuffle_give_another_order_of_the_same_shares() -> None:
    stream = mixed(num_rows=500)
    first = listed(stream)
    stream.set_epoch(1)
    second = listed(stream)
    stream.set_epoch(0)
    assert listed(stream) == first != second
    assert by_part(first) == by_part(second)
    shuffled = [listed(stream.shuffle(seed=seed, buffer_size=5)) for seed in (1, 2)]
    assert shuffled[0] != shuffled[1]
    assert by_part(shuffled[0]) == by_part(first)


def test_every_pass_over_a_stream_is_shuffled_anew() -> None:
    rows = listed(mix({"some": streams()["some"]}, streaming=True, epochs=2))
    passes = [[name for name, number in rows if number == each] for each in (0, 1)]
    assert passes[0] != passes[1]
    assert sorted(passes[0]) == sorted(passes[1])
    assert len(set(passes[0])) == 300


def test_rows_of_other_licences_are_left_out_as_they_come(caplog: pytest.LogCaptureFixture) -> None:
    rows = list(mixed(num_rows=400, licenses=["mit"]))
    assert {row["license"] for row in rows} == {"MIT"}
    assert len(rows) == 400
    with caplog.at_level(logging.WARNING, "video_sft.mixing"):
        assert list(mixed(num_rows=400, licenses=["CC0-1.0"])) == []
    assert "many has no rows to stream" in caplog.text


def test_evaluation_videos_are_left_out_of_streams() -> None:
    clear, leaked = "vidor/0", "vidor/4010069381"
    table = Dataset.from_dict({"id": list("abcd"), "video_id": [clear, leaked, clear, None]})
    stream = mix({"next_qa": table.to_iterable_dataset()}, streaming=True, num_rows=6)
    assert {row["id"] for row in stream} == {"a", "c", "d"}
    stream = mix({"next_qa": table.to_iterable_dataset()}, streaming=True, num_rows=6, decontaminate=None)
    assert {row["id"] for row in stream} == set("abcd")


def test_configs_stream_with_their_schema() -> None:
    stream = mix({"next_qa": 0.5, "star": 0.5}, streaming=True, sample=True, num_rows=8)
    rows = list(stream)
    assert stream.features == {**video_sft.features(), "mix_epoch": datasets.Value("int32")}
    assert collections.Counter(row["source"] for row in rows) == {"next_qa": 4, "star": 4}


def test_a_stream_can_be_sent_to_another_process() -> None:
    stream = mixed(num_rows=50, licenses=["MIT"])
    assert listed(pickle.loads(pickle.dumps(stream))) == listed(stream)


def test_what_streams_cannot_do_is_said_at_once(ids: Make) -> None:
    with pytest.raises(ConfigError, match="dedupe"):
        mixed(dedupe=True)
    with pytest.raises(ConfigError, match="streaming=True"):
        mix(streams())
    with pytest.raises(ConfigError, match="nothing is left"):
        mix({"empty": streams()["empty"]}, streaming=True)
