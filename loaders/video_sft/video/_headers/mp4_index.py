"""The sample table of an MP4 or MOV file, read straight from its ``moov`` box.

libav reads the same table, but hands it out entry by entry; a few thousand frames are ten times cheaper with numpy,
and over a network only the ``moov`` box has to be fetched. Whatever is out of the ordinary (several sample
descriptions) is left to libav: the functions return None for it. Edits that cut frames off, or show some twice, are
libav's to carry out: `edited` takes over what it makes of them. Box layouts: ISO/IEC 14496-12.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from video_sft.video._headers.mp4_boxes import (
    BoxSpan,
    UnusualError,
    boxes_within,
    content_of,
    edits_of,
    rescale,
    rows_of,
    timescale_of,
    track_id_of,
)
from video_sft.video._headers.packet_table import PacketTable

__all__ = ["MOST_SAMPLES", "Fragments", "Mp4Track", "edited", "index_of", "mp4_tracks"]

#: Three days at 30 frames a second; more is taken for a broken header.
MOST_SAMPLES = 8_000_000

#: Adds what lies behind the ``moov`` box to the table of a track, given its number and the table so far.
Fragments = Callable[[int, "PacketTable | None"], "PacketTable | None"]


@dataclass(frozen=True)
class Mp4Track:
    """One video track.

    Attributes:
        track_id: as in the file; libav calls it the stream's id.
        timescale: ticks in a second.
        table: its samples, or None where the table is out of the ordinary.
        cut: whether edits do more than to move all times alike; those of the table are then as stored.
    """

    track_id: int
    timescale: int
    table: PacketTable | None
    cut: bool = False


def mp4_tracks(moov: bytes, file_size: int, fragments: Fragments | None = None) -> list[Mp4Track]:
    """Read the sample tables of all video tracks, in file order; none where the box itself is broken.

    Samples beyond the file's end are kept; the caller decides what a cut file is worth. Of a fragmented file, tracks
    have a table only where `fragments` adds to it what lies behind the box.
    """
    try:
        boxes = list(boxes_within(moov, *content_of(moov)))
        movie_timescale = timescale_of(moov, dict(boxes)[b"mvhd"])
        more = fragments if b"mvex" in dict(boxes) else _no_more
        found = [_track(moov, span, movie_timescale, file_size, more) for kind, span in boxes if kind == b"trak"]
    except (KeyError, struct.error, ValueError, IndexError, OverflowError):
        return []
    return [track for track in found if track is not None]


def _no_more(track_id: int, table: PacketTable | None) -> PacketTable | None:
    return table


def _track(
    moov: bytes, span: BoxSpan, movie_timescale: int, file_size: int, fragments: Fragments | None
) -> Mp4Track | None:
    boxes = dict(boxes_within(moov, *span))
    media = dict(boxes_within(moov, *boxes[b"mdia"]))
    handler = media[b"hdlr"][0]
    if moov[handler + 8 : handler + 12] != b"vide":
        return None
    timescale = timescale_of(moov, media[b"mdhd"])
    track_id = track_id_of(moov, boxes[b"tkhd"])
    table, cut = None, False
    if fragments is not None:
        try:
            samples = dict(boxes_within(moov, *dict(boxes_within(moov, *media[b"minf"]))[b"stbl"]))
            table = fragments(track_id, _table(moov, samples, file_size))
            if table is None or not table.key[0]:
                raise UnusualError("nothing to start decoding from")
            edits = dict(boxes_within(moov, *boxes[b"edts"])).get(b"elst") if b"edts" in boxes else None
            if edits is not None:
                cuts = fragments is _no_more  # in fragmented files, libav has edits move all times alike
                shift = _edit_shift(moov, edits, table.pts, timescale, movie_timescale, cuts=cuts)
                if shift is None:
                    cut = True
                else:
                    table = replace(table, pts=table.pts + shift, seek_tick=table.seek_tick + shift)
        except (UnusualError, KeyError, struct.error, ValueError, IndexError, OverflowError):
            table = None
    return Mp4Track(track_id, timescale, table, cut)


def _table(moov: bytes, boxes: dict[bytes, BoxSpan], file_size: int) -> PacketTable | None:
    """Read the samples with their times as stored; None where there are none."""
    if struct.unpack_from(">I", moov, boxes[b"stsd"][0] + 4)[0] != 1:
        raise UnusualError("several sample descriptions")
    size = _sizes(moov, boxes, file_size)
    total = len(size)
    if not total:
        return None
    durations = _runs(moov, boxes[b"stts"], total, ">u4")
    decode_time = np.cumsum(durations) - durations
    shown = decode_time + _runs(moov, boxes[b"ctts"], total, ">i4") if b"ctts" in boxes else decode_time
    key = np.ones(total, bool)
    if b"stss" in boxes:
        key[:] = False
        key[rows_of(moov, boxes[b"stss"], ">u4", 1)[:, 0] - 1] = True
    return PacketTable(
        shown, durations, _positions(moov, boxes, size), size, key, np.ones(total, bool), seek_tick=decode_time
    )


def _runs(moov: bytes, span: BoxSpan, total: int, dtype: str) -> npt.NDArray[np.int64]:
    """Read (how many samples, value) pairs and spread them over the samples."""
    counts = rows_of(moov, span, ">u4", 2)[:, 0]
    values = rows_of(moov, span, dtype, 2)[:, 1]
    if int(counts.sum()) != total:
        raise UnusualError("a table for more or fewer samples than there are")
    return np.repeat(values, counts)


def _sizes(moov: bytes, boxes: dict[bytes, BoxSpan], file_size: int) -> npt.NDArray[np.int64]:
    span = boxes[b"stsz"]
    same, count = struct.unpack_from(">II", moov, span[0] + 4)
    if count > MOST_SAMPLES:
        raise UnusualError("more samples than a video has")
    if not same:
        return rows_of(moov, span, ">u4", 1, skip=8)[:, 0]
    if same * count > file_size:
        raise ValueError("more samples than the file has room for")
    return np.full(count, same, np.int64)


def _positions(moov: bytes, boxes: dict[bytes, BoxSpan], size: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    wide = b"co64" in boxes
    chunks = rows_of(moov, boxes[b"co64" if wide else b"stco"], ">u8" if wide else ">u4", 1)[:, 0]
    first, samples = rows_of(moov, boxes[b"stsc"], ">u4", 3)[:, :2].T
    if not len(first) or first[0] != 1 or int(first[-1]) > len(chunks):
        raise UnusualError("a chunk table that does not begin at the beginning")
    repeats = np.diff(np.append(first, len(chunks) + 1))
    if (repeats < 0).any() or int((repeats * samples).sum()) != len(size):
        raise UnusualError("chunks for more or fewer samples than there are")
    per_chunk = np.repeat(samples, repeats)
    before = np.cumsum(size) - size
    chunk_of = np.repeat(np.arange(len(chunks)), per_chunk)
    first_of = (np.cumsum(per_chunk) - per_chunk)[chunk_of]
    positions = np.asarray(chunks[chunk_of] + before - before[first_of])
    if len(positions) and int(positions.min()) < 0:
        raise UnusualError("samples at impossible places")
    return positions


def _edit_shift(
    moov: bytes, span: BoxSpan, shown: npt.NDArray[np.int64], timescale: int, movie_timescale: int, *, cuts: bool
) -> int | None:
    """Return what an edit list adds to every time: a delay, and the part of the media before its first frame.

    With `cuts`, frames outside of edits are left out: None where the shift is not all that the list does.
    """
    entries = edits_of(moov, span)
    if not cuts:
        delay = entries.pop(0)[0] if entries and entries[0][1] == -1 else 0
        begin = entries[0][1] if entries and entries[0][1] >= 0 else 0
        return rescale(delay, timescale, movie_timescale) - begin
    delay = 0
    while entries and entries[0][1] == -1:
        delay += entries.pop(0)[0]
    if len(entries) != 1:
        return None
    duration, media_time, _ = entries[0]
    length = rescale(duration, timescale, movie_timescale)
    if media_time > int(shown.min()) or (duration and int(shown.max()) >= media_time + length):
        return None
    return rescale(delay, timescale, movie_timescale) - media_time


def index_of(stream: Any) -> npt.NDArray[np.int64]:
    """Copy libav's index, gone with the container: time of decoding, place, size, whether left out, as (N, 4)."""
    rows = [(entry.timestamp, entry.pos, entry.size, entry.is_discard) for entry in stream.index_entries]
    return np.array(rows, np.int64).reshape(-1, 4)


def edited(table: PacketTable, entries: npt.NDArray[np.int64]) -> PacketTable | None:
    """Lay samples out as libav does where an edit list cuts frames off, or shows some of them again.

    Args:
        table: the samples, with times as stored.
        entries: libav's index, see `index_of`, which has the edits in it: frames that only lead to an edit's first one
            are left out, and what is shown twice is there twice.

    Returns:
        The table with one row for each entry, where those that do not follow each other in the file begin a run; None
        where the two do not agree.
    """
    by_place = np.argsort(table.position, kind="stable")
    time, place, size, left_out = entries.T
    found = np.searchsorted(table.position[by_place], place)
    if not len(place) or int(found.max()) >= len(table):
        return None
    rows = by_place[found]
    if (table.position[rows] != place).any() or (table.size[rows] != size).any():
        return None
    delay = table.pts - table.seek_tick
    jumps = np.flatnonzero(np.diff(rows) != 1) + 1
    return PacketTable(
        pts=time + delay[rows] - min(0, int(delay.min())),
        duration=table.duration[rows],
        position=place,
        size=size,
        key=table.key[rows],
        shown=left_out == 0,
        seek_tick=time,
        runs=(0, *jumps.tolist()),
    )
