"""The media of rows, as their columns name them: nothing is opened, and no row is decoded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._datasets import stored_batches
from video_sft._probing.medium_facts import Medium
from video_sft.errors import ConfigError
from video_sft.video import Clip
from video_sft.video._bytes.media_bytes import media_bytes

__all__ = ["MEDIA_COLUMNS", "RowMedium", "media_in", "media_of", "medium_of", "videos_counted"]

MEDIA_COLUMNS = ("video", "image", "start_seconds", "stop_seconds")

#: Rows of a table that are taken apart at a time.
_BATCH = 20_000


@dataclass(frozen=True, slots=True)
class RowMedium:
    """The file of a row, and the part of it the row is about.

    Attributes:
        medium: the file, and whether it is a video or an image.
        start_seconds: where the row's clip begins; None is the file's beginning.
        stop_seconds: where it ends; None is the file's end.
    """

    medium: Medium
    start_seconds: float | None = None
    stop_seconds: float | None = None


def media_of(rows: object) -> list[RowMedium | None]:
    """Return the medium of each row, its video or else its image; None for rows without one.

    Args:
        rows: a `datasets.Dataset` with the columns `video` or `image`, rows as dicts, or clips. Where a row's clip has
            no limits, its `start_seconds` and `stop_seconds` apply.

    Raises:
        ConfigError: it is none of these.
    """
    if isinstance(rows, datasets.Dataset):
        return _of_dataset(rows)
    if isinstance(rows, Clip):
        rows = [rows]
    if not isinstance(rows, Iterable) or isinstance(rows, (str, bytes, Mapping)):
        raise ConfigError(f"rows are a Dataset, a list of rows or of clips, not {rows!r:.80}")
    return [_of_row(row) for row in rows]


def _of_dataset(dataset: datasets.Dataset) -> list[RowMedium | None]:
    columns = [name for name in MEDIA_COLUMNS if name in dataset.column_names]
    if not {"video", "image"} & set(columns):
        raise ConfigError(f"these rows have neither video nor image; their columns are {dataset.column_names}")
    known: dict[str, RowMedium] = {}
    return [medium_of(row, known) for batch in stored_batches(dataset, columns, _BATCH) for row in batch.to_pylist()]


def media_in(table: pa.Table) -> list[RowMedium | None]:
    """Return the medium of each row of a table of stored rows with some of `MEDIA_COLUMNS`."""
    known: dict[str, RowMedium] = {}
    return [medium_of(row, known) for batch in table.to_batches(_BATCH) for row in batch.to_pylist()]


def videos_counted(table: pa.Table, times: npt.NDArray[np.int64]) -> dict[RowMedium, int]:
    """Return the different clips of stored rows, and how many rows are about each.

    Args:
        table: the rows; those whose video is not there, or lies in the row itself, are passed over.
        times: how often each of them counts.
    """
    if "video" not in table.column_names:
        return {}
    columns = {"path": pc.struct_field(table.column("video"), "path"), "times": pa.array(times)}
    limits = [name for name in ("start_seconds", "stop_seconds") if name in table.column_names]
    rows = pa.table({**columns, **{name: table.column(name) for name in limits}})
    rows = rows.filter(pc.is_valid(rows.column("path")))
    groups = rows.group_by(["path", *limits]).aggregate([("times", "sum")])
    known: dict[str, RowMedium] = {}
    found: dict[RowMedium, int] = {}
    for row in groups.to_pylist():
        medium = medium_of({**row, "video": {"path": row["path"], "bytes": None}}, known)
        assert medium is not None
        found[medium] = found.get(medium, 0) + row["times_sum"]
    return found


def _of_row(row: object) -> RowMedium | None:
    if row is None:
        return None
    if not isinstance(row, Mapping) or isinstance(row, Clip):
        row = {"video": row}
    return medium_of(row, {})


def medium_of(row: Mapping[str, Any], known: dict[str, RowMedium]) -> RowMedium | None:
    """Return the medium of one row.

    Args:
        row: with its cells as they are stored, or decoded.
        known: what cells mean, by their path; the same dict for all rows, since many rows have the same video.
    """
    video = row.get("video")
    if video is not None:
        path = video.get("path") if isinstance(video, dict) and video.get("bytes") is None else None
        whole = known.get(path) if path is not None else None
        if whole is None:
            clip = video if isinstance(video, Clip) else Clip(video)
            whole = RowMedium(("video", clip._file.source), clip.start_seconds, clip.stop_seconds)
            if path is not None:
                known[path] = whole
        limits = _limits(row)
        if limits == (None, None) or (whole.start_seconds, whole.stop_seconds) != (None, None):
            return whole
        return RowMedium(whole.medium, *limits)
    image = row.get("image")
    return None if image is None else RowMedium(("image", media_bytes(_image_cell(image))))


def _limits(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return row.get("start_seconds"), row.get("stop_seconds")


def _image_cell(image: Any) -> Any:
    """Return a cell for a picture that `datasets` has decoded: its file where it still has one, else its pixels."""
    import io

    from PIL import Image

    if not isinstance(image, Image.Image):
        return image
    name = getattr(image, "filename", "")
    if name:
        return name
    encoded = io.BytesIO()
    image.save(encoded, format=image.format or "PNG")
    return encoded.getvalue()
