"""Ranges of remote files kept on disk, so that later runs do not fetch them again."""

from __future__ import annotations

import hashlib
import os
import re
import struct
import time
import warnings
import zlib
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from video_sft._files import UNFINISHED, delete_abandoned, new_unfinished
from video_sft.errors import ConfigError

__all__ = ["RangeCache", "RangeWriter", "Shelf", "cache_ranges", "without_access"]

_FOLDER = "VIDEO_SFT_RANGE_CACHE"
_BYTES = "VIDEO_SFT_RANGE_CACHE_BYTES"
_DEFAULT_BYTES = 20 << 30

_SHELF = re.compile(r"[0-9a-f]{40}")
_RANGE = re.compile(r"(\d+)-(\d+)")
#: How earlier versions called what they were writing.
_PARTIAL = "part-"
_PARTIAL_SECONDS = 24 * 3600
#: A range lies in a file as it came, with the CRC-32 of each block behind it; raised when that changes.
_FORMAT = 2
_BLOCK = 16 << 10
_SUM = struct.Struct("<I")
#: The folder is looked through again when a process has written this part of the limit, and emptied by as much more.
_SHARE = 0.05
_PIECE = 1 << 20

#: Parts of a query that grant access rather than name a file.
_ACCESS = re.compile(
    r"x-(amz|goog)-.*|signature|sig|expires|policy|key-pair-id|awsaccesskeyid|googleaccessid|(access_|auth)?token",
    re.IGNORECASE,
)
#: The same beside a ``sig``; names too short to be taken for access elsewhere.
_ACCESS_BESIDE_SIG = frozenset(
    ["se", "sp", "sv", "sr", "st", "spr", "sip", "skoid", "sktid", "skt", "ske", "sks", "skv"]
)

#: Bytes this process wrote to each folder since it last looked it through, and the folders it cannot write to.
_written: dict[Path, int] = {}
_unwritable: set[Path] = set()


def cache_ranges(folder: str | os.PathLike[str] | None, *, max_bytes: int = _DEFAULT_BYTES) -> None:
    """Keep what is fetched of remote videos on disk, for this process and all it starts from now on.

    A new clip still asks the server for the file's first 64 KB: that shows whether one may read the file, and whether
    it is the one the ranges are of; ranges of another version are never used. So once all is on disk, the layout of a
    file costs one request and frames cost none. Files of which the server tells no version (no ``ETag`` and no time)
    are not kept. A folder that cannot be written to, or a full disk, gives a warning and is done without; what the disk
    has damaged is noticed by its checksums and fetched anew.

    Any number of processes may share a folder. The environment variables ``VIDEO_SFT_RANGE_CACHE`` and
    ``VIDEO_SFT_RANGE_CACHE_BYTES`` do the same.

    Args:
        folder: made where it is missing, and then readable by its owner alone; None keeps nothing from now on.
        max_bytes: the ranges used least recently are removed beyond so many.

    Raises:
        ConfigError: `max_bytes` is not positive.
    """
    if max_bytes <= 0:
        raise ConfigError(f"max_bytes must be positive, not {max_bytes}")
    if folder is None:
        os.environ.pop(_FOLDER, None)
        os.environ.pop(_BYTES, None)
    else:
        os.environ[_FOLDER] = str(Path(folder).expanduser().absolute())
        os.environ[_BYTES] = str(max_bytes)


class RangeCache:
    """A folder with a folder of ranges for each version of each file."""

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self.folder = folder
        self.max_bytes = max_bytes

    @classmethod
    def configured(cls) -> RangeCache | None:
        """Give the one that is turned on, if any.

        Raises:
            ConfigError: the environment gives no number of bytes.
        """
        folder, limit = os.environ.get(_FOLDER), os.environ.get(_BYTES) or str(_DEFAULT_BYTES)
        if not folder:
            return None
        if not limit.isdigit() or not int(limit):
            raise ConfigError(f"{_BYTES} must be a number of bytes, not {limit!r}")
        return cls(Path(folder).expanduser().absolute(), int(limit))

    def shelf(self, name: str, version: str) -> Shelf:
        """Give the place for the ranges of one version of a file."""
        if self.folder not in _written:
            self.sweep()
        key = hashlib.sha256(repr((_FORMAT, without_access(name), version)).encode()).hexdigest()
        return Shelf(self, self.folder / key[:40])

    def wrote(self, size: int) -> None:
        """Count what was written, and look the folder through now and then."""
        _written[self.folder] = _written.get(self.folder, 0) + size
        if _written[self.folder] >= _SHARE * self.max_bytes:
            self.sweep()

    def give_up(self, error: OSError) -> None:
        """Write no more in this process, and say so once."""
        if self.folder not in _unwritable:
            _unwritable.add(self.folder)
            reason = error.strerror or type(error).__name__
            warnings.warn(f"{self.folder}: remote ranges cannot be kept there: {reason}", stacklevel=2)

    def sweep(self) -> None:
        """Remove the ranges used least recently where there are too many bytes, and what crashed writers left."""
        _written[self.folder] = 0
        found: list[tuple[float, int, str]] = []
        for shelf in _entries(self.folder):
            if not _SHELF.fullmatch(shelf.name) or not shelf.is_dir(follow_symlinks=False):
                continue
            for entry in _entries(Path(shelf.path)):
                with suppress(OSError):
                    status = entry.stat(follow_symlinks=False)
                    if _RANGE.fullmatch(entry.name):
                        found.append((status.st_mtime, status.st_size, entry.path))
                    elif entry.name.startswith(UNFINISHED):
                        delete_abandoned(entry)
                    elif entry.name.startswith(_PARTIAL) and status.st_mtime < time.time() - _PARTIAL_SECONDS:
                        os.remove(entry.path)
            with suppress(OSError):
                os.rmdir(shelf.path)  # fails unless there is nothing in it
        total = sum(size for _, size, _ in found)
        if total <= self.max_bytes:
            return
        for _, size, path in sorted(found):
            if total <= (1 - _SHARE) * self.max_bytes:
                break
            total -= size
            with suppress(OSError):
                os.remove(path)
                os.rmdir(os.path.dirname(path))  # fails until the last range is gone


