"""The media cells of rows: from files on this machine to what is published."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Literal
from urllib.parse import urlsplit

import datasets
import pyarrow as pa

from video_sft._places import open_binary
from video_sft._rows.schema import COLUMNS, clip_name
from video_sft.errors import ConfigError, MissingMediaError
from video_sft.publishing._layout import CUT_SUFFIX, video_path
from video_sft.publishing._upload.media_guard import check_head
from video_sft.video._fragment import split_cut, split_fragment
from video_sft.video._reading.frame_folder import split_frames

__all__ = ["PublishedVideo", "VideoMode", "as_stored", "has_media", "image_bytes", "publishable", "published_videos"]

VideoMode = Literal["none", "reference", "embed", "packed"]
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}")
_ROW_COLUMNS = ["id", "video", "video_id", "video_path", "start_seconds", "stop_seconds"]


@dataclass(frozen=True)
class PublishedVideo:
    """A video that rows point at: where it is now (a path, a URL, or a member of a zip) and its path in the repo."""

    location: str
    path: str


def has_media(columns: datasets.Features) -> bool:
    """Return whether rows have media cells: those of a `-source` config may have a column `video` of upstream's own."""
    return set(COLUMNS) <= set(columns)


def published_videos(table: pa.Table) -> Iterator[PublishedVideo | None]:
    """Yield the video of each row; None where a row has none."""
    for row in table.select(_ROW_COLUMNS).to_pylist():
        path = row["video"] and row["video"]["path"]
        yield None if path is None else _video_file(row, path)


def _video_file(row: dict[str, Any], path: str) -> PublishedVideo:
    location, start, stop = split_fragment(path)
    if split_cut(location)[0] != location:
        raise ConfigError(
            f"{split_cut(location)[0]} was cut out of a longer video, and rows that are published count the seconds of "
            "the whole one. Publish without videos (--videos none), or with media that were prepared without `trim`"
        )
    if split_frames(location)[0] != location:
        raise ConfigError(
            f"{location}: a folder of frames is no file that could be published. Publish without videos "
            "(--videos none), or make a video file of each folder first"
        )
    pool, _, key = (row["video_id"] or row["video_path"] or row["id"]).partition("/")
    if row["video_id"] and clip_name(row["video_id"], row["video_path"]):
        # A clip of that video in a file of its own: the path tells it from the others.
        pool, _, key = row["video_path"].partition("/")
        key = key.removesuffix(_suffix(key))
    limited = row["start_seconds"] is not None or row["stop_seconds"] is not None
    if limited and start is None and stop is None:
        # The user's file is this row's clip already, and no other row's.
        pool, key = f"{pool}{CUT_SUFFIX}", row["id"].partition("/")[2]
    return PublishedVideo(location, video_path(pool, key, _suffix(location) or _suffix(row["video_path"] or "")))


def _suffix(location: str) -> str:
    """Return the suffix of a file's name; of a URL, that of its path."""
    inner = location.partition("::")[0]
    found = posixpath.splitext(urlsplit(inner).path if "://" in inner else inner)[1]
    return found if _SUFFIX.fullmatch(found) else ""


def publishable(
    table: pa.Table, mode: VideoMode, reference: Callable[[PublishedVideo], str], schema: pa.Schema
) -> pa.Table:
    """Return rows with the media cells that are published, in the columns and with the metadata of `schema`.

    Mode `none` empties the cells, `reference` gives what `reference` returns for a video, `embed` the videos' bytes.
    With `packed` videos are found by other ways and their cells are empty.
    Images are embedded unless the mode is `none`: the viewer shows no others.
    """
    files = published_videos(table) if mode in ("reference", "embed") else [None] * len(table)
    videos = [_video_cell(file, mode, reference) for file in files]
    cells: dict[str, list[Any]] = {
        "video": videos,
        "videos": [video and [video] for video in videos],
        "image": [_image_cell(cell, mode) for cell in table["image"].to_pylist()],
    }
    return as_stored(table, schema, cells)


def as_stored(table: pa.Table, schema: pa.Schema, cells: Mapping[str, list[Any]] = MappingProxyType({})) -> pa.Table:
    """Return a table in a schema, with other cells in some columns; what the schema has no type for is null in all."""
    columns = [
        pa.array(cells[field.name], type=field.type)
        if field.name in cells
        else pa.nulls(len(table))
        if pa.types.is_null(field.type)
        else table[field.name].cast(field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _video_cell(
    file: PublishedVideo | None, mode: VideoMode, reference: Callable[[PublishedVideo], str]
) -> dict[str, Any] | None:
    if file is None:
        return None
    if mode == "reference":
        return {"bytes": None, "path": reference(file)}
    _, pool, _, name = file.path.split("/")
    return {"bytes": _content(file.location), "path": f"{pool}/{name}"}


def _image_cell(cell: dict[str, Any] | None, mode: VideoMode) -> dict[str, Any] | None:
    if cell is None or mode == "none":
        return None
    if cell["bytes"] is not None:
        return cell
    return {"bytes": image_bytes(cell), "path": PurePosixPath(cell["path"].partition("::")[0]).name}


def image_bytes(cell: Mapping[str, Any]) -> bytes:
    """Return the image of a cell, wherever it is."""
    content: bytes | None = cell["bytes"]
    return _content(cell["path"]) if content is None else content


def _content(location: str) -> bytes:
    try:
        with open_binary(location) as handle:
            content = handle.read()
    except OSError as error:
        raise MissingMediaError(f"{location} cannot be read for publishing: {error}") from error
    check_head(location, content)
    return content
