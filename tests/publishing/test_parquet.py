"""Parquet made for its readers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import Dataset, IterableDataset, concatenate_datasets, load_dataset
from tests.local_hub import LocalHub

from video_sft.publishing._parquet import shard_count, write_shard
from video_sft.publishing._splits import SplitWriter

from .made_rows import made_run, make_rows


def written(rows: Dataset, folder: Path, repo: str = "org/made") -> list[Path]:
    folder.mkdir()
    writer = SplitWriter(repo, "star", "train", rows, "reference", "0" * 40)
    return [shard.file for shard in writer.shards(folder)]


def test_a_file_has_what_viewers_and_streams_use(tmp_path: Path) -> None:
    (file,) = written(make_rows([], rows=240), tmp_path / "out")
    footer = pq.ParquetFile(file).metadata
    by_path = {}
    for number in range(footer.row_group(0).num_columns):
        column = footer.row_group(0).column(number)
        by_path[column.path_in_schema] = column
        assert column.has_column_index or column.statistics is None
        assert column.has_offset_index
        assert column.compression == "ZSTD"
    assert "RLE_DICTIONARY" in by_path["messages.list.element.role"].encodings
    assert "RLE_DICTIONARY" in by_path["license"].encodings
    assert "RLE_DICTIONARY" not in by_path["id"].encodings
    assert b"huggingface" in footer.metadata


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    rows = make_rows([], rows=600)
    first, again = written(rows, tmp_path / "first"), written(rows, tmp_path / "again")
    assert [one.read_bytes() for one in first] == [one.read_bytes() for one in again]


def test_a_changed_row_changes_few_bytes(tmp_path: Path) -> None:
    rows = make_rows([], rows=8_000)
    changed = Dataset.from_list([{**make_rows([], rows=1)[0], "id": "star/other"}], features=rows.features)
    old = b"".join(one.read_bytes() for one in written(rows, tmp_path / "old"))
    new = concatenate_datasets([changed, rows.select(range(1, len(rows)))])
    shards = written(new, tmp_path / "new")
    same = sum(len(one.read_bytes()) for one in shards if one.read_bytes() in old)
    assert same > 0.8 * len(old)


@pytest.mark.parametrize(
    ("rows", "nbytes", "shards"),
    [
        (0, 0, 1),
        (1, 100, 1),
        (249, 10**5, 1),
        (2_000, 10**6, 8),
        (45_731, 10**8, 8),
        (500, 2 << 30, 6),
        (3, 2 << 30, 3),
    ],
)
def test_eight_workers_have_a_shard_each_where_rows_are_many(rows: int, nbytes: int, shards: int) -> None:
    assert shard_count(rows, nbytes) == shards


def test_a_published_split_streams_with_eight_workers(hub: LocalHub, tmp_path: Path) -> None:
    made_run(make_rows([], rows=2_000), tmp_path).publish(private=False)
    rows = load_dataset("org/made", "star", split="train", streaming=True)
    assert isinstance(rows, IterableDataset)
    assert rows.num_shards == 8
    shares = [{row["id"] for row in rows.shard(8, index)} for index in range(8)]
    assert sum(map(len, shares)) == len(set().union(*shares)) == 2_000


def test_row_groups_hold_a_bounded_number_of_rows(tmp_path: Path) -> None:
    (file, *_) = written(concatenate_datasets([make_rows([], rows=7_000)] * 10), tmp_path / "out")
    footer = pq.ParquetFile(file).metadata
    sizes = [footer.row_group(number).num_rows for number in range(footer.num_row_groups)]
    assert max(sizes) <= 8_192
    assert sum(sizes) == 70_000 // 8


def test_a_file_that_cannot_be_finished_is_not_there(tmp_path: Path) -> None:
    schema = pa.schema({"a": pa.int64()})

    def groups() -> Iterator[pa.Table]:
        yield pa.table({"a": [1]})
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk is full"):
        write_shard(tmp_path / "a.parquet", groups(), schema)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_split_is_an_empty_file(tmp_path: Path) -> None:
    (file,) = written(make_rows([], rows=3).select([]), tmp_path / "out")
    assert pq.read_table(file).num_rows == 0
