"""One split on its way to the Hub: written as shards, counted, sent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import datasets
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._files import digest_of
from video_sft.publishing._cells import VideoMode, as_stored, has_media, publishable
from video_sft.publishing._column_types import stored_schema
from video_sft.publishing._layout import cell_path, rows_path
from video_sft.publishing._parquet import group_rows, shard_count, write_shard
from video_sft.publishing._report import SplitReport
from video_sft.video._columns.feature import stock_features

__all__ = ["Shard", "SplitWriter"]

#: Enough to tell roughly how large embedded media are.
_PROBED_ROWS = 16


@dataclass(frozen=True)
class Shard:
    """One written Parquet file."""

    path: str
    file: Path
    sha256: str


class SplitWriter:
    """Writes one split of one config as Parquet shards; video cells name the repo and the commit with the videos.

    `types` are those that `stated_types` found for all splits of the config.
    """

    def __init__(
        self,
        repo: str,
        config: str,
        split: str,
        rows: datasets.Dataset,
        mode: VideoMode,
        commit: str | None,
        types: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._repo = repo
        self._config = config
        self._split = split
        self._rows = rows
        self._mode = mode
        self._commit = commit
        self._schema = stored_schema(stock_features(rows.features), types)
        self.report = SplitReport(rows=len(rows), nbytes=_nbytes(rows))
        self._has_media = has_media(rows.features)
        if self._has_media:
            self.report.videos = pc.count_distinct(rows.with_format("arrow").select_columns(["video_id"])[:][0]).as_py()

    def shards(self, folder: Path) -> Iterator[Shard]:
        """Write the shards one after the other; each file may be deleted when the next is asked for."""
        rows, report = len(self._rows), self.report
        has_images, has_videos = self._has("image"), self._mode == "embed" and self._has("video")
        media_bytes = self._media_bytes() if has_images or has_videos else 0
        count = shard_count(rows, report.nbytes + media_bytes)
        group = group_rows(rows, report.nbytes, images=has_images, videos=has_videos)
        for index in range(count):
            path = rows_path(self._config, self._split, index, count)
            file = folder / path.replace("/", "__")
            part = self._rows.shard(count, index, contiguous=True).with_format("arrow")
            write_shard(file, self._tables(part, group), self._schema)
            with file.open("rb") as written:
                sha256, size = digest_of(written)
            report.files += 1
            report.file_bytes += size
            yield Shard(path, file, sha256)

    def _tables(self, part: datasets.Dataset, rows: int) -> Iterator[pa.Table]:
        for table in part.iter(batch_size=rows):
            published = self._published(table)
            self._count(published, table if self._mode == "packed" else published)
            yield published

    def _published(self, table: pa.Table) -> pa.Table:
        if not self._has_media:
            return as_stored(table, self._schema)
        return publishable(
            table, self._mode, lambda file: cell_path(self._repo, self._commit or "", file.path), self._schema
        )

    def _count(self, table: pa.Table, with_media: pa.Table) -> None:
        report = self.report
        counters = {"task": report.tasks, "question_type": report.question_types, "license": report.licenses}
        for column, counter in counters.items():
            if column in table.column_names:
                for pair in pc.value_counts(table[column]).to_pylist():
                    if pair["values"] is not None:
                        counter[pair["values"]] = counter.get(pair["values"], 0) + pair["counts"]
        if self._has_media:
            filled = pc.or_(with_media["video"].is_valid(), with_media["image"].is_valid())
            report.rows_with_media += pc.sum(filled).as_py() or 0

    def _has(self, column: str) -> bool:
        if self._mode == "none" or not self._has_media:
            return False
        values = self._rows.data.column(column)
        return bool(values.null_count < len(values))

    def _media_bytes(self) -> int:
        """Return what the embedded media take together, guessed from a few rows all over the split."""
        some = range(0, len(self._rows), max(1, len(self._rows) // _PROBED_ROWS))
        probed = self._rows.select(some).with_format("arrow")[:]
        return int(self._published(probed).nbytes * len(self._rows) // max(1, len(probed)))


def _nbytes(rows: datasets.Dataset) -> int:
    table = rows.data
    return int(table.nbytes * len(rows) // max(1, len(table)))
