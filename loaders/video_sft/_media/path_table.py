"""Paths by what those that may be one item have in common: millions of them, in little more memory than their text."""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from video_sft._media.youtube_clips import clip_key
from video_sft._sources.pool import Pool
from video_sft._suffixes import without_suffix

__all__ = ["PathTable"]


class PathTable:
    """Paths of several roots; picklable.

    Args:
        pool: how its files are recognised: by name, or by name and folder.
        folders: whether the paths are of folders, which have no suffix.
    """

    def __init__(self, pool: Pool, *, folders: bool = False) -> None:
        self._pool = pool
        self._folders = folders
        self._text = bytearray()  # every path, with a zero behind it
        self._starts = array("Q")
        self._keys = array("I")
        self._roots = array("Q")  # where the paths of each root begin
        self._order: tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint64]] | None = None
        self._bare: PathTable | None = None

    def add(self, plain: str, number: int, path: str) -> None:
        """Add a path within a root, whose number is not below those of paths added before; `plain` has no suffix."""
        self._keys.append(zlib.crc32(self._key(plain).encode("utf-8", "surrogatepass")))
        while len(self._roots) <= number:
            self._roots.append(len(self._text))
        self._starts.append(len(self._text))
        self._text += path.encode("utf-8", "surrogatepass") + b"\0"
        self._order = None

    def candidates(self, plain: str) -> Iterator[tuple[int, str]]:
        """Yield the paths that may be an item, each with the number of its root; a few of them may be others."""
        if not self._by_name and "/" not in plain:
            yield from self._bare_names().candidates(plain)
            return
        if self._order is None:
            keys = np.asarray(self._keys)
            order = np.argsort(keys, kind="stable")
            self._order = keys[order], np.asarray(self._starts)[order]
        keys, starts = self._order
        key = np.uint32(zlib.crc32(self._key(plain).encode("utf-8", "surrogatepass")))
        place = int(np.searchsorted(keys, key))
        while place < len(keys) and keys[place] == key:
            yield self._entry(int(starts[place]))
            place += 1

    def _entry(self, start: int) -> tuple[int, str]:
        path = self._text[start : self._text.index(0, start)].decode("utf-8", "surrogatepass")
        number = len(self._roots) - 1
        while self._roots[number] > start:
            number -= 1
        return number, path

    @property
    def _by_name(self) -> bool:
        return self._pool.unique_names or self._pool.youtube_clips

    def _bare_names(self) -> PathTable:
        """Return the same paths by their names alone, for items that have no folder where the others do."""
        if self._bare is None:
            self._bare = PathTable(Pool(name="names", unique_names=True, ignore_case=self._pool.ignore_case))
            for start in self._starts:
                number, path = self._entry(start)
                self._bare.add(path if self._folders else without_suffix(path), number, path)
        return self._bare

    def _key(self, plain: str) -> str:
        folder, _, name = plain.rpartition("/")
        if self._pool.youtube_clips:
            name = clip_key(name)
        elif not self._by_name and folder:
            name = f"{folder.rpartition('/')[2]}/{name}"
        return name.casefold() if self._pool.ignore_case else name
