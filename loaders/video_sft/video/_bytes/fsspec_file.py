"""Ranges of a file in any file system that fsspec knows."""

from __future__ import annotations

import inspect
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import fsspec
from fsspec.implementations.cached import CachingFileSystem

from video_sft._retrying import TransientError
from video_sft.errors import VideoError
from video_sft.video._bytes.fetcher import Fetcher, Pieces
from video_sft.video._bytes.range_cache import RangeCache

__all__ = ["FsspecFetcher"]

#: Bytes that are asked for at once.
_PART = 8 << 20

#: What file systems say of a file that changes with its bytes, in the order of trust; spelt without underscores.
_CONTENT = ("etag", "checksum", "md5", "md5hash", "contentmd5", "sha256", "crc32c", "xethash", "blobid", "generation")
_VERSIONS = ("versionid", "mtime", "lastmodified", "lastmodifiedtime", "modified", "updated")
_CREATED = ("created",)


class FsspecFetcher(Fetcher):
    """Gets ranges through a file system of fsspec.

    Each handle but the first asks once, before the first bytes it fetches, whether the file is still the same. Only a
    file system that tells more of a file than its size can say so of one that has kept its size. With a cache, what the
    file system remembers of the file is not good enough.
    """

    def __init__(self, url: str, token: str | bool | None, cache: RangeCache | None) -> None:
        super().__init__(url, cache)
        self._token = token
        self._info: dict[str, str] | None = None

    def _anew(self) -> None:
        super()._anew()
        self._checked = False
        self._checking = threading.Lock()

    @property
    def size(self) -> int | None:
        """Of the file, once it is known."""
        return int(self._info["size"]) if self._info is not None else None

    @property
    def version(self) -> str | None:
        """What tells the file from another of its name; None where fsspec keeps copies that may be older."""
        if self._info is None or isinstance(self._files, CachingFileSystem):
            return None
        known = {key: text for key, text in self._info.items() if key != "size"}
        return repr(sorted(self._info.items())) if known else None

    def fetch(self, offset: int, size: int) -> Pieces:
        """Get so many bytes at an offset, some megabytes at a time; what is begun is never broken off."""
        self._check()
        total = self.size or 0
        end = min(offset + size, total)
        while offset < end:
            part = min(_PART, end - offset)
            # What keeps copies fetches all of the file.
            self.waiting.expect(total if isinstance(self._files, CachingFileSystem) else part)
            yield self._part(offset, part)
            offset += part

    def _part(self, offset: int, size: int) -> bytes:
        try:
            with self._turn:
                data = self._read(offset, size)
        except FileNotFoundError as error:
            raise VideoError(self.name, "no such file") from error
        except PermissionError as error:
            raise VideoError(self.name, f"cannot be read: {error}") from error
        except VideoError:
            raise
        except Exception as error:  # file systems raise what the libraries below them do
            raise TransientError(f"{type(error).__name__}: {error}") from error
        if len(data) != size:
            raise TransientError(f"{len(data):,} bytes came instead of {size:,}")
        self.waiting.received(len(data))
        return data

    def _open(self) -> None:
        # A file system of before a fork does not serve the child; fsspec gives the child another.
        options: dict[str, Any] = (
            {"hf": {"token": self._token}} if self._token is not None and "hf://" in self.name else {}
        )
        self._files, self._path = fsspec.core.url_to_fs(self.name, **options)
        # Asynchronous file systems serve many threads at once; of the others only some do.
        self._turn: AbstractContextManager[object] = nullcontext() if self._files.async_impl else threading.Lock()

    def _look(self, *, fresh: bool) -> dict[str, str]:
        """Ask what there is to know of the file; fresh answers do not come from a remembered listing."""
        # What fsspec keeps copies of is asked of the place the copies are from.
        files = self._files.fs if isinstance(self._files, CachingFileSystem) else self._files
        options = {}
        if fresh and "refresh" in inspect.signature(getattr(files, "_info", files.info)).parameters:
            options["refresh"] = True
        elif fresh:
            files.invalidate_cache(self._path)
        return _telling(files.info(self._path, **options))

    def _check(self) -> None:
        with self._checking:
            if self._checked:
                return
            try:
                self._open()
                now = self._look(fresh=self.cache is not None or self._info is not None)
            except FileNotFoundError as error:
                raise VideoError(self.name, "no such file") from error
            except Exception as error:  # file systems raise what the libraries below them do
                if self._info is not None and not isinstance(error, PermissionError):
                    raise TransientError(f"{type(error).__name__}: {error}") from error
                raise VideoError(self.name, f"cannot be opened: {type(error).__name__}: {error}") from error
            if self._info is None:
                if "size" not in now:
                    raise VideoError(
                        self.name, "its file system does not tell the file's size, so parts of it cannot be read"
                    )
                self._info = now
            elif any(now[key] != self._info[key] for key in now.keys() & self._info.keys()):
                raise VideoError(self.name, "the file changed since it was first looked at; make a new clip of it")
            self._checked = True

    def _read(self, offset: int, size: int) -> bytes:
        if self._files.async_impl:
            return bytes(self._files.cat_file(self._path, start=offset, end=offset + size))
        with self._files.open(self._path, "rb", cache_type="none") as opened:
            opened.seek(offset)
            data = bytes(opened.read(size))
            while len(data) < size and (more := opened.read(size - len(data))):
                data += more
            return data


# The entry point tells fsspec of it in every process; this, where the package is used without being installed.
fsspec.register_implementation("parts", "video_sft.video._bytes.parts_filesystem.PartsFileSystem", clobber=True)


def _telling(info: dict[str, Any]) -> dict[str, str]:
    """Pick what a file system says of a file that would be different for another one."""
    spelt = {key.lower().replace("_", "").replace("-", ""): value for key, value in info.items() if value is not None}
    known = {key: str(spelt[key]) for key in (*_CONTENT, *_VERSIONS) if key in spelt}
    if not known:
        known = {key: str(spelt[key]) for key in _CREATED if key in spelt}
    return known | {"size": str(spelt["size"])} if "size" in spelt else known
