"""Reading what was published, with this package's lazy clips."""

from __future__ import annotations

import os
from typing import Any, cast

import datasets
import pyarrow as pa

from video_sft.errors import ConfigError
from video_sft.loading import AnyDataset
from video_sft.publishing.cells import has_media
from video_sft.publishing.layout import was_cut
from video_sft.rows import features
from video_sft.video.fragment import clip_url

__all__ = ["load_published"]

_LIMITS = ("start_seconds", "stop_seconds")


def load_published(
    config: str,
    repo: str,
    *,
    split: str | None = None,
    streaming: bool = False,
    revision: str | None = None,
    token: str | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> AnyDataset:
    """Load a config from a repo that `publish` made: the rows that were built, with clips that read remote ranges.

    Only Parquet is downloaded. A video is opened when its frames are asked for, and then only the bytes they need come
    over the network.

    Args:
        config: the config's name.
        repo: `org/name`.
        split: as for `datasets.load_dataset`; None loads all.
        streaming: read rows as they are asked for, and cache nothing.
        revision: a branch, tag or commit of the repo; None is its default branch.
        token: for the rows of a private or gated repo; None is the logged-in user's. Clips of downloaded rows are
            opened as the logged-in user (`hf auth login`, or `HF_TOKEN`), for a token has no place in a dataset.
        cache_dir: where rows are cached.

    Raises:
        ConfigError: the repo has no such config; the message names those it has.
    """
    try:
        rows = datasets.load_dataset(
            repo, config, split=split, streaming=streaming, revision=revision, token=token, cache_dir=cache_dir
        )
    except ValueError as error:
        if "BuilderConfig" not in str(error):
            raise
        raise ConfigError(f"{repo} has no config {config!r}: {error}") from error
    if isinstance(rows, (datasets.DatasetDict, datasets.IterableDatasetDict)):
        return cast("AnyDataset", type(rows)({name: _with_clips(part) for name, part in rows.items()}))
    return cast("AnyDataset", _with_clips(rows))


def _with_clips(rows: Any) -> Any:
    """Give video cells their clip's limits, and the column its lazy clips."""
    if not has_media(rows.features):
        return rows
    shape = datasets.Features({**rows.features, "video": features()["video"]})
    if isinstance(rows, datasets.IterableDataset):
        # The features come last: datasets 4.8 takes tables of a `map` that was given features for rows already decoded.
        return rows.with_format("arrow").map(_limit_videos, batched=True).with_format(None).cast(shape)
    if all(rows.data.column(name).null_count == len(rows.data) for name in _LIMITS):
        return rows.cast_column("video", shape["video"])
    # Only the paths are written anew; the other columns stay in the files they were downloaded to.
    paths = rows.select_columns(["video", *_LIMITS]).with_format("arrow")
    kept = datasets.Features({"video": shape["video"]})
    limited = paths.map(_limited_column, batched=True, features=kept, remove_columns=list(_LIMITS)).with_format(None)
    joined = datasets.concatenate_datasets([rows.remove_columns("video"), limited], axis=1)
    return joined.select_columns(rows.column_names).cast_column("video", shape["video"])


def _limit_videos(table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("video")
    field = table.schema.field(place)
    rows = table.select(["video", *_LIMITS]).to_pylist()
    cells = [row["video"] and {**row["video"], "path": _limited(row)} for row in rows]
    return table.set_column(place, field, pa.array(cells, type=field.type))


def _limited_column(table: pa.Table) -> pa.Table:
    return _limit_videos(table).select(["video"])


def _limited(row: dict[str, Any]) -> str | None:
    path = row["video"]["path"]
    return path if path is None or was_cut(path) else clip_url(path, row["start_seconds"], row["stop_seconds"])
