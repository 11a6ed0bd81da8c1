"""A video inside a zip or tar file, read in place."""

from __future__ import annotations

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

from video_sft.errors import VideoError
from video_sft.video._bytes.archive_index import Member, archive_members, member_name
from video_sft.video._bytes.byte_source import ByteSource, MemoryBytes, ReadableFile

__all__ = ["open_member", "split_member"]

_MEMBER = re.compile(r"(zip|tar)://(.*?)::(.*)", re.DOTALL)
_LARGEST_UNPACKED = 4 << 30
#: Packed members that unpack to more than so many times their size, beyond so many bytes, are no pictures or sound.
_MOST_UNPACKED, _BOMB = 200, 64 << 20
_HEADER = struct.Struct("<4s22xHH")
_HEADER_MARK = b"PK\x03\x04"
_PACKED_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, ValueError, RuntimeError, EOFError,
    MemoryError,
)  # fmt: skip


def split_member(url: str) -> tuple[str, str, str] | None:
    """Take ``zip://inside.mp4::outside.zip`` apart into the kind, the member's name and the archive, if it is one."""
    match = _MEMBER.fullmatch(url)
    return (match[1], match[2], match[3]) if match else None


def open_member(name: str, archive: ByteSource, kind: str, member: str) -> ByteSource:
    """Open a member of an archive as a window on it; a compressed one is unpacked into memory.

    Where members lie is read once for each archive, and remembered. The name of a member is compared with those in the
    archive and used for nothing else. The archive is closed along with the member.

    Raises:
        VideoError: it is no such archive, or has no such member, or the member is damaged.
    """
    try:
        opened = _opened(name, archive, kind, member)
    except BaseException as error:
        archive.close()
        if isinstance(error, _PACKED_ERRORS):
            reason = str(error) or type(error).__name__
            raise VideoError(name, f"cannot be read from the {kind} file: {reason}") from error
        raise
    if isinstance(opened, bytes):
        archive.close()
        return MemoryBytes(name, opened)
    return opened


def _opened(name: str, archive: ByteSource, kind: str, member: str) -> ByteSource | bytes:
    found = archive_members(archive, kind).get(member_name(member))
    if kind == "zip" and (found is None or archive.read_at(found.offset, 4) != _HEADER_MARK):
        found = archive_members(archive, kind, anew=True).get(member_name(member))  # it may be another than it was
    if found is None:
        raise VideoError(name, f"the {kind} file has no such member")
    if kind == "tar":
        _check_end(name, archive, found.offset + found.size)
        return _Window(name, archive, found.offset, found.size)
    mark, name_length, extra_length = _HEADER.unpack(archive.read_at(found.offset, _HEADER.size))
    if mark != _HEADER_MARK:
        raise VideoError(name, "the zip file is damaged: where this member should begin there is something else")
    start = found.offset + _HEADER.size + name_length + extra_length
    _check_end(name, archive, start + found.packed)
    if found.method == zipfile.ZIP_STORED and not found.encrypted:
        return _Window(name, archive, start, found.size)
    return _unpacked(name, archive, found, start)


def _check_end(name: str, archive: ByteSource, end: int) -> None:
    if end > archive.size:
        missing = f"this member ends at byte {end:,}, and the archive at byte {archive.size:,}"
        raise VideoError(name, f"the archive is damaged or cut short: {missing}")


def _unpacked(name: str, archive: ByteSource, member: Member, start: int) -> bytes:
    if member.size > _LARGEST_UNPACKED:
        raise VideoError(name, f"takes {member.size:,} bytes unpacked; do not compress videos")
    if member.size > max(_BOMB, _MOST_UNPACKED * member.packed):
        raise VideoError(
            name, f"is said to unpack from {member.packed:,} to {member.size:,} bytes, which no video does"
        )
    if member.method != zipfile.ZIP_DEFLATED or member.encrypted:
        with zipfile.ZipFile(ReadableFile(archive)) as opened:
            return opened.read(member.name)
    unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
    data = unpacker.decompress(archive.read_at(start, member.packed), member.size + 1)
    if len(data) != member.size or zlib.crc32(data) != member.checksum:
        raise zipfile.BadZipFile("its bytes are not those its checksum was made of")
    return data


class _Window(ByteSource):
    """A part of a byte source as a byte source."""

    def __init__(self, name: str, source: ByteSource, offset: int, size: int) -> None:
        self.name = name
        self.size = size
        self.remote = source.remote
        self._source = source
        self._offset = offset

    def prefetch(self, spans: Sequence[tuple[int, int]]) -> None:
        self._source.prefetch([(self._offset + offset, size) for offset, size in spans])

    def forget(self) -> None:
        self._source.forget()

    def read_through(self) -> None:
        self._source.read_through()

    def parts(self, offset: int, size: int) -> Iterator[bytes | memoryview]:
        return self._source.parts(self._offset + offset, max(0, min(size, self.size - offset)))

    def read_into(self, offset: int, buffer: Any) -> None:
        self._source.read_into(self._offset + offset, buffer)

    def reopened(self) -> _Window:
        return _Window(self.name, self._source.reopened(), self._offset, self.size)

    def close(self) -> None:
        self._source.close()
