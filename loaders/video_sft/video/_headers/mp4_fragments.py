"""The sample tables of a fragmented MP4 file, put together from its fragments (ISO/IEC 14496-12, 8.8).

Each ``moof`` box tells of a stretch of samples; libav finds them one by one as it reads, and cannot always go back. The
boxes are small, so that all of them are read here. Whatever is out of the ordinary is left to libav: the functions
return None for it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from video_sft.video._bytes.byte_source import ReadAt
from video_sft.video._headers.mp4_boxes import BoxSpan, UnusualError, boxes_within, content_of, top_level_boxes
from video_sft.video._headers.mp4_index import MOST_SAMPLES
from video_sft.video._headers.packet_table import PacketTable

__all__ = ["fragment_offsets", "fragmented_table"]

#: Flags of ``tfhd``: which fields follow, and where positions count from.
_BASE, _DESCRIPTION, _DURATION, _SIZE, _FLAGS, _FROM_MOOF = 0x1, 0x2, 0x8, 0x10, 0x20, 0x20000
#: Flags of ``trun``: which fields follow, for the run and for each sample.
_OFFSET, _FIRST_FLAGS = 0x1, 0x4
_EACH_DURATION, _EACH_SIZE, _EACH_FLAGS, _EACH_SHIFT = 0x100, 0x200, 0x400, 0x800
#: Flags of a sample that leans on others.
_NO_KEY = 0x10000 | 0x1000000

_LARGEST = 16 << 20


@dataclass
class _Samples:
    """The runs of one track's samples that fragments have told of so far, times as stored."""

    runs: list[PacketTable] = field(default_factory=list)
    now: int = 0
    total: int = 0


def fragment_offsets(read_at: ReadAt, file_size: int, behind_moov: int) -> list[int]:
    """Return where the fragments are, by an index at the file's end or behind its header; none where there is none."""
    try:
        (length,) = struct.unpack(">I", read_at(file_size - 4, 4))
        if 16 <= length <= min(_LARGEST, file_size):
            tail = read_at(file_size - length, length)
            if tail[4:8] == b"mfra":
                return sorted(set(_listed(tail)))
        head = read_at(behind_moov, 32)
        size, kind = struct.unpack_from(">I4s", head)
        if kind == b"sidx" and size <= _LARGEST:
            return list(_referred(read_at(behind_moov, size), behind_moov + size))
    except (struct.error, ValueError, IndexError):
        pass
    return []


def _listed(mfra: bytes) -> Iterator[int]:
    """Yield the offsets of a random access index."""
    for kind, (start, stop) in boxes_within(mfra, *content_of(mfra)):
        if kind != b"tfra":
            continue
        wide = mfra[start] == 1
        lengths, count = struct.unpack_from(">II", mfra, start + 8)
        each = (16 if wide else 8) + 3 + (lengths >> 4 & 3) + (lengths >> 2 & 3) + (lengths & 3)
        for number in range(count):
            at = start + 16 + number * each
            if at + each > stop:
                raise ValueError("an index longer than its box")
            yield struct.unpack_from(">Q" if wide else ">I", mfra, at + (8 if wide else 4))[0]


def _referred(sidx: bytes, behind: int) -> Iterator[int]:
    """Yield the offsets of a segment index."""
    wide = sidx[8] == 1
    offset = behind + struct.unpack_from(">Q" if wide else ">I", sidx, 28 if wide else 24)[0]
    at = 36 if wide else 28
    (count,) = struct.unpack_from(">H", sidx, at + 2)
    for number in range(count):
        yield offset
        offset += struct.unpack_from(">I", sidx, at + 4 + 12 * number)[0] & 0x7FFFFFFF


def fragmented_table(
    read_at: ReadAt, file_size: int, moov: bytes, behind_moov: int, track_id: int, first: PacketTable | None
) -> PacketTable | None:
    """Read the fragments of a track, behind the first samples, those that the ``moov`` box itself tells of, if any.

    Returns:
        The table, with times as stored, no edits applied; None where it is out of the ordinary.
    """
    try:
        defaults = _defaults(moov, track_id)
        others = _Samples()
        samples = _Samples(now=0 if first is None else int(first.duration.sum()))
        for offset, box in _moofs(read_at, file_size, behind_moov):
            _fragment(box, offset, track_id, defaults, samples, others)
        return _joined(first, samples)
    except (UnusualError, KeyError, struct.error, ValueError, IndexError, OverflowError):
        return None


def _defaults(moov: bytes, track_id: int) -> tuple[int, int, int]:
    """Return the duration, size and flags of samples that do not state their own."""
    parts = dict(boxes_within(moov, *content_of(moov)))
    for kind, (start, _) in boxes_within(moov, *parts[b"mvex"]):
        if kind == b"trex":
            number, _, duration, size, flags = struct.unpack_from(">5I", moov, start + 4)
            if number == track_id:
                return duration, size, flags
    raise UnusualError("no defaults")


