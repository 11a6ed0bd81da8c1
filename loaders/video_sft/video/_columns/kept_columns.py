"""Columns of lazy clips that `datasets` wrote to disk and reads again: they come back as what they were.

`datasets` makes the columns of a cached, saved or pickled table anew from what is written in it, by a table of its own
classes, so that a subclass does not survive: the second run of a script would get other objects than the first. Where
a column bears the mark of `Video`, it is made a `Video` again; all others stay the stock feature. This is so from the
import of this module on, which follows any import of `datasets`: nothing that reads videos is imported here before a
column of clips is met.
"""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa

from video_sft._datasets import FEATURE_TYPES, fingerprint_of, wrap_methods
from video_sft.video._columns import MARK

__all__: list[str] = []


@dataclass
class _WrittenVideo(datasets.Video):  # type: ignore[misc]
    """What a video column that is written down is made into."""

    def __new__(cls, **options: Any) -> Any:
        if options.get("id") != MARK:
            return datasets.Video(**options)
        from video_sft.video._columns.feature import Video

        return Video(**options)


def _local(place: Any) -> str | None:
    """Return a folder of this machine as an absolute path; None for one that is elsewhere."""
    path = os.fspath(place).removeprefix("file://")
    return None if "://" in path else os.path.abspath(path)


def _clip_columns(rows: datasets.Dataset) -> list[str]:
    columns = rows.features.items()
    return [name for name, column in columns if isinstance(column, datasets.Video) and column.id == MARK]


def _estimating(plain: Any) -> Any:
    """Leave videos out of what rows are taken to weigh: into so many files they are written."""

    @functools.wraps(plain)
    def estimate(self: datasets.Dataset) -> Any:
        columns = _clip_columns(self)
        cells = sum(self.data.column(name).nbytes for name in columns)
        return plain(self.remove_columns(columns) if columns else self) + cells

    return estimate


def _saving(plain: Any) -> Any:
    @functools.wraps(plain)
    def save_to_disk(self: datasets.Dataset, dataset_path: Any, *args: Any, **kwargs: Any) -> Any:
        root = _local(dataset_path)
        if root is None or not _clip_columns(self):
            return plain(self, dataset_path, *args, **kwargs)
        from video_sft.video._columns.saved_videos import storing

        with storing(Path(root)):
            return plain(self, dataset_path, *args, **kwargs)

    return save_to_disk


def _loading(plain: Any) -> Any:
    @functools.wraps(plain)
    def load_from_disk(dataset_path: Any, *args: Any, **kwargs: Any) -> datasets.Dataset:
        rows = plain(dataset_path, *args, **kwargs)
        root = _local(dataset_path)
        return rows if root is None else _with_places(rows, root)

    return load_from_disk


def _with_places(rows: datasets.Dataset, root: str) -> datasets.Dataset:
    order = rows.column_names
    if not _clip_columns(rows):
        return rows
    from video_sft.video._columns.saved_videos import placed

    for name in _clip_columns(rows):
        stored = rows.data.column(name).chunks
        found = placed(pa.concat_arrays(stored), root) if stored else None
        if found is None:
            continue
        digest = hashlib.blake2b(f"{fingerprint_of(rows)} {name} {root}".encode(), digest_size=8).hexdigest()
        shape = rows.features[name]
        rows = rows.add_column(f"{name} here", found, new_fingerprint=digest, feature=shape)
        rows = rows.remove_columns(name).rename_column(f"{name} here", name)
    return rows.select_columns(order) if rows.column_names != order else rows


if FEATURE_TYPES["Video"] is datasets.Video:
    FEATURE_TYPES["Video"] = _WrittenVideo
    wrap_methods(_estimate_nbytes=_estimating, save_to_disk=_saving, load_from_disk=_loading)
