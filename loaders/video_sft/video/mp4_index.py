"""The sample table of an MP4 or MOV file, read straight from its ``moov`` box.

libav reads the same table, but hands it out entry by entry; a few thousand frames are ten times cheaper with numpy,
and over a network only the ``moov`` box has to be fetched. Whatever is out of the ordinary (fragments, several sample
descriptions, edits that cut frames off) is left to libav: the functions return None for it. Box layouts: ISO/IEC
14496-12.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_sft.video.packet_table import PacketTable

__all__ = ["Moov", "Mp4Track", "find_moov", "mp4_tracks", "rotation_of"]

ReadAt = Callable[[int, int], bytes]

#: A sample table of 8 hours at 60 frames a second takes some 30 MB.
_MOOV_LIMIT = 256 << 20
_TOP_LEVEL_LIMIT = 10_000


class _UnusualError(Exception):
    """The table is of a kind that is left to libav."""


@dataclass(frozen=True)
class Mp4Track:
    """One video track.

    Attributes:
        track_id: as in the file; libav calls it the stream's id.
        timescale: ticks in a second.
        table: its samples, or None where the table is out of the ordinary.
    """

    track_id: int
    timescale: int
    table: PacketTable | None


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
    """Find the ``moov`` box by walking the top-level boxes.

    Args:
        read_at: gives so many bytes at an offset.
        file_size: in bytes.

    Returns:
        Its place; None when the file is not an MP4, or the box is missing or cut off.
    """
    offset, passed = 0, list[int]()
    for _ in range(_TOP_LEVEL_LIMIT):
        if offset + 8 > file_size:
            return None
        head = read_at(offset, 16)
        size, kind = struct.unpack(">I4s", head[:8])
        if size == 1 and len(head) == 16:
            size = struct.unpack(">Q", head[8:16])[0]
        elif size == 0:
            size = file_size - offset
        if size < 8 or (offset == 0 and kind != b"ftyp"):
            return None
        if kind == b"moov":
            whole = size <= _MOOV_LIMIT and offset + size <= file_size
            return Moov(offset, size, (*passed, offset + size)) if whole else None
        passed.append(offset)
        offset += size
    return None


def mp4_tracks(moov: bytes, file_size: int) -> list[Mp4Track]:
    """Read the sample tables of all video tracks.

    Args:
        moov: the whole box, header included.
        file_size: samples beyond it are kept; the caller decides what a cut file is worth.

    Returns:
        The video tracks in file order; none where the box itself is broken.
    """
    try:
        boxes = dict(_boxes(moov, _header_size(moov, 0), len(moov)))
        fragmented = b"mvex" in boxes
        movie_timescale = _timescale(moov, boxes[b"mvhd"])
        tracks = [span for kind, span in _boxes(moov, _header_size(moov, 0), len(moov)) if kind == b"trak"]
        found = [_track(moov, span, movie_timescale, file_size, fragmented) for span in tracks]
    except (KeyError, struct.error, ValueError, IndexError):
        return []
    return [track for track in found if track is not None]


def rotation_of(moov: bytes, track_id: int) -> int:
    """Return by how many degrees clockwise a track is turned for display: 0, 90, 180 or 270."""
    try:
        for kind, (start, stop) in _boxes(moov, _header_size(moov, 0), len(moov)):
            if kind == b"trak":
                header = dict(_boxes(moov, start, stop))[b"tkhd"]
                if _track_id(moov, header) == track_id:
                    return _angle(moov, header)
    except (KeyError, struct.error):
        pass
    return 0


def _boxes(data: bytes, start: int, stop: int) -> Iterator[tuple[bytes, tuple[int, int]]]:
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


def _header_size(data: bytes, offset: int) -> int:
    return 16 if struct.unpack_from(">I", data, offset)[0] == 1 else 8


def _timescale(data: bytes, span: tuple[int, int]) -> int:
    offset = span[0] + (20 if data[span[0]] == 1 else 12)
    value: int = struct.unpack_from(">I", data, offset)[0]
    if not value:
        raise ValueError("a timescale of 0")
    return value


def _track_id(data: bytes, header: tuple[int, int]) -> int:
    value: int = struct.unpack_from(">I", data, header[0] + (20 if data[header[0]] == 1 else 12))[0]
    return value


def _angle(data: bytes, header: tuple[int, int]) -> int:
    a, b, _, c, d = struct.unpack_from(">5i", data, header[0] + (52 if data[header[0]] == 1 else 40))
    signs = (_sign(a), _sign(b), _sign(c), _sign(d))
    return {(0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}.get(signs, 0)


def _sign(value: int) -> int:
    return (value > 0) - (value < 0)


def _track(
    moov: bytes, span: tuple[int, int], movie_timescale: int, file_size: int, fragmented: bool
) -> Mp4Track | None:
    boxes = dict(_boxes(moov, *span))
    media = dict(_boxes(moov, *boxes[b"mdia"]))
    handler = media[b"hdlr"]
    if moov[handler[0] + 8 : handler[0] + 12] != b"vide":
        return None
    timescale = _timescale(moov, media[b"mdhd"])
    track_id = _track_id(moov, boxes[b"tkhd"])
    table = None
    if not fragmented:
        try:
            samples = dict(_boxes(moov, *dict(_boxes(moov, *media[b"minf"]))[b"stbl"]))
            edits = dict(_boxes(moov, *boxes[b"edts"])).get(b"elst") if b"edts" in boxes else None
            table = _table(moov, samples, edits, timescale, movie_timescale, file_size)
        except (_UnusualError, KeyError, struct.error, ValueError):
            table = None
    return Mp4Track(track_id, timescale, table)


def _table(
    moov: bytes,
    boxes: dict[bytes, tuple[int, int]],
    edits: tuple[int, int] | None,
    timescale: int,
    movie_timescale: int,
    file_size: int,
) -> PacketTable:
    if struct.unpack_from(">I", moov, boxes[b"stsd"][0] + 4)[0] != 1:
        raise _UnusualError("several sample descriptions")
    size = _sizes(moov, boxes, file_size)
    total = len(size)
    durations = _runs(moov, boxes[b"stts"], total, ">u4")
    decode_time = np.cumsum(durations) - durations
    shown = decode_time + _runs(moov, boxes[b"ctts"], total, ">i4") if b"ctts" in boxes else decode_time
    key = np.ones(total, bool)
    if b"stss" in boxes:
        key[:] = False
        key[_array(moov, boxes[b"stss"], ">u4", 1)[:, 0].astype(np.int64) - 1] = True
    if not total or not key[0]:
        raise _UnusualError("nothing to start decoding from")
    shift = 0 if edits is None else _edit_shift(moov, edits, shown, timescale, movie_timescale)
    return PacketTable(
        pts=shown + shift,
        duration=durations,
        position=_positions(moov, boxes, size),
        size=size,
        key=key,
        shown=np.ones(total, bool),
        seek_tick=decode_time + shift,
    )


def _array(moov: bytes, span: tuple[int, int], dtype: str, columns: int, skip: int = 4) -> npt.NDArray[np.int64]:
    """Read a box that holds a count and then so many rows."""
    (count,) = struct.unpack_from(">I", moov, span[0] + skip)
    start = span[0] + skip + 4
    if start + count * columns * np.dtype(dtype).itemsize > span[1]:
        raise ValueError("a table is longer than its box")
    values = np.frombuffer(moov, dtype, count * columns, start)
    return values.reshape(count, columns).astype(np.int64)


def _runs(moov: bytes, span: tuple[int, int], total: int, dtype: str) -> npt.NDArray[np.int64]:
    """Read (how many samples, value) pairs and spread them over the samples."""
    counts = _array(moov, span, ">u4", 2)[:, 0]
    values = _array(moov, span, dtype, 2)[:, 1]
    if int(counts.sum()) != total:
        raise _UnusualError("a table for more or fewer samples than there are")
    return np.repeat(values, counts)


def _sizes(moov: bytes, boxes: dict[bytes, tuple[int, int]], file_size: int) -> npt.NDArray[np.int64]:
    span = boxes[b"stsz"]
    same, count = struct.unpack_from(">II", moov, span[0] + 4)
    if not same:
        return _array(moov, span, ">u4", 1, skip=8)[:, 0]
    if same * count > file_size:
        raise ValueError("more samples than the file has room for")
    return np.full(count, same, np.int64)


def _positions(moov: bytes, boxes: dict[bytes, tuple[int, int]], size: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    wide = b"co64" in boxes
    chunks = _array(moov, boxes[b"co64" if wide else b"stco"], ">u8" if wide else ">u4", 1)[:, 0]
    first, samples = _array(moov, boxes[b"stsc"], ">u4", 3)[:, :2].T
    if not len(first) or first[0] != 1 or int(first[-1]) > len(chunks):
        raise _UnusualError("a chunk table that does not begin at the beginning")
    repeats = np.diff(np.append(first, len(chunks) + 1))
    if (repeats < 0).any() or int((repeats * samples).sum()) != len(size):
        raise _UnusualError("chunks for more or fewer samples than there are")
    per_chunk = np.repeat(samples, repeats)
    before = np.cumsum(size) - size
    chunk_of = np.repeat(np.arange(len(chunks)), per_chunk)
    first_of = (np.cumsum(per_chunk) - per_chunk)[chunk_of]
    return np.asarray(chunks[chunk_of] + before - before[first_of])


def _edit_shift(
    moov: bytes, span: tuple[int, int], shown: npt.NDArray[np.int64], timescale: int, movie_timescale: int
) -> int:
    """Return what an edit list adds to every time: a delay, and the part of the media before its first frame."""
    entries = _edits(moov, span)
    delay = 0
    while entries and entries[0][1] == -1:
        delay += entries.pop(0)[0]
    if len(entries) != 1 or entries[0][2] != 0x10000:
        raise _UnusualError("several edits, or a changed speed")
    duration, media_time, _ = entries[0]
    length = _rescale(duration, timescale, movie_timescale)
    if media_time > int(shown.min()) or (duration and int(shown.max()) >= media_time + length):
        raise _UnusualError("an edit that cuts frames off")
    return _rescale(delay, timescale, movie_timescale) - media_time


def _edits(moov: bytes, span: tuple[int, int]) -> list[tuple[int, int, int]]:
    """Read (duration, media time, rate) of each edit; a media time of -1 is a pause."""
    layout = ">Qqi" if moov[span[0]] == 1 else ">Iii"
    (count,) = struct.unpack_from(">I", moov, span[0] + 4)
    width = struct.calcsize(layout)
    if span[0] + 8 + count * width > span[1]:
        raise ValueError("an edit list longer than its box")
    return [struct.unpack_from(layout, moov, span[0] + 8 + number * width) for number in range(count)]


def _rescale(value: int, numerator: int, denominator: int) -> int:
    """Multiply by a fraction, rounded to the nearest whole number as libav does."""
    return (value * numerator + denominator // 2) // denominator
