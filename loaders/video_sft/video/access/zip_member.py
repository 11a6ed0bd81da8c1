"""A video inside a zip file, read in place."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any

from video_sft.errors import VideoError
from video_sft.video.access.byte_source import ByteSource, MemoryBytes, SeekableFile

__all__ = ["open_member", "split_zip"]

_LARGEST_UNPACKED = 4 << 30


def split_zip(url: str) -> tuple[str, str] | None:
    """Take ``zip://inside.mp4::outside.zip`` apart into the member's name and the archive's path, if it is one."""
    inside, chained, outside = url.partition("::")
    if not chained or not inside.startswith("zip://"):
        return None
    return inside[len("zip://") :].lstrip("/"), outside


def open_member(name: str, archive: ByteSource, member: str) -> ByteSource:
    """Open a member of a zip file as a window on the archive; a compressed one is unpacked into memory.

    Args:
        name: of the member, for messages.
        archive: the zip file; closed along with the member.
        member: its name within the archive.

    Raises:
        VideoError: it is no zip file, or has no such member.
    """
    try:
        with zipfile.ZipFile(_Readable(archive)) as opened:
            info = opened.getinfo(member)
            if info.compress_type == zipfile.ZIP_STORED and not info.flag_bits & 1:
                header = archive.read_at(info.header_offset, 30)
                name_length, extra_length = struct.unpack("<HH", header[26:30])
                return _Window(name, archive, info.header_offset + 30 + name_length + extra_length, info.file_size)
            if info.file_size > _LARGEST_UNPACKED:
                archive.close()
                raise VideoError(name, f"takes {info.file_size:,} bytes unpacked; do not compress videos")
            data = opened.read(info)
    except KeyError as error:
        archive.close()
        raise VideoError(name, "the zip file has no such member") from error
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, ValueError, RuntimeError, EOFError) as error:
        archive.close()
        raise VideoError(name, f"cannot be read from the zip file: {error}") from error
    archive.close()
    return MemoryBytes(name, data)


class _Readable(SeekableFile):
    """The file object that `zipfile` wants."""

    def read(self, size: int = -1) -> bytes:
        """Give so many bytes, or all that are left."""
        left = max(0, self._source.size - self._offset)
        data = self._source.read_at(self._offset, left if size < 0 else min(size, left))
        self._offset += len(data)
        return data

    def seekable(self) -> bool:
        """Always."""
        return True


class _Window:
    """A part of a byte source as a byte source."""

    def __init__(self, name: str, source: ByteSource, offset: int, size: int) -> None:
        self.name = name
        self.size = size
        self.far = source.far
        self._source = source
        self._offset = offset

    def prefetch(self, spans: Sequence[tuple[int, int]]) -> None:
        """Announce spans."""
        self._source.prefetch([(self._offset + offset, size) for offset, size in spans])

    def forget(self) -> None:
        """Drop what was announced."""
        self._source.forget()

    def read_through(self) -> None:
        """Say that all of the member will be read."""
        self._source.read_through()

    def read_at(self, offset: int, size: int) -> bytes:
        """Give so many bytes; fewer at the end of the member."""
        return self._source.read_at(self._offset + offset, max(0, min(size, self.size - offset)))

    def read_some(self, offset: int, size: int) -> bytes:
        """Give one byte or more, up to so many."""
        return self._source.read_some(self._offset + offset, max(0, min(size, self.size - offset)))

    def read_into(self, offset: int, buffer: Any) -> None:
        """Fill a writable buffer from an offset on."""
        self._source.read_into(self._offset + offset, buffer)

    def again(self) -> _Window:
        """Open the archive once more; where the member lies is known."""
        return _Window(self.name, self._source.again(), self._offset, self.size)

    def close(self) -> None:
        """Close the archive."""
        self._source.close()
