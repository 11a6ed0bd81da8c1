"""The files under a root, found by the names they may have there."""

from __future__ import annotations

import fnmatch
import functools
import glob
import os
import re
from pathlib import PurePosixPath

from video_sft._places import COMPRESSIONS, exists, files_under, is_remote, join, uncompressed
from video_sft.errors import MissingFileError, one_line

__all__ = ["FileTree", "is_pattern"]

_MOST_FOLDERS = 200
_SHARD = re.compile(r"(?P<before>.*)-(?P<number>\d+)-of-(?P<count>\d+)(?P<after>\D[^/]*)")
#: File systems that answer one listing faster than many questions.
_LISTED = ("zip://", "hf://")
#: File systems that cannot be listed.
_UNLISTED = ("http://", "https://")


def is_pattern(name: str) -> bool:
    """Return whether a name stands for several files, such as `data/test-*.parquet`."""
    return "*" in name


class FileTree:
    """A folder, the inside of a zip, or a URL that files lie under.

    A file may be compressed. Where the root is a folder of the tree meant, such as its `video/`, names are understood
    from there: `video/caption/x/train.json` is then `caption/x/train.json`.
    """

    def __init__(self, root: str) -> None:
        """Take a root as `video_sft._places.root_of` returns it."""
        self.root = root
        inner = root.partition("::")[0].partition("://")[2] if is_remote(root) else root.replace(os.sep, "/")
        self._above = tuple(inner.strip("/").split("/"))

    def find(self, name: str) -> tuple[str, ...]:
        """Return the locations of the files that have a name or, where it is a pattern, fit it.

        Raises:
            MissingFileError: of files that are numbered `-00000-of-00002` some are missing.
        """
        for relative in self._relative(name):
            found = self._matching(relative) if is_pattern(relative) else self._compressed(relative)
            if found:
                _check_shards(found)
                return tuple(join(self.root, each) for each in found)
        return ()

    def folders(self) -> list[str]:
        """Return the names of the folders right inside."""
        if (listing := self._listing) is not None:
            return sorted({path.partition("/")[0] for path in listing if "/" in path})[:_MOST_FOLDERS]
        if not is_remote(self.root):
            with os.scandir(self.root) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir() and entry.name[0] != ".")
            return names[:_MOST_FOLDERS]
        return []

    def inside(self, folder: str) -> FileTree:
        """Return the tree of a folder."""
        tree = FileTree(join(self.root, folder))
        if (listing := self._listing) is not None:
            start = f"{folder}/"
            tree.__dict__["_listing"] = {path[len(start) :] for path in listing if path.startswith(start)}
        return tree

    def _relative(self, name: str) -> list[str]:
        parts = name.split("/")
        ends = [count for count in range(1, len(parts)) if self._above[-count:] == tuple(parts[:count])]
        return [name, *("/".join(parts[count:]) for count in ends)]

    def _compressed(self, relative: str) -> list[str]:
        names = (relative, *(relative + suffix for suffix in COMPRESSIONS))
        if (listing := self._listing) is not None:
            return [name for name in names if name in listing][:1]
        wanted = names[:1] if self.root.startswith(_UNLISTED) else names
        return next(([name] for name in wanted if exists(join(self.root, name))), [])

    def _matching(self, pattern: str) -> list[str]:
        depth = pattern.count("/")
        if (listing := self._listing) is not None:
            names = [name for name in listing if name.count("/") == depth]
        elif is_remote(self.root):
            return []
        else:
            found = glob.glob(os.path.join(glob.escape(self.root), *f"{pattern}*".split("/")))
            names = [os.path.relpath(path, self.root).replace(os.sep, "/") for path in found if os.path.isfile(path)]
        return sorted(name for name in names if fnmatch.fnmatchcase(uncompressed(name), pattern))

    @functools.cached_property
    def _listing(self) -> set[str] | None:
        """The paths of all files, relative; None where files are asked for one by one."""
        if not self.root.startswith(_LISTED):
            return None
        try:
            return set(files_under(self.root))  # without a depth, which would have each folder listed by itself
        except FileNotFoundError as error:
            raise MissingFileError(f"{self.root} is not there: {one_line(error)}") from error


def _check_shards(found: list[str]) -> None:
    shards = [match for match in map(_SHARD.fullmatch, map(uncompressed, found)) if match]
    if not shards:
        return
    first = shards[0]
    count, width = int(first["count"]), len(first["number"])
    there = {int(match["number"]) for match in shards}
    missing = [number for number in range(min(count, 100_000)) if number not in there]
    if missing or any(match["count"] != first["count"] for match in shards):
        absent = [f"{first['before']}-{number:0{width}}-of-{first['count']}{first['after']}" for number in missing[:3]]
        names = ", ".join(PurePosixPath(name).name for name in absent) or "files of two numberings lie side by side"
        raise MissingFileError(f"{first['before']}-*: of {count} files not all are there: {names}. Get them too")
