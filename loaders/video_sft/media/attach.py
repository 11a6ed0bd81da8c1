"""Giving rows their videos and images: from `video_path` to a file in the user's pools."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._datasets import fingerprint_of, without_indices
from video_sft.errors import ConfigError, MissingMediaError
from video_sft.locations import root_of
from video_sft.media.index import MediaIndex, Modality
from video_sft.media.pools import find_pool
from video_sft.rows import features
from video_sft.video.fragment import clip_url

__all__ = ["MISSING_POLICIES", "Location", "Media", "MediaPools", "MissingPolicy"]

logger = logging.getLogger("video_sft")

Location = str | os.PathLike[str]
Media = Mapping[str, Location | Sequence[Location]]
MissingPolicy = Literal["null", "skip", "error"]
MISSING_POLICIES: tuple[MissingPolicy, ...] = ("null", "skip", "error")
_COLUMNS: tuple[Modality, ...] = ("video", "image")


@dataclass
class Tally:
    """How many items were asked for and found, by distinct path.

    Attributes:
        wanted: distinct media paths of the rows.
        found: how many of them are there.
        rows: rows with media.
        rows_found: rows whose media are there.
        missing: the paths not found, in order.
    """

    wanted: int = 0
    found: int = 0
    rows: int = 0
    rows_found: int = 0
    missing: tuple[str, ...] = ()


class MediaPools:
    """Where the user keeps each pool's files, and what to do about files that are not there.

    Args:
        media: by pool, a folder, a zip or an fsspec URL of either, or several of them.
        missing: `null` leaves the cell empty, `skip` leaves the row out, `error` stops.

    Raises:
        ConfigError: `missing` is none of these.
        MissingMediaError: a folder, zip or URL is not there.
    """

    def __init__(self, media: Media, *, missing: MissingPolicy = "null") -> None:
        if missing not in MISSING_POLICIES:
            raise ConfigError(f"missing is {missing!r}; it is one of {', '.join(MISSING_POLICIES)}")
        self.missing = missing
        self._indexes = {pool: MediaIndex(find_pool(pool), _roots(places)) for pool, places in media.items()}

    def attach(self, dataset: datasets.Dataset, name: str) -> datasets.Dataset:
        """Return a dataset with its `video` and `image` cells filled, and one line logged on how many were found.

        Args:
            dataset: rows of the shared schema; its other columns stay where they are, memory-mapped.
            name: what messages call it.

        Raises:
            MissingMediaError: under `missing="error"`; names the first ten and what to do.
        """
        dataset = without_indices(dataset)
        columns, keep, tally = self._resolve(dataset.data.table)
        self._tell(tally, name)
        order, shapes = dataset.column_names, features()
        digest = hashlib.blake2b(fingerprint_of(dataset).encode(), digest_size=8)
        for kind, column in columns.items():
            for buffer in column.field("path").buffers():
                digest.update(buffer or b"")
            fingerprint = digest.hexdigest()
            dataset = dataset.remove_columns(kind)
            dataset = dataset.add_column(kind, column, new_fingerprint=fingerprint, feature=shapes[kind])
        dataset = dataset.select_columns(order).cast_column("video", shapes["video"])
        return dataset if keep.all() else dataset.select(np.flatnonzero(keep))

    def attach_table(self, table: pa.Table, name: str) -> pa.Table:
        """Return a batch of rows with its `video` and `image` cells filled; for streams, so nothing is logged.

        Raises:
            MissingMediaError: under `missing="error"`.
        """
        columns, keep, tally = self._resolve(table)
        if self.missing == "error":
            self._tell(tally, name)
        for kind, column in columns.items():
            place = table.schema.get_field_index(kind)
            table = table.set_column(place, table.schema.field(place), column)
        return table if keep.all() else table.filter(pa.array(keep))

    def _resolve(self, table: pa.Table) -> tuple[dict[Modality, pa.StructArray], npt.NDArray[np.bool_], Tally]:
        paths = _combined(table["video_path"]).dictionary_encode()
        unique = paths.dictionary.to_pylist()
        codes = paths.indices.fill_null(-1).to_numpy()
        images = _rows_with_images(_combined(table["messages"]))
        found: dict[Modality, list[str | None]] = {}
        for kind in _COLUMNS:
            wanted = set(codes[images if kind == "image" else ~images].tolist())
            found[kind] = [self._find(path, kind) if code in wanted else None for code, path in enumerate(unique)]
        cells = _cells(found["video"], np.where(images, -1, codes)), _cells(found["image"], np.where(images, codes, -1))
        has_media = codes >= 0
        videos = self._clips(table, cells[0])
        either = zip(videos, cells[1], strict=True)
        there = np.array([video is not None or image is not None for video, image in either], dtype=np.bool_)
        tally = _tally(unique, codes, has_media, there)
        keep = ~has_media | there if self.missing == "skip" else np.ones(len(codes), dtype=np.bool_)
        return {"video": _column(videos), "image": _column(cells[1])}, keep, tally

    def _find(self, path: str, kind: Modality) -> str | None:
        pool, _, inside = path.partition("/")
        index = self._indexes.get(pool)
        return None if index is None else index.find(inside, kind)

    def _clips(self, table: pa.Table, cells: list[str | None]) -> list[str | None]:
        """Add each row's start and stop to its path, unless the user has the clip already cut."""
        starts, stops = table["start_seconds"], table["stop_seconds"]
        limited = pc.or_(starts.is_valid(), stops.is_valid()).to_numpy()
        cutting = [index for index in self._indexes.values() if index.pool.cut_by_row]
        for row in np.flatnonzero(limited).tolist():
            key = table["id"][row].as_py().partition("/")[2].partition("+")[0]  # of merged rows, the first one's
            cut = next((place for index in cutting if (place := index.find_cut(key)) is not None), None)
            if cut is not None:
                cells[row] = cut
            elif (cell := cells[row]) is not None:
                cells[row] = clip_url(cell, starts[row].as_py(), stops[row].as_py())
        return cells

    def _tell(self, tally: Tally, name: str) -> None:
        line = f"{name}: {tally.found:,} of {tally.wanted:,} media files found, for {tally.rows_found:,} of "
        line += f"{tally.rows:,} rows"
        if not tally.missing:
            logger.info(line)
            return
        first = ", ".join(tally.missing[:10]) + (", ..." if len(tally.missing) > 10 else "")
        pools = sorted({path.partition("/")[0] for path in tally.missing})
        places = "; ".join(_advice(pool, self._indexes.get(pool)) for pool in pools)
        if self.missing == "error":
            remedy = "Add the files, or load with missing='null' or missing='skip'"
            raise MissingMediaError(f"{line}. Missing: {first}. {places}. {remedy}")
        done = "their cells are null" if self.missing == "null" else "their rows are left out"
        logger.warning("%s; %s. Missing: %s. %s", line, done, first, places)


