"""Giving rows their videos and images: from `video_path` to a file in the user's pools."""

from __future__ import annotations

import functools
import hashlib
import logging
import os
from array import array
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import datasets
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._datasets import fingerprint_of, without_indices
from video_sft._media.index import MediaIndex, MediaIndexes
from video_sft._media.prepared import PreparedPlace
from video_sft._near_names import check_one_of
from video_sft._rows.schema import features
from video_sft._sources.registry import find_pool
from video_sft._suffixes import SUFFIXES, MediaKind
from video_sft.errors import MissingMediaError
from video_sft.video._fragment import clip_url

__all__ = ["MISSING_POLICIES", "Location", "MediaPlaces", "MediaPools", "MissingPolicy", "failures", "index_pools"]

logger = logging.getLogger("video_sft")

Location = str | os.PathLike[str]
MediaPlaces = Mapping[str, Location | Sequence[Location]]
MissingPolicy = Literal["null", "skip", "error"]
MISSING_POLICIES: tuple[MissingPolicy, ...] = ("null", "skip", "error")
_COLUMNS: tuple[MediaKind, ...] = ("video", "image")
_BATCH_ROWS = 8_192
_EXAMPLES, _REASONS = 10, 3
#: Paths of videos for certain; GIFs may be images, and paths without a suffix anything.
_VIDEO_PATH = rf"(?i)\.({'|'.join(suffix for suffix in SUFFIXES['video'] if suffix != 'gif')})$"


class Tally:
    """How many items were asked for and found, by distinct path.

    Attributes:
        rows: rows with media.
        rows_found: rows whose media are there.
        examples: the first paths that were not found.
        pools: the pools of those.
    """

    def __init__(self) -> None:
        self.rows = self.rows_found = 0
        self.examples: list[str] = []
        self.pools: set[str] = set()
        # Paths are counted by hash: all of them as text would be most of what attaching takes.
        self._wanted, self._missing = array("q"), array("q")

    def add(self, paths: Sequence[str], codes: npt.NDArray[np.int32], there: npt.NDArray[np.bool_]) -> None:
        """Count rows by their distinct paths, the number of each row's path or -1, and which have found theirs."""
        self.rows += int(np.count_nonzero(codes >= 0))
        self.rows_found += int(np.count_nonzero(there))
        self._wanted.extend(map(hash, paths))
        for code in np.unique(codes[(codes >= 0) & ~there]).tolist():
            self._missing.append(hash(paths[code]))
            self.pools.add(paths[code].partition("/")[0])
            if len(self.examples) < _EXAMPLES and paths[code] not in self.examples:
                self.examples.append(paths[code])

    @property
    def wanted(self) -> int:
        """How many distinct paths the rows have."""
        return _distinct(self._wanted)

    @property
    def missing(self) -> int:
        """How many of them were not found."""
        return _distinct(self._missing)


def _distinct(numbers: array[int]) -> int:
    ordered = np.sort(np.asarray(numbers))
    return int(np.count_nonzero(np.diff(ordered))) + bool(len(ordered))


