"""The boxes of an MP4 or MOV file: where its ``moov`` box lies, and the small ones in it (ISO/IEC 14496-12)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_sft.video._bytes.byte_source import ReadAt

__all__ = [
    "BoxSpan", "Moov", "UnusualError", "boxes_within", "content_of", "edits_of", "find_moov", "matrices_of", "rescale",
    "rows_of", "timescale_of", "top_level_boxes", "track_id_of",
]  # fmt: skip

#: Offset of a box's content, and its end.
BoxSpan = tuple[int, int]

#: A sample table of 8 hours at 60 frames a second takes some 30 MB.
_MOOV_LIMIT = 256 << 20
_MOST_BEFORE_MOOV = 10_000


class UnusualError(Exception):
    """A table is of a kind that is left to libav."""


@dataclass(frozen=True)
class Moov:
    """Where the ``moov`` box lies.

    Attributes:
        offset: of the box.
        size: of the box, its header included.
        others: offsets of the other top-level boxes up to and behind it.
    """

    offset: int
    size: int
    others: tuple[int, ...]


def find_moov(read_at: ReadAt, file_size: int) -> Moov | None:
    """Find the ``moov`` box; None when the file is not an MP4, or the box is missing or cut off."""
    passed: list[int] = []
    try:
        for kind, offset, size in top_level_boxes(read_at, file_size, 0, _MOST_BEFORE_MOOV):
            if not passed and kind != b"ftyp":
                return None
            if kind == b"moov":
                whole = size <= _MOOV_LIMIT and offset + size <= file_size
                return Moov(offset, size, (*passed, offset + size)) if whole else None
            passed.append(offset)
    except ValueError:
        pass
    return None


def top_level_boxes(
    read_at: ReadAt, file_size: int, offset: int, most: int = 1_000_000
) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes of a file from an offset on: kind, offset and size, the last of which may reach beyond the file.

    Raises:
        ValueError: there is something else, or no end of them.
    """
    for _ in range(most):
        if offset + 8 > file_size:
            return
        head = read_at(offset, 16)
        size, kind = struct.unpack(">I4s", head[:8])
        if size == 1 and len(head) == 16:
            size = struct.unpack(">Q", head[8:16])[0]
        elif size == 0:
            size = file_size - offset
        if size < 8:
            raise ValueError(f"no box at byte {offset:,}")
        yield kind, offset, size
        offset += size
    raise ValueError("more boxes than a video has")


def matrices_of(moov: bytes, track_id: int) -> list[tuple[int, int, int, int]]:
    """Return how a track is turned for display, and then the movie: (a, b, c, d) of x' = ax + cy, y' = bx + dy."""
    try:
        boxes = list(boxes_within(moov, *content_of(moov)))
        for kind, (start, stop) in boxes:
            if kind == b"trak":
                header = dict(boxes_within(moov, start, stop))[b"tkhd"]
                if track_id_of(moov, header) == track_id:
                    movie = dict(boxes)[b"mvhd"]
                    return [_matrix(moov, header[0], 40, 52), _matrix(moov, movie[0], 36, 48)]
    except (KeyError, struct.error):
        pass
    return []


def boxes_within(data: bytes, start: int, stop: int) -> Iterator[tuple[bytes, BoxSpan]]:
    """Yield kind and payload span of the boxes between two offsets."""
    while start + 8 <= stop:
        size, kind = struct.unpack_from(">I4s", data, start)
        head = 8
        if size == 1:
            size, head = struct.unpack_from(">Q", data, start + 8)[0], 16
        elif size == 0:
            size = stop - start
        if size < head or start + size > stop:
            raise ValueError("a box is longer than the one around it")
        yield kind, (start + head, start + size)
        start += size


def content_of(box: bytes) -> BoxSpan:
    """Return where the content of a box lies in it."""
    return (16 if struct.unpack_from(">I", box)[0] == 1 else 8), len(box)


def timescale_of(data: bytes, span: BoxSpan) -> int:
    """Read the ticks in a second from an ``mvhd`` or ``mdhd`` box.

    Raises:
        ValueError: there are none.
    """
    offset = span[0] + (20 if data[span[0]] == 1 else 12)
    value: int = struct.unpack_from(">I", data, offset)[0]
    if not value:
        raise ValueError("a timescale of 0")
    return value


def track_id_of(data: bytes, header: BoxSpan) -> int:
    """Read a track's number from its ``tkhd`` box."""
    value: int = struct.unpack_from(">I", data, header[0] + (20 if data[header[0]] == 1 else 12))[0]
    return value


def _matrix(data: bytes, start: int, narrow: int, wide: int) -> tuple[int, int, int, int]:
    a, b, _, c, d = struct.unpack_from(">5i", data, start + (wide if data[start] == 1 else narrow))
    return a, b, c, d


def rows_of(moov: bytes, span: BoxSpan, dtype: str, columns: int, skip: int = 4) -> npt.NDArray[np.int64]:
    """Read a box that holds a count and then so many rows."""
    (count,) = struct.unpack_from(">I", moov, span[0] + skip)
    start = span[0] + skip + 4
    if start + count * columns * np.dtype(dtype).itemsize > span[1]:
        raise ValueError("a table is longer than its box")
    values = np.frombuffer(moov, dtype, count * columns, start)
    return values.reshape(count, columns).astype(np.int64)


def edits_of(moov: bytes, span: BoxSpan) -> list[tuple[int, int, int]]:
    """Read (duration, media time, rate) of each edit; a media time of -1 is a pause."""
    layout = ">Qqi" if moov[span[0]] == 1 else ">Iii"
    (count,) = struct.unpack_from(">I", moov, span[0] + 4)
    width = struct.calcsize(layout)
    if span[0] + 8 + count * width > span[1]:
        raise ValueError("an edit list longer than its box")
    return [struct.unpack_from(layout, moov, span[0] + 8 + number * width) for number in range(count)]


def rescale(value: int, numerator: int, denominator: int) -> int:
    """Multiply by a fraction, rounded to the nearest whole number as libav does."""
    return (value * numerator + denominator // 2) // denominator
