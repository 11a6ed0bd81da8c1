"""Files behind a URL of any fsspec file system."""

from __future__ import annotations

from typing import Any

from video_sft.errors import VideoError
from video_sft.video.byte_source import ByteSource

__all__ = ["open_remote"]


class _FsspecBytes:
    def __init__(self, url: str, file: Any) -> None:
        self.name = url
        self.size = int(file.size)
        self._file = file

    def read_at(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        return bytes(self._file.read(size))

    def read_into(self, offset: int, buffer: Any) -> None:
        view = memoryview(buffer)
        view[:] = self.read_at(offset, len(view))

    def close(self) -> None:
        self._file.close()


def open_remote(url: str, token: str | bool | None) -> ByteSource:
    """Open a URL for random access.

    Raises:
        VideoError: there is no such file, or no such file system.
    """
    import fsspec

    options: dict[str, Any] = {"hf": {"token": token}} if token is not None else {}
    try:
        return _FsspecBytes(url, fsspec.open(url, "rb", **options).open())
    except (OSError, ValueError, ImportError) as error:
        raise VideoError(url, f"cannot be opened: {error}") from error
