"""A prepared root as a place of media: which of its files answers for a row, by its manifest."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._media.pool_places import archive_root
from video_sft._places import is_remote
from video_sft._rows.schema import clip_name
from video_sft.preparing._manifest import is_prepared, read_manifest
from video_sft.preparing._storage import location_in, root_text
from video_sft.video._fragment import cut_url

__all__ = ["PreparedPlace", "RowPart", "is_prepared_place", "prepared_place"]

#: The video of a row and the part of it the row is about: `video_id`, start and stop in seconds.
RowPart = tuple[str | None, float | None, float | None]
_COLUMNS = (
    *("video_id", "video_path", "start", "stop", "location", "timeline_offset", "duration", "original_duration"),
    "error",
)
_SAME_MOMENT = 1e-6
#: A file that is shorter than its original by less than this is all of it.
_ROUNDED_SECONDS = 0.05


class PreparedPlace:
    """The videos of a prepared root, all pools of them; picklable.

    A row's part is answered by the smallest prepared part that holds all of it. Videos are recognised by `video_path`,
    and those that are no clip of another by `video_id` too: sources write one video's path in several ways.

    Args:
        root: with a manifest in it.

    Attributes:
        shown: the root, as messages name it.
        failed: why parts that were asked for could not be prepared, by their video.

    Raises:
        MissingMediaError: there is no manifest.
        BrokenFileError: it cannot be read.
    """

    def __init__(self, root: str) -> None:
        self.shown = root
        self.failed: dict[str, str] = {}
        table = read_manifest(root, _COLUMNS)
        table = table.filter(pc.or_(table["location"].is_valid(), table["error"].is_valid()))
        self._columns = {
            name: pa.concat_arrays(table[name].chunks or [pa.array([], table[name].type)]) for name in _COLUMNS
        }
        self._starts = _filled(self._columns["start"], -np.inf)
        self._starts[self._starts <= 0] = -np.inf
        self._stops = _filled(self._columns["stop"], np.inf)
        named = zip(*(self._columns[name].to_pylist() for name in ("video_id", "video_path")), strict=True)
        keys = [(_key(name), row) for row, each in enumerate(named) for name in _names(*each)]
        ordered = np.array(keys, np.int64).reshape(-1, 2)
        self._keys, self._rows = ordered[np.argsort(ordered[:, 0], kind="stable")].T

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def example(self) -> str | None:
        """One of the videos, for messages."""
        return self._cell("video_path", 0) or self._cell("video_id", 0) if len(self) else None

    def videos(self) -> Iterator[tuple[str, str]]:
        """Yield every file that is there, after the name of its video."""
        for row in range(len(self)):
            name = self._cell("video_path", row) or self._cell("video_id", row)
            if name and self._cell("location", row) is not None:
                yield name, self._location(row)

    def find(self, video_path: str, part: RowPart) -> str | None:
        """Return where the file is that has a part of a video, with its offset; None where there is none.

        Args:
            video_path: of the row, with its pool.
            part: of the row.
        """
        video_id, start, stop = part
        rows = list(self._named(video_path))
        if not rows and video_id and not clip_name(video_id, video_path):
            rows = list(self._named(video_id))
        first = -np.inf if start is None or start <= 0 else start
        last = np.inf if stop is None else stop
        holding = [
            row for row in rows if self._starts[row] <= first + _SAME_MOMENT and self._stops[row] >= last - _SAME_MOMENT
        ]
        there = [row for row in holding if self._cell("location", row) is not None]
        if not there:
            if holding:
                self.failed[video_path] = self._cell("error", holding[0])
            return None
        row = min(there, key=lambda row: self._stops[row] - self._starts[row])
        return self._location(row)

    def _location(self, row: int) -> str:
        location = location_in(self.shown, self._cell("location", row))
        lengths = self._cell("duration", row), self._cell("original_duration", row)
        part = None not in lengths and lengths[0] < lengths[1] - _ROUNDED_SECONDS
        return cut_url(location, self._cell("timeline_offset", row) or 0.0, part=part)

    def _named(self, name: str) -> Iterator[int]:
        key = _key(name)
        place = int(np.searchsorted(self._keys, key))
        while place < len(self._keys) and self._keys[place] == key:
            row = int(self._rows[place])
            if name in _names(self._cell("video_id", row), self._cell("video_path", row)):
                yield row
            place += 1

    def _cell(self, column: str, row: int) -> Any:
        return self._columns[column][row].as_py()


def prepared_place(given: str | os.PathLike[str], known: dict[str, PreparedPlace]) -> PreparedPlace | None:
    """Return a place as a prepared root; None where it is none. Each root is read once, and is then `known`."""
    root = root_text(given)
    if root not in known:
        if not is_prepared_place(given):
            return None
        known[root] = PreparedPlace(root)
    return known[root]


def is_prepared_place(given: str | os.PathLike[str]) -> bool:
    """Return whether a place of media is a prepared root, rather than a folder of videos, or an archive."""
    text = os.fspath(given)
    if "::" in text or archive_root(text) is not None:
        return False
    return (is_remote(text) or os.path.isdir(os.path.expanduser(text))) and is_prepared(text)


def _names(video_id: str | None, video_path: str | None) -> set[str]:
    """Return what rows may call a video: its path, and its id unless it is a clip of the video of that id."""
    named_by_id = video_id is not None and not clip_name(video_id, video_path)
    return {name for name in (video_path, video_id if named_by_id else None) if name}


def _key(name: str) -> int:
    return zlib.crc32(name.encode("utf-8", "surrogatepass"))


def _filled(column: pa.Array, instead: float) -> npt.NDArray[np.float64]:
    return np.array(column.fill_null(instead).to_numpy(zero_copy_only=False), np.float64)
