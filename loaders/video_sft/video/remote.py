"""Open what a URL names, by the way that needs the fewest requests."""

from __future__ import annotations

import threading
from contextlib import nullcontext
from typing import Any

import fsspec

from video_sft.errors import VideoError
from video_sft.video.byte_source import ByteSource
from video_sft.video.http_file import HttpFetcher, hub_url
from video_sft.video.ranged import RangedBytes, TransientError

__all__ = ["open_remote"]


def open_remote(url: str, token: str | bool | None) -> ByteSource:
    """Open a URL for random access.

    Args:
        url: ``hf://``, ``http(s)://``, or of any file system that fsspec knows, chained ones included.
        token: Hub token, or None for the logged-in user's.

    Raises:
        VideoError: there is no such file, or no such file system.
    """
    address = hub_url(url) if url.startswith("hf://") else url
    if address is not None and address.startswith(("http://", "https://")) and "::" not in address:
        return RangedBytes(HttpFetcher(url, address, token))
    return RangedBytes(_FsspecFetcher(url, token))


class _FsspecFetcher:
    """Gets ranges through a file system of fsspec."""

    def __init__(self, url: str, token: str | bool | None) -> None:
        self.name = url
        options: dict[str, Any] = {"hf": {"token": token}} if token is not None and "hf://" in url else {}
        try:
            self._files, self._path = fsspec.core.url_to_fs(url, **options)
            self._size = self._files.size(self._path)
        except FileNotFoundError as error:
            raise VideoError(url, "no such file") from error
        except (OSError, ValueError, ImportError, KeyError, RuntimeError) as error:
            raise VideoError(url, f"cannot be opened: {type(error).__name__}: {error}") from error
        if self._size is None:
            raise VideoError(url, "its file system does not tell the file's size, so parts of it cannot be read")
        # Asynchronous file systems serve many threads at once; of the others only some do.
        self._turn = nullcontext() if self._files.async_impl else threading.Lock()

    def first(self, size: int) -> tuple[bytes, int]:
        """Get the first so many bytes, and the file's size."""
        return self.fetch(0, min(size, self._size)), self._size

    def fetch(self, offset: int, size: int) -> bytes:
        """Get exactly so many bytes at an offset."""
        try:
            with self._turn:
                data = self._read(offset, size)
        except FileNotFoundError as error:
            raise VideoError(self.name, "no such file") from error
        except (OSError, TimeoutError) as error:
            raise TransientError(f"{type(error).__name__}: {error}") from error
        if len(data) != size:
            raise TransientError(f"{len(data):,} bytes came instead of {size:,}")
        return data

    def _read(self, offset: int, size: int) -> bytes:
        if self._files.async_impl:
            return bytes(self._files.cat_file(self._path, start=offset, end=offset + size))
        with self._files.open(self._path, "rb", cache_type="none") as opened:
            opened.seek(offset)
            return bytes(opened.read(size))
