"""A video's bytes at any offset: the one thing a reader needs from a place that holds files."""

from __future__ import annotations

import os
from typing import Any, Protocol

__all__ = ["ByteSource", "LocalBytes", "MemoryBytes", "SeekableFile"]


class ByteSource(Protocol):
    """Random access to the bytes of one file; may be read by several threads at once.

    Attributes:
        name: for messages.
        size: of the file, in bytes.
    """

    name: str
    size: int

    def read_at(self, offset: int, size: int) -> bytes:
        """Give so many bytes; fewer at the end of the file."""

    def read_into(self, offset: int, buffer: Any) -> None:
        """Fill a writable buffer from an offset on."""

    def close(self) -> None:
        """Let go of descriptors and connections."""


class LocalBytes:
    """A file on disk."""

    def __init__(self, path: str) -> None:
        self.name = path
        self._descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        self.size = os.fstat(self._descriptor).st_size

    def read_at(self, offset: int, size: int) -> bytes:
        """Give so many bytes; fewer at the end of the file."""
        return os.pread(self._descriptor, size, offset)

    def read_into(self, offset: int, buffer: Any) -> None:
        """Fill a writable buffer from an offset on."""
        view = memoryview(buffer)
        while view:
            count = os.preadv(self._descriptor, [view], offset)
            if not count:
                raise EOFError(f"{self.name} became shorter while it was read")
            view, offset = view[count:], offset + count

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)


class MemoryBytes:
    """A file that is in memory already."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.size = len(data)
        self._data = memoryview(data)

    def read_at(self, offset: int, size: int) -> bytes:
        """Give so many bytes; fewer at the end of the file."""
        return bytes(self._data[offset : offset + size])

    def read_into(self, offset: int, buffer: Any) -> None:
        """Fill a writable buffer from an offset on."""
        view = memoryview(buffer)
        view[:] = self._data[offset : offset + len(view)]

    def close(self) -> None:
        """Nothing is open."""


class SeekableFile:
    """A byte source as the file object that libav's own demuxers want.

    Args:
        source: the bytes.
    """

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._offset = 0

    def tell(self) -> int:
        """Give the offset of the next byte."""
        return self._offset

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move to an offset, which may lie beyond the end."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._offset, os.SEEK_END: self._source.size}[whence]
        self._offset = max(0, base + offset)
        return self._offset

    def read(self, size: int) -> bytes:
        """Give up to so many bytes from the offset on; none at the end."""
        data = self._source.read_at(self._offset, min(size, max(0, self._source.size - self._offset)))
        self._offset += len(data)
        return data
