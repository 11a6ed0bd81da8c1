"""The manifest of a prepared root: one row for each part of a video that was prepared, or why it was not.

It lies in `manifest/` as Parquet, one part for each shard of the work, each written whole. A row answers for all of its
video between `start` and `stop`; several rows of a dataset may lie within one row of the manifest.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from video_sft._places import files_under, join, open_binary
from video_sft.errors import BrokenFileError, ConfigError, MissingMediaError, one_line
from video_sft.preparing._storage import put_bytes, root_text

__all__ = [
    "SCHEMA",
    "is_prepared",
    "manifest_parts",
    "part_name",
    "read_manifest",
    "read_part",
    "table_of",
    "write_part",
]

FOLDER = "manifest"
#: Columns of every part, whatever is in it: a part without one error has an `error` column of strings all the same.
SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),  # of the rows
        ("start", pa.float64()),  # seconds of the original; null is its beginning
        ("stop", pa.float64()),  # null is its end
        ("location", pa.string()),  # within the root, see `location_in`; null where nothing was written
        ("timeline_offset", pa.float64()),  # second of the original at which the file's clock shows 0
        ("duration", pa.float64()),  # of the file, in seconds
        ("fps", pa.float64()),  # frames a second, on average
        ("frames", pa.int64()),
        ("size", pa.struct([("width", pa.int32()), ("height", pa.int32())])),  # as shown
        ("sound", pa.bool_()),
        ("fingerprint", pa.string()),
        ("bytes", pa.int64()),  # of the file
        ("error", pa.string()),  # why there is no file
        ("video_path", pa.string()),  # of the rows: clips of one video have one id and several paths
        ("original", pa.string()),  # where it was read, without what grants access
        ("version", pa.string()),  # changes with the original's path, size and time of change, or ETag
        ("original_bytes", pa.int64()),
        ("original_duration", pa.float64()),
        ("original_fingerprint", pa.string()),  # of all of the original, where `fingerprint` is of a part
        ("steps", pa.string()),  # what was done, and how: JSON
        ("facts", pa.string()),  # all that is known of the file, as `video_sft._probing` keeps it: JSON
        ("note", pa.string()),  # such as why the file was left as it is
        ("made", pa.timestamp("us", tz="UTC")),
    ]
)
_KEY = ("video_id", "video_path", "start", "stop")
_PART = re.compile(r"part-(\d+)-of-(\d+)\.parquet")


def part_name(shard: tuple[int, int]) -> str:
    """Return the path of a shard's part within a root; shards are counted from 0."""
    number, count = shard
    return f"{FOLDER}/part-{number:05d}-of-{count:05d}.parquet"


def is_prepared(root: str | os.PathLike[str]) -> bool:
    """Return whether a place is a prepared root: a folder or URL with a manifest in it."""
    return bool(_parts(root_text(root)))


def read_manifest(root: str | os.PathLike[str], columns: Sequence[str] | None = None) -> pa.Table:
    """Return what is prepared in a root: of several rows on one part of a video the newest.

    Args:
        root: a folder or URL.
        columns: to read; None is all of `SCHEMA`.

    Raises:
        MissingMediaError: there is no manifest.
        BrokenFileError: a part of it cannot be read.
    """
    text = root_text(root)
    names = _parts(text)
    if not names:
        raise MissingMediaError(f"{text} is no prepared root: there is no {FOLDER}/part-….parquet in it")
    wanted = None if columns is None else {*columns, *_KEY, "made"}
    table = _newest(pa.concat_tables([read_part(text, f"{FOLDER}/{name}", wanted) for name in names]))
    return table if columns is None else table.select(list(columns))


def manifest_parts(root: str | os.PathLike[str], columns: Collection[str]) -> Iterator[pa.Table]:
    """Yield some columns of each part of a manifest, one after the other: all of it may be large.

    Raises:
        BrokenFileError: a part of it cannot be read.
    """
    text = root_text(root)
    for name in _parts(text):
        yield read_part(text, f"{FOLDER}/{name}", columns)


def read_part(root: str, relative: str, columns: Collection[str] | None = None) -> pa.Table:
    """Return one part of a manifest in the present schema, or some columns of it; those it does not have are null.

    Raises:
        BrokenFileError: it cannot be read.
        FileNotFoundError: it is not there.
    """
    place = join(root, relative)
    with open_binary(place) as file:
        data = file.read()
    try:
        file = pq.ParquetFile(io.BytesIO(data))
        schema = pa.schema([field for field in SCHEMA if columns is None or field.name in columns])
        table = file.read([name for name in schema.names if name in file.schema_arrow.names])
        found = [
            table.column(field.name).cast(field.type)
            if field.name in table.column_names
            else pa.nulls(len(table), field.type)
            for field in schema
        ]
    except (pa.ArrowException, OSError) as error:
        told = f"{place} is no part of a manifest: {one_line(error)}. Delete it, and prepare these videos again"
        raise BrokenFileError(told) from error
    return pa.table(found, schema=schema)


def table_of(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return rows as a part; what a row does not say is null, and `made` is now.

    Raises:
        ConfigError: a row has a field there is no column for.
    """
    listed = list(rows)
    unknown = {name for row in listed for name in row} - set(SCHEMA.names)
    if unknown:
        raise ConfigError(f"a manifest has no column {', '.join(sorted(unknown))}; it has {', '.join(SCHEMA.names)}")
    now = datetime.now(timezone.utc)
    return pa.Table.from_pylist([{"made": now, **row} for row in listed], schema=SCHEMA)


def write_part(root: str, shard: tuple[int, int], table: pa.Table) -> None:
    """Write a shard's part, whole; it replaces the one that is there. Only the newest row of each part is kept."""
    data = io.BytesIO()
    pq.write_table(_newest(table), data, compression="zstd")
    put_bytes(root, part_name(shard), data.getvalue())


def _newest(table: pa.Table) -> pa.Table:
    order = pc.sort_indices(table, [("made", "ascending")])
    table = table.take(order)
    places = pa.array(range(len(table)), pa.int64())
    keys = table.select(_KEY).append_column("place", places)
    kept = keys.group_by(list(_KEY), use_threads=False).aggregate([("place", "max")]).column("place_max")
    table = table.take(kept.combine_chunks()) if len(kept) < len(table) else table
    return table.sort_by([(name, "ascending") for name in _KEY]).combine_chunks()


def _parts(root: str) -> list[str]:
    try:
        found = files_under(join(root, FOLDER), 1)
    except (OSError, ValueError, ImportError):
        return []
    return sorted(name for name in found if _PART.fullmatch(name))