class Shelf:
    """The ranges of one version of a file, in a folder of the cache's; a range is there whole or not at all."""

    def __init__(self, cache: RangeCache, folder: Path) -> None:
        self.cache = cache
        self.folder = folder

    def ranges(self) -> list[tuple[int, int]]:
        """Return offset and end of all that is there now."""
        matches = (_RANGE.fullmatch(entry.name) for entry in _entries(self.folder))
        return [(int(match[1]), int(match[2])) for match in matches if match]

    def read(self, stored: tuple[int, int], offset: int, end: int) -> Generator[bytes, None, None]:
        """Yield a part of a range in pieces; nothing, or less, where it was removed meanwhile, or is damaged."""
        path = self.folder / f"{stored[0]}-{stored[1]}"
        size = stored[1] - stored[0]
        first, last = (offset - stored[0]) // _BLOCK, -(-(end - stored[0]) // _BLOCK)
        with suppress(OSError):
            with open(path, "rb") as file:
                if os.fstat(file.fileno()).st_size == size + -(-size // _BLOCK) * _SUM.size:
                    with suppress(OSError):  # a disk that can only be read serves as well
                        os.utime(path)
                    file.seek(size + first * _SUM.size)
                    sums = file.read((last - first) * _SUM.size)
                    file.seek(first * _BLOCK)
                    for place in range(first, last, _PIECE // _BLOCK):
                        begin = place * _BLOCK
                        piece = file.read(min(_PIECE, last * _BLOCK - begin, size - begin))
                        good = begin + _good_bytes(piece, sums[(place - first) * _SUM.size :])
                        start, stop = max(begin, offset - stored[0]), min(good, end - stored[0])
                        if start < stop:
                            yield piece[start - begin : stop - begin]
                        if good < begin + len(piece):
                            break
                    else:
                        return
            os.remove(path)


class RangeWriter:
    """Writes a range piece by piece; what came of it gets its name at the end. Never raises on a failing disk."""

    def __init__(self, shelf: Shelf, offset: int, size: int) -> None:
        self._cache, self._folder = shelf.cache, shelf.folder
        self._offset = offset
        self._size = size
        self._count = 0
        self._sums = bytearray()
        self._sum = 0
        self._path = Path()
        self._descriptor: int | None = None
        self._wanted = self._cache.folder not in _unwritable and size <= self._cache.max_bytes

    def add(self, piece: bytes | memoryview) -> None:
        """Write the next bytes; the last of those expected complete the range."""
        if not self._wanted:
            return
        try:
            if self._descriptor is None:
                self._descriptor, self._path = self._partial()
            _write(self._descriptor, piece)
            self._add_to_sums(memoryview(piece))
        except OSError as error:
            self._count = 0
            self.close()
            self._cache.give_up(error)
        if self._count >= self._size:
            self.close()

    def close(self) -> None:
        """Keep what came; nothing happens the second time."""
        self._wanted = False
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        with suppress(OSError):
            try:
                if self._count % _BLOCK:
                    self._sums += _SUM.pack(self._sum)
                _write(descriptor, self._sums)
            finally:
                os.close(descriptor)
            if self._count:
                os.replace(self._path, self._folder / f"{self._offset}-{self._offset + self._count}")
                self._cache.wrote(self._count + len(self._sums))
                return
        with suppress(OSError):
            os.remove(self._path)

    def _add_to_sums(self, view: memoryview) -> None:
        while view:
            part = view[: _BLOCK - self._count % _BLOCK]
            self._sum = zlib.crc32(part, self._sum)
            self._count += len(part)
            if self._count % _BLOCK == 0:
                self._sums += _SUM.pack(self._sum)
                self._sum = 0
            view = view[len(part) :]

    def _partial(self) -> tuple[int, Path]:
        for _ in range(3):
            self._cache.folder.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self._cache.folder, self._folder):
                folder.mkdir(mode=0o700, exist_ok=True)
            with suppress(FileNotFoundError):  # another process has just removed the folder, which was empty
                return new_unfinished(self._folder, mode=0o600)
        raise FileNotFoundError(2, "the folder disappears again and again")


def _write(descriptor: int, content: bytes | bytearray | memoryview) -> None:
    view = memoryview(content)
    while view:
        view = view[os.write(descriptor, view) :]


def _good_bytes(piece: bytes, sums: bytes) -> int:
    """Return how many bytes from the beginning are in blocks that have the checksums they should."""
    view = memoryview(piece)
    for number, start in enumerate(range(0, len(piece), _BLOCK)):
        expected = sums[number * _SUM.size : (number + 1) * _SUM.size]
        if len(expected) < _SUM.size or zlib.crc32(view[start : start + _BLOCK]) != _SUM.unpack(expected)[0]:
            return start
    return len(piece)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


def without_access(name: str) -> str:
    """Drop user names, passwords and signatures from a URL."""
    try:
        parts = urlsplit(name)
    except ValueError:
        return name
    query = parse_qsl(parts.query, True)
    beside = _ACCESS_BESIDE_SIG if any(key == "sig" for key, _ in query) else frozenset[str]()
    kept = [(key, value) for key, value in query if not _ACCESS.fullmatch(key) and key not in beside]
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, urlencode(kept), parts.fragment))