def _moofs(read_at: ReadAt, file_size: int, behind_moov: int) -> Iterator[tuple[int, bytes]]:
    for kind, offset, size in top_level_boxes(read_at, file_size, behind_moov):
        if offset + size > file_size:
            raise UnusualError("a box that is cut off")
        if kind == b"moof":
            if size > _LARGEST:
                raise UnusualError("a fragment of millions of samples")
            yield offset, read_at(offset, size)


def _fragment(
    box: bytes, offset: int, track_id: int, defaults: tuple[int, int, int], samples: _Samples, others: _Samples
) -> None:
    """Read one fragment: the samples of the track wanted, and those of others, of which only the places count."""
    implicit = offset
    for kind, span in boxes_within(box, *content_of(box)):
        if kind != b"traf":
            continue
        parts = list(boxes_within(box, *span))
        header = dict(parts)[b"tfhd"]
        flags, number = struct.unpack_from(">II", box, header[0])
        flags &= 0xFFFFFF
        at = header[0] + 8
        base = offset if flags & _FROM_MOOF else implicit
        if flags & _BASE:
            (base,), at = struct.unpack_from(">Q", box, at), at + 8
        own = list(defaults)
        for bit, place in ((_DESCRIPTION, None), (_DURATION, 0), (_SIZE, 1), (_FLAGS, 2)):
            if flags & bit:
                (value,), at = struct.unpack_from(">I", box, at), at + 4
                if place is None and value != 1:
                    raise UnusualError("several sample descriptions")
                if place is not None:
                    own[place] = value
        moments = [part for name, part in parts if name == b"tfdt"]
        if number == track_id and moments:
            start = moments[0][0]
            samples.now = struct.unpack_from(">Q" if box[start] == 1 else ">I", box, start + 4)[0]
        for name, part in parts:
            if name == b"trun":
                implicit = _run(box, part, base, own, samples if number == track_id else others)


def _run(box: bytes, span: BoxSpan, base: int, own: list[int], samples: _Samples) -> int:
    """Read one run of samples; return where it ends in the file."""
    flags, count = struct.unpack_from(">II", box, span[0])
    samples.total += count
    if samples.total > MOST_SAMPLES:
        raise UnusualError("more samples than a video has")
    at = span[0] + 8
    if not flags & _OFFSET:
        raise UnusualError("a run that does not say where it is")
    begin, at = base + int(struct.unpack_from(">i", box, at)[0]), at + 4
    first_flags = None
    if flags & _FIRST_FLAGS:
        (first_flags,), at = struct.unpack_from(">I", box, at), at + 4
    bits = [bit for bit in (_EACH_DURATION, _EACH_SIZE, _EACH_FLAGS, _EACH_SHIFT) if flags & bit]
    if at + 4 * count * len(bits) > span[1]:
        raise ValueError("a run longer than its box")
    rows = np.frombuffer(box, ">u4", count * len(bits), at).reshape(count, len(bits)).astype(np.int64)
    columns = {bit: rows[:, place] for place, bit in enumerate(bits)}
    duration = columns.get(_EACH_DURATION, np.full(count, own[0], np.int64))
    size = columns.get(_EACH_SIZE, np.full(count, own[1], np.int64))
    marks = columns.get(_EACH_FLAGS, np.full(count, own[2], np.int64)).copy()
    if first_flags is not None and count and _EACH_FLAGS not in columns:
        marks[0] = first_flags
    shifts = columns.get(_EACH_SHIFT, np.zeros(count, np.int64)).astype(np.uint32).astype(np.int32).astype(np.int64)
    if (shifts < 0).any():
        raise UnusualError("frames shown before their turn")
    decode_time = samples.now + np.cumsum(duration) - duration
    position = begin + np.cumsum(size) - size
    whole = np.ones(count, bool)
    samples.runs.append(
        PacketTable(decode_time + shifts, duration, position, size, marks & _NO_KEY == 0, whole, decode_time)
    )
    samples.now += int(duration.sum())
    return begin + int(size.sum())


def _joined(first: PacketTable | None, samples: _Samples) -> PacketTable | None:
    runs = samples.runs if first is None else [first, *samples.runs]
    if not runs:
        return None
    rows = zip(*((t.pts, t.duration, t.position, t.size, t.key, t.shown, t.seek_tick) for t in runs), strict=True)
    pts, duration, position, size, key, shown, seek_tick = map(np.concatenate, rows)
    if int(position.min()) < 0:
        raise UnusualError("samples at impossible places")
    return PacketTable(pts, duration, position, size, key, shown, seek_tick)