class MediaPools:
    """Where the user keeps each pool's files, and what to do about files that are not there.

    Args:
        media: by pool a place, or several: a folder, a zip or plain tar, the first piece of one that was split, or an
            fsspec URL of these; `frames://fps=2::` in front states the rate of folders of frames. Or a prepared root.
        missing: `null` leaves the cell empty, `skip` leaves the row out, `error` stops.

    Raises:
        ConfigError: `missing` is none of these.
        MissingMediaError: a folder, zip or URL is not there.
    """

    def __init__(self, media: MediaPlaces, *, missing: MissingPolicy = "null") -> None:
        check_one_of("missing", missing, MISSING_POLICIES)
        self.missing = missing
        self._indexes = index_pools(media)
        self._told = False

    def attach(self, dataset: datasets.Dataset, name: str) -> datasets.Dataset:
        """Return a dataset with its `video` and `image` cells filled, and one line logged on how many were found.

        Args:
            dataset: rows of the shared schema; its other columns stay where they are, memory-mapped.
            name: what messages call it.

        Raises:
            MissingMediaError: under `missing="error"`; names the first ten and what to do.
        """
        dataset = without_indices(dataset)
        columns, there, tally = self._resolve(dataset.data.table)
        self._tell(tally, name)
        order, shapes = dataset.column_names, features()
        digest = hashlib.blake2b(fingerprint_of(dataset).encode(), digest_size=8)
        for kind, column in columns.items():
            for chunk in column.chunks:
                for buffer in chunk.field("path").buffers():
                    digest.update(buffer or b"")
            fingerprint = digest.hexdigest()
            dataset = dataset.remove_columns(kind)
            dataset = dataset.add_column(kind, column, new_fingerprint=fingerprint, feature=shapes[kind])
        dataset = dataset.select_columns(order).cast_column("video", shapes["video"])
        return dataset if self.missing != "skip" or there.all() else dataset.select(np.flatnonzero(there))

    def attach_table(self, table: pa.Table, name: str) -> pa.Table:
        """Return a batch of rows with its `video` and `image` cells filled; for streams, so little is logged.

        Raises:
            MissingMediaError: under `missing="error"`.
        """
        columns, there, tally = self._resolve(table)
        if self.missing == "error" or (tally.rows and not tally.rows_found and not self._told):
            self._told = True
            self._tell(tally, f"{name}, {table.num_rows:,} rows of the stream")
        for kind, column in columns.items():
            place = table.schema.get_field_index(kind)
            table = table.set_column(place, table.schema.field(place), column)
        return table if self.missing != "skip" or there.all() else table.filter(pa.array(there))

    def _resolve(self, table: pa.Table) -> tuple[dict[MediaKind, pa.ChunkedArray], npt.NDArray[np.bool_], Tally]:
        """Return the new columns of rows, which rows lack nothing, and the counts.

        Some thousand rows are looked up at a time: nothing but the new cells is held for all of them.
        """
        chunks: dict[MediaKind, list[pa.Array]] = {kind: [] for kind in _COLUMNS}
        there: list[npt.NDArray[np.bool_]] = []
        tally = Tally()
        for start in range(0, len(table), _BATCH_ROWS):
            batch = table.slice(start, _BATCH_ROWS)
            encoded = _combined(batch["video_path"]).dictionary_encode()
            images = _rows_with_images(encoded, batch["messages"])
            codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
            paths = encoded.dictionary.to_pylist()
            cells: dict[MediaKind, list[str | None]] = {}
            for kind in _COLUMNS:
                own = np.where(images == (kind == "image"), codes, -1)
                if kind == "video" and self._indexes.by_part:
                    cells[kind] = self._by_part(batch, own, paths)
                    continue
                found = {code: self._indexes.find(paths[code], kind) for code in set(own.tolist()) - {-1}}
                cells[kind] = [found.get(code) for code in own.tolist()]
            self._cut(batch, cells["video"])
            for kind in _COLUMNS:
                chunks[kind].append(_column(cells[kind]))
            has = np.logical_or(*(chunks[kind][-1].is_valid().to_numpy(zero_copy_only=False) for kind in _COLUMNS))
            tally.add(paths, codes, has)
            there.append((codes < 0) | has)
        whole = np.concatenate(there) if there else np.zeros(0, dtype=np.bool_)
        return {kind: pa.chunked_array(own, _storage()) for kind, own in chunks.items()}, whole, tally

    def _by_part(self, batch: pa.Table, codes: npt.NDArray[np.int32], paths: Sequence[str]) -> list[str | None]:
        """Look up the video of each row that has a path, whose number is given, with the part the row is about."""
        parts = zip(*(batch[name].to_pylist() for name in ("video_id", "start_seconds", "stop_seconds")), strict=True)
        wanted = list(zip(codes.tolist(), parts, strict=True))
        found = {each: self._indexes.find(paths[each[0]], "video", each[1]) for each in set(wanted) if each[0] >= 0}
        return [found.get(each) for each in wanted]

    def _cut(self, batch: pa.Table, cells: list[str | None]) -> None:
        """Add each row's start and stop to its path, unless the user has the clip already cut."""
        if all(batch[name].null_count == len(batch) for name in ("start_seconds", "stop_seconds")):
            return
        limits = [_combined(batch[name]) for name in ("start_seconds", "stop_seconds")]
        rows = np.flatnonzero(pc.or_(*(limit.is_valid() for limit in limits)).to_numpy(zero_copy_only=False))
        starts, stops = (limit.take(pa.array(rows)).to_pylist() for limit in limits)
        cutting = self._indexes.cut_by_row
        ids = _combined(batch["id"]).take(pa.array(rows)).to_pylist() if cutting else [""] * len(rows)
        for row, name, start, stop in zip(rows.tolist(), ids, starts, stops, strict=True):
            cut = self._indexes.find_cut(name) if cutting else None
            if cut is not None:
                cells[row] = cut
            elif (cell := cells[row]) is not None:
                cells[row] = clip_url(cell, start, stop)

    def _tell(self, tally: Tally, name: str) -> None:
        wanted, missing = tally.wanted, tally.missing
        rows = f"{tally.rows_found:,} of {tally.rows:,} rows"
        line = f"{name}: {wanted - missing:,} of {wanted:,} media files found, for {rows}"
        rates = "".join(map(_rate_note, self._indexes.values()))
        if not missing:
            logger.log(logging.WARNING if "not known" in rates else logging.INFO, "%s%s", line, rates)
            return
        first = ", ".join(tally.examples) + (", ..." if missing > len(tally.examples) else "")
        places = "; ".join(_advice(pool, self._indexes.get(pool)) for pool in sorted(tally.pools))
        if self.missing == "error":
            remedy = "Add the files, or load with missing='null' or missing='skip'"
            raise MissingMediaError(f"{line}. Missing: {first}. {places}. {remedy}")
        done = "the cells of the others are null" if self.missing == "null" else "the rows of the others are left out"
        remedy = "" if tally.rows_found else ". Is there another place that has them? media={POOL: PLACE} names it"
        logger.warning("%s; %s%s. Missing: %s. %s%s", line, done, rates, first, places, remedy)