def _advice(pool: str, index: MediaIndex | None) -> str:
    where = find_pool(pool).where
    source = f", to be had from {where}" if where else ""
    if index is None:
        return f"No folder was given for the pool {pool!r} (media={{{pool!r}: ...}}){source}"
    return f"The pool {pool!r} was looked for among {index.size:,} files in {', '.join(index.roots)}{source}"


def _roots(places: Location | Sequence[Location]) -> list[str]:
    return [root_of(place) for place in ([places] if isinstance(places, (str, os.PathLike)) else places)]


def _combined(column: pa.ChunkedArray) -> Any:
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def _rows_with_images(messages: pa.ListArray) -> npt.NDArray[np.bool_]:
    """Return for each row whether its media part is an image."""
    content = messages.flatten().field("content")
    kinds = content.flatten().field("type")
    parts = np.flatnonzero(pc.fill_null(pc.equal(kinds, "image"), False).to_numpy(zero_copy_only=False))
    turn_ends = np.cumsum(content.value_lengths().fill_null(0).to_numpy())
    row_ends = np.cumsum(messages.value_lengths().fill_null(0).to_numpy())
    turns = np.searchsorted(turn_ends, parts, side="right")
    images = np.zeros(len(messages), dtype=np.bool_)
    images[np.searchsorted(row_ends, turns, side="right")] = True
    return images


def _cells(found: Sequence[str | None], codes: npt.NDArray[np.int32]) -> list[str | None]:
    return [None if code < 0 else found[code] for code in codes.tolist()]


def _column(paths: list[str | None]) -> pa.StructArray:
    storage = features()["video"].pa_type
    text = pa.array(paths, type=pa.string())
    empty = pa.nulls(len(paths), pa.binary())
    return pa.StructArray.from_arrays([empty, text], fields=list(storage), mask=text.is_null())


def _tally(
    unique: Sequence[str],
    codes: npt.NDArray[np.int32],
    has_media: npt.NDArray[np.bool_],
    there: npt.NDArray[np.bool_],
) -> Tally:
    lacking = set(codes[has_media & ~there].tolist())
    missing = tuple(path for code, path in enumerate(unique) if code in lacking)
    rows_found = int(np.count_nonzero(has_media & there))
    return Tally(len(unique), len(unique) - len(missing), int(np.count_nonzero(has_media)), rows_found, missing)
