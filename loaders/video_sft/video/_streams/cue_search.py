"""Search in remote Matroska and WebM files: frames found through the index of key frames.

The index says where the packets from each key frame on begin. How far to read for a frame is judged by its time; the
headers of the packets then tell where it is exactly. All stretches are fetched side by side, and decoded like those of
a file with an index of all frames.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._decoding.orientation import UPRIGHT
from video_sft.video._headers.matroska_blocks import MatroskaBlock, matroska_blocks, table_of_blocks
from video_sft.video._headers.matroska_header import MatroskaLayout, MatroskaTrack, matroska_cues
from video_sft.video._headers.packet_table import PacketTable
from video_sft.video._streams.indexed import plain_matroska
from video_sft.video._streams.packet_frames import timeline_of
from video_sft.video._streams.track import Track
from video_sft.video._timeline import Indices, Timeline

__all__ = ["CueFrames", "find_by_cues"]

#: How far beyond a likely place to read: as a part of the stretch between two key frames, in frames (a key frame is as
#: large as many others), in bytes.
_MARGIN = 0.03
_MARGIN_FRAMES = 18
_MARGIN_BYTES = 32 << 10
#: No codec stores a frame later than so many frames after its turn; and after so many frames it is known how many
#: frames the stream in fact does.
_MOST_REORDERED = 16
_ENOUGH_SEEN = 32
_REORDERING = frozenset({"h264", "hevc", "mpeg4"})


@dataclass(frozen=True)
class CueFrames:
    """Frames whose packets are known.

    Attributes:
        track: of the stretches read; its frames are numbered among themselves.
        numbers: of each frame wanted, its number in `track`.
        starts: when each begins to be shown, in ticks.
        lengths: for how long, in ticks.
    """

    track: Track
    numbers: Indices
    starts: Indices
    lengths: Indices


def find_by_cues(
    file: ByteSource, stream_index: int | None, moments: Sequence[int], step: Fraction, estimated: Track
) -> CueFrames | None:
    """Find the frames shown at some moments, in ticks, where frames are a step of ticks apart by the stated rate.

    Returns:
        The frames; None where the file has no such index, or it leads nowhere.

    Raises:
        VideoError: the file is broken or cannot be fetched.
    """
    parts = plain_matroska(file, stream_index)
    if parts is None:
        return None
    header, (_, layout, track) = estimated.header, parts
    cues = matroska_cues(file.read_at, layout, track)
    if not cues:
        return None
    times = [time for time, _ in cues]
    latest: dict[int, int] = {}
    earliest: dict[int, int] = {}
    for moment in moments:
        entry = max(0, bisect.bisect_right(times, moment) - 1)
        latest[entry] = max(moment, latest.get(entry, moment))
        earliest[entry] = min(moment, earliest.get(entry, moment))
    spans = [_likely_span(cues, entry, latest[entry], step, layout) for entry in latest]
    file.prefetch(spans)
    blocks: dict[int, MatroskaBlock] = {}
    runs: list[int] = []
    try:
        for entry in sorted(latest):
            run = _run(file, layout, track, cues[entry], latest[entry], header.codec in _REORDERING)
            if not run or not run[0].key or run[0].pts > earliest[entry]:
                return None
            if run[0].position not in blocks:
                runs.append(len(blocks))
            blocks |= {block.position: block for block in run}
    except (ValueError, IndexError):
        return None
    if list(blocks) != sorted(blocks):
        return None
    table = table_of_blocks(file.read_at, list(blocks.values()), track, tuple(runs))
    if not table.key[runs].all():  # the index, or the marks of the packets, are wrong
        return None
    timeline = timeline_of(header, table)
    numbers = np.searchsorted(timeline.ticks, np.array(moments), side="right") - 1
    if (numbers < 0).any() or len(np.unique(timeline.ticks)) != len(timeline):
        return None
    lengths = _lengths(table, timeline, numbers, usual=max(1, round(step)))
    stretches = Track(header, timeline, UPRIGHT, "stored", table, measured=estimated.measured)
    return CueFrames(stretches, numbers, timeline.ticks[numbers], lengths)


def _lengths(table: PacketTable, timeline: Timeline, numbers: Indices, *, usual: int) -> Indices:
    """Return for how long frames are shown; the last ones before a gap as long as stated, or as usual."""
    rows = np.append(table.rows, len(table))
    runs = np.searchsorted(np.array(table.runs), rows, side="right")
    stated = np.where(table.duration > 0, table.duration, usual)[rows[numbers]]
    following = np.append(timeline.ticks[1:], timeline.end_tick)[numbers]
    return np.where(runs[numbers] == runs[numbers + 1], following - timeline.ticks[numbers], stated)


def _likely_span(
    cues: list[tuple[int, int]], entry: int, moment: int, step: Fraction, layout: MatroskaLayout
) -> tuple[int, int]:
    """Return offset and length of what probably holds all packets from a key frame up to a moment."""
    time, start = cues[entry]
    if entry + 1 < len(cues):
        next_time, end = cues[entry + 1]
    else:
        before = cues[entry - 1] if entry else (0, layout.first_cluster)
        next_time, end = max(2 * time - before[0], moment + 1), layout.end
    likely = moment - time + float(_MARGIN_FRAMES * step)
    share = min(1.0, likely / max(1, next_time - time) + _MARGIN)
    return start, min(int((end - start) * share) + _MARGIN_BYTES, layout.end - start)


def _run(
    file: ByteSource, layout: MatroskaLayout, track: MatroskaTrack, cue: tuple[int, int], moment: int, reorders: bool
) -> list[MatroskaBlock]:
    """Read the headers of the packets from a key frame on, until no frame up to a moment can be missing."""
    time, place = cue
    run: list[MatroskaBlock] = []
    beyond, most_late = 0, 0
    for block in matroska_blocks(file.read_at, layout, track, place, layout.end):
        if not run and not (block.key and block.pts >= time):
            continue
        most_late = max(most_late, sum(earlier.pts > block.pts for earlier in run[-_MOST_REORDERED:]))
        run.append(block)
        beyond = beyond + 1 if block.pts > moment else 0
        seen = len(run) >= _ENOUGH_SEEN
        if beyond > (min(_MOST_REORDERED, 2 * most_late + 2) if seen else _MOST_REORDERED) * reorders:
            break
    return run
