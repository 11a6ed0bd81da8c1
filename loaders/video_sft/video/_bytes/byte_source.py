"""The interface to a video's bytes at any offset, all that a reader needs from a place that holds files."""

from __future__ import annotations

import errno
import io
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

from video_sft.errors import VideoError
from video_sft.video._bytes.stopping import Job

__all__ = [
    "ByteSource", "HeaderFile", "HollowFile", "LocalBytes", "MemoryBytes", "ReadAt", "ReadableFile", "SeekableFile",
]  # fmt: skip

#: Gives so many bytes at an offset; fewer at the end of the file.
ReadAt = Callable[[int, int], bytes]


class ByteSource(ABC):
    """Random access to the bytes of one file; may be read by several threads at once.

    Attributes:
        name: for messages.
        size: of the file, in bytes.
        remote: whether reading it all costs more than decoding it.
        identity: what tells the file from other versions of it; None where only its name and size do.
    """

    name: str
    size: int
    remote = False
    identity: Hashable = None

    def prefetch(self, spans: Sequence[tuple[int, int]]) -> None:  # noqa: B027
        """Announce (offset, length) of parts that will be read, in the order in which they will be."""

    def forget(self) -> None:  # noqa: B027
        """Say that what was announced has been read."""

    def read_through(self) -> None:  # noqa: B027
        """Say that all of the file will be read, from its beginning to its end."""

    @abstractmethod
    def parts(self, offset: int, size: int) -> Iterator[bytes | memoryview]:
        """Yield so many bytes as they come, no part empty; fewer at the end of the file."""

    def read_at(self, offset: int, size: int) -> bytes:
        """Give so many bytes; fewer at the end of the file."""
        return b"".join(self.parts(offset, size))

    def read_some(self, offset: int, size: int) -> bytes:
        """Give one byte or more, up to so many, as far as they come without effort; none at the end of the file."""
        return bytes(next(self.parts(offset, size), b""))

    def read_into(self, offset: int, buffer: Any) -> None:
        """Fill a writable buffer from an offset on."""
        view = memoryview(buffer).cast("B")
        for part in self.parts(offset, len(view)):
            view[: len(part)] = part
            view, offset = view[len(part) :], offset + len(part)
        if view:
            raise EOFError(f"{self.name} ends before byte {offset + len(view):,}")

    @abstractmethod
    def reopened(self) -> ByteSource:
        """Give another, fresh handle on the same file, asking for as little as can be.

        Raises:
            VideoError: the file is no longer what it was.
        """

    def close(self) -> None:  # noqa: B027
        """Let go of descriptors and connections."""


class LocalBytes(ByteSource):
    """A file on disk."""

    def __init__(self, path: str) -> None:
        self.name = path
        if not stat.S_ISREG(os.stat(path).st_mode):  # opening a pipe waits until somebody writes to it
            raise OSError(errno.EINVAL, "it is not a file, but a pipe or a device")
        flags = sum(getattr(os, name, 0) for name in ("O_CLOEXEC", "O_BINARY", "O_NONBLOCK"))
        self._descriptor = os.open(path, os.O_RDONLY | flags)
        status = os.fstat(self._descriptor)
        self.size = status.st_size
        self._version = (status.st_size, status.st_mtime_ns)
        self.identity = (path, status.st_ino, *self._version)
        self._job = Job.current()

    def reopened(self) -> LocalBytes:
        """Open the file once more."""
        other = LocalBytes(self.name)
        if other._version != self._version:
            other.close()
            raise VideoError(self.name, "the file changed since it was first looked at; make a new clip of it")
        return other

    def parts(self, offset: int, size: int) -> Iterator[bytes]:
        """Yield all at once."""
        if data := self.read_at(offset, size):
            yield data

    def read_at(self, offset: int, size: int) -> bytes:
        """Give so many bytes; fewer at the end of the file."""
        if self._job is not None:
            self._job.check(self.name)
        return os.pread(self._descriptor, size, offset)

    def read_into(self, offset: int, buffer: Any) -> None:
        """Fill a writable buffer from an offset on."""
        if self._job is not None:
            self._job.check(self.name)
        view = memoryview(buffer)
        while view:
            count = os.preadv(self._descriptor, [view], offset)
            if not count:
                raise EOFError(f"{self.name} became shorter while it was read")
            view, offset = view[count:], offset + count

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._descriptor)


class MemoryBytes(ByteSource):
    """A file that is in memory already."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name = name
        self.size = len(data)
        self._data = memoryview(data)

    def reopened(self) -> MemoryBytes:
        """Give itself; there is nothing to open."""
        return self

    def parts(self, offset: int, size: int) -> Iterator[memoryview]:
        """Yield all at once."""
        if data := self._data[offset : offset + size]:
            yield data


class SeekableFile:
    """A byte source as the file object that libav's own demuxers want.

    libav may take a failure for the end of the file, or try again. So nothing is read after one, and who opened the
    container raises it: PyAV by itself forgets Ctrl-C, and prints what fails a second time.

    Attributes:
        failure: what went wrong in reading, if anything did.
    """

    def __init__(self, source: ByteSource) -> None:
        self.failure: BaseException | None = None
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
        """Give up to so many bytes from the offset on; none at the end, or after a failure."""
        if self.failure is not None:
            return b""
        try:
            data = self._source.read_some(self._offset, size)
        except BaseException as error:
            self.failure = error
            if isinstance(error, Exception):
                raise
            return b""
        self._offset += len(data)
        return data


class ReadableFile(SeekableFile, io.RawIOBase):
    """A byte source as a file of Python's own kind: reads give all that is asked for, closing does nothing."""

    def read(self, size: int = -1) -> bytes:
        """Give so many bytes, or all that are left."""
        left = max(0, self._source.size - self._offset)
        data = self._source.read_at(self._offset, left if size < 0 else min(size, left))
        self._offset += len(data)
        return data

    def readinto(self, buffer: Any) -> int:
        """Read into a writable buffer."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True


class HollowFile(SeekableFile):
    """A file that seems to end where a stretch of it begins that nobody is to read, and goes on behind that stretch."""

    def __init__(self, source: ByteSource, start: int, stop: int) -> None:
        super().__init__(source)
        self._start, self._stop = start, stop

    def read(self, size: int) -> bytes:
        """Give up to so many bytes; none within the stretch, or at the end."""
        if self._start <= self._offset < self._stop:
            return b""
        ahead = self._start - self._offset if self._offset < self._start else size
        return super().read(min(size, ahead))


class HeaderFile(SeekableFile):
    """A file of which parts (offset, end) can be read, and which is blank elsewhere, where libav needs nothing.

    Zeros stand for what is left out rather than the file's end, since libav skips short stretches by reading them.
    """

    def __init__(self, source: ByteSource, parts: Sequence[tuple[int, int]]) -> None:
        super().__init__(source)
        self._parts = parts

    def read(self, size: int) -> bytes:
        """Give up to so many bytes, true ones or zeros; none at the end."""
        later = [self._source.size]
        for start, end in self._parts:
            if start <= self._offset < end:
                return super().read(min(size, end - self._offset))
            later.append(start)
        ahead = [start - self._offset for start in later if start > self._offset]
        blank = bytes(min([size, *ahead])) if ahead else b""
        self._offset += len(blank)
        return blank