def _advice(pool: str, index: MediaIndex | None) -> str:
    where = find_pool(pool).where
    source = f", to be had from {where}" if where else ""
    if index is None:
        return f"No folder was given for the pool {pool!r} (media={{{pool!r}: ...}}){source}"
    example = f", such as {index.example}" if index.example else ""
    looked = f"The pool {pool!r} was looked for among {index.size:,} files in {', '.join(index.roots)}{example}"
    return f"{looked}{source}{index.notes.sentences()}{failures(index)}"


def failures(index: MediaIndex) -> str:
    """Say which of the videos that were asked for could not be prepared, and why; to follow a sentence without stop."""
    failed = {path: why for place in index.prepared for path, why in place.failed.items()}
    if not failed:
        return ""
    shown = "; ".join(f"{path}: {why}" for path, why in list(failed.items())[:_REASONS])
    more = f"; and {len(failed) - _REASONS:,} more" if len(failed) > _REASONS else ""
    return f". Could not be prepared: {shown}{more}"


def _rate_note(index: MediaIndex) -> str:
    """Say at which rate folders of frames are taken, where there are any."""
    told = ""
    for rate, guessed in index.rates.items():
        known = ", which is not known to be theirs" if guessed else ""
        told += f"; folders of frames of the pool {index.pool.name!r} are taken at {rate:g} frames a second{known} "
        told += f"(media={{{index.pool.name!r}: 'frames://fps=RATE::FOLDER'}} states another rate)"
    return told


def index_pools(media: MediaPlaces) -> MediaIndexes:
    """List the files of each pool; a place that is not there is a `MissingMediaError`."""
    given = {pool: [places] if isinstance(places, (str, os.PathLike)) else places for pool, places in media.items()}
    known: dict[str, PreparedPlace] = {}
    return MediaIndexes({pool: MediaIndex(find_pool(pool), places, known) for pool, places in given.items()})


@functools.cache
def _storage() -> pa.StructType:
    return features()["video"].pa_type


def _combined(column: pa.ChunkedArray) -> Any:
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def _rows_with_images(paths: pa.DictionaryArray, column: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Return for each row whether its media part is an image; messages are read where paths do not tell."""
    if pc.all(pc.match_substring_regex(paths.dictionary, _VIDEO_PATH)).as_py() in (True, None):
        return np.zeros(len(column), dtype=np.bool_)
    return np.concatenate([_image_rows(chunk) for chunk in column.chunks])


def _image_rows(messages: pa.ListArray) -> npt.NDArray[np.bool_]:
    """Read the kinds of the parts of messages, and nothing of their text."""
    content = messages.flatten().field("content")
    kinds = content.flatten().field("type")
    parts = np.flatnonzero(pc.fill_null(pc.equal(kinds, "image"), False).to_numpy(zero_copy_only=False))
    turn_ends = np.cumsum(content.value_lengths().fill_null(0).to_numpy())
    row_ends = np.cumsum(messages.value_lengths().fill_null(0).to_numpy())
    turns = np.searchsorted(turn_ends, parts, side="right")
    images = np.zeros(len(messages), dtype=np.bool_)
    images[np.searchsorted(row_ends, turns, side="right")] = True
    return images


def _column(cells: Sequence[str | None]) -> pa.StructArray:
    """Return cells as `datasets.Video` stores them, in buffers of just their size, as they stay for good."""
    if not any(cells):
        return _nulls(len(cells), _storage())
    texts = [b"" if cell is None else cell.encode() for cell in cells]
    offsets = np.cumsum([0, *map(len, texts)], dtype=np.int32)
    valid = np.packbits([cell is not None for cell in cells], bitorder="little")
    buffers = [pa.py_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(b"".join(texts))]
    paths = pa.Array.from_buffers(pa.string(), len(cells), buffers)
    no_bytes = _nulls(len(cells), pa.binary())
    return pa.StructArray.from_arrays([no_bytes, paths], fields=list(_storage()), mask=paths.is_null())


@functools.lru_cache(maxsize=4)
def _nulls(count: int, kind: pa.DataType) -> Any:
    return pa.nulls(count, kind)
