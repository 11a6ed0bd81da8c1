"""Estimated timelines of remote files without an index: frames are looked for at about the right place.

Matroska, WebM, AVI and the like would have to be fetched whole to learn the time of every frame. Their headers state a
length and a rate; frames are chosen by those, and each is found by a seek and by decoding up to its time. Times given
are the real ones of the frames found. With a steady rate, which nearly all files have, they are the frames that a local
copy of the file gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import islice, takewhile
from typing import Any

import av
import numpy as np

from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._decoding.decoder import decode_all, options_of
from video_sft.video._decoding.orientation import UPRIGHT, Orientation, orientation_of
from video_sft.video._headers.libav import Header, failing, for_libav, header_of, open_container, video_stream
from video_sft.video._headers.matroska_blocks import matroska_blocks
from video_sft.video._headers.nal_units import x264_build
from video_sft.video._streams.indexed import plain_matroska, signed
from video_sft.video._streams.track import Track
from video_sft.video._timeline import Indices, Timeline

__all__ = ["estimated_track", "find_by_seeking", "latest_starts", "step_ticks"]

#: libav takes the clock's rate for the frames' where a header does not tell.
_HIGHEST_RATE = 300
#: Three days at 30 frames a second; more is taken for a broken header.
_MOST_FRAMES = 8_000_000
#: A stated number of frames is believed where it is so near to what length and rate make.
_STATED_CLOSELY = 2
#: Nearer than this, reading on is cheaper than a seek.
_READ_ON_SECONDS = 2
#: Containers whose index is of the whole file; of others, libav notes only what it happens to pass.
_HAS_INDEX = frozenset({"avi", "matroska"})
#: The first packet of other files begins within so many bytes, which have been read anyway.
_SIGNED_WITHIN = 64 << 10
#: So many packets in front are looked at, if they lie within what was fetched with the header, for whether the rate
#: that is stated is so far off.
_LOOKED_AT, _FEWEST_STEPS, _AT_HAND, _OFF = 48, 6, 60 << 10, 0.2
#: Shorter indexes are of no help: some hold only the packet the file begins with.
_FEWEST_ENTRIES = 3
#: How much earlier to seek when the first frames found are too late.
_STEPS_BACK_SECONDS = (0, 1, 3, 9, 27, 81)


def estimated_track(file: ByteSource, stream_index: int | None) -> Track | None:
    """Make a track with evenly spaced frames from what the header states; None where it states too little.

    Raises:
        VideoError: the file is broken or holds no video.
    """
    header, first_tick, orientation = _first_frame(file, stream_index)
    rate, length = header.average_rate, header.container_seconds
    if first_tick is None or not rate or rate > _HIGHEST_RATE:
        return None
    if header.container == "matroska":  # which states when the file ends, others for how long it is shown
        end = min(filter(None, (header.stated_end, length)), default=None)
        length = None if end is None else end - max(0.0, float(first_tick * header.time_base))
    if not length or length < 0:
        return None
    step = 1 / (rate * header.time_base)
    count = round(Fraction(length) * rate)
    if header.stated_frames is not None and abs(header.stated_frames - count) <= _STATED_CLOSELY:
        count = header.stated_frames  # tags outlive cuts, so that they are worth nothing by themselves
    if not 1 <= count <= _MOST_FRAMES:
        return None
    numerator, denominator = np.int64(step.numerator), np.int64(step.denominator)
    ticks = first_tick + (2 * np.arange(count + 1) * numerator + denominator) // (2 * denominator)
    timeline = Timeline(ticks[:-1], int(ticks[-1]), header.time_base)
    return Track(header, timeline, orientation, "estimated", None)


def _first_frame(file: ByteSource, stream_index: int | None) -> tuple[Header, int | None, Orientation]:
    """Return the header, with the size that frames really have, when the first is shown, and how it is turned."""
    known = plain_matroska(file, stream_index)
    if known is not None:
        header, layout, track = known
        try:
            blocks = matroska_blocks(file.read_at, layout, track, layout.first_cluster, layout.end)
            block = next(blocks, None)
            if block is None:
                return header, None, UPRIGHT
            near = takewhile(lambda one: one.position + one.size < _AT_HAND, islice(blocks, _LOOKED_AT))
            header = _with_true_rate(header, [block.pts, *(one.pts for one in near)])
            return signed(file, header, block.position, block.size), block.pts, UPRIGHT
        except (ValueError, IndexError):
            pass
    with open_container(for_libav(file), file.name) as container:
        stream = video_stream(container, file.name, stream_index)
        header = header_of(container, stream)
        with failing(file.name, "cannot be decoded"):
            frame = next((frame for frame, whole in decode_all(container, stream, file.name) if whole), None)
    if frame is None:
        return header, None, UPRIGHT
    if header.codec == "h264":
        header = replace(header, x264_build=x264_build(file.read_at(0, _SIGNED_WITHIN)))
    return (
        replace(header, width=frame.width, height=frame.height),
        frame.pts,
        orientation_of(frame) if frame.rotation or header.container == "mov" else UPRIGHT,
    )


def _with_true_rate(header: Header, ticks: list[int]) -> Header:
    """Correct a rate that the first frames contradict."""
    steps = np.diff(np.sort(ticks))
    rate, frames, length = header.average_rate, header.stated_frames, header.container_seconds
    if len(steps) < _FEWEST_STEPS or not rate or (frames and length and abs(frames / length - rate) < rate * _OFF):
        return header
    usual = float(np.median(steps))
    step = float(steps[np.abs(steps - usual) <= usual / 2].mean())
    stated = float(1 / (rate * header.time_base))
    if step <= 0 or abs(step - stated) < stated * _OFF:
        return header
    return replace(header, average_rate=1 / (Fraction(step).limit_denominator(1000) * header.time_base))


def step_ticks(track: Track) -> Fraction:
    """Return how many ticks there are from one frame to the next."""
    rate = track.header.average_rate
    assert rate is not None
    return 1 / (rate * track.header.time_base)


def latest_starts(track: Track, numbers: Indices) -> Indices:
    """Return when frames begin to be shown at the latest, in ticks: half a frame after their estimated time."""
    half = max(1, round(step_ticks(track) / 2))
    return np.asarray(track.timeline.ticks[numbers] + half - 1)


def find_by_seeking(
    file: ByteSource, track: Track, numbers: Indices, deliver: Callable[[int, Any], None]
) -> dict[int, tuple[int, int]]:
    """Find frames near their estimated times, in one pass forward, and deliver each; their numbers ascend.

    Returns:
        Real start and length of each frame found, in ticks; frames that cannot be found are left out.
    """
    found: dict[int, tuple[int, int]] = {}
    with open_container(for_libav(file), file.name) as container:
        stream = container.streams[track.header.stream_index]
        shown: Any = None
        frames: Iterator[Any] = iter(())
        upcoming: Any = None
        stream.codec_context.options |= options_of(track.header)
        moments = latest_starts(track, numbers).tolist()
        try:
            container.seek(moments[0], stream=stream)  # libav reads an index when it first needs it
        except av.FFmpegError:  # there is none, and no other way into the middle
            return found
        if track.header.container in _HAS_INDEX:
            file.prefetch(_indexed_spans(stream.index_entries, moments, file.size))
        for number, latest in zip(numbers.tolist(), moments, strict=True):
            if upcoming is None or (latest - upcoming.pts) * track.header.time_base > _READ_ON_SECONDS:
                shown, upcoming, frames = _enter(container, stream, file.name, latest, track.header.time_base)
            while upcoming is not None and upcoming.pts <= latest:
                shown, upcoming = upcoming, next(frames, None)
            if shown is not None and shown.pts <= latest:
                end = upcoming.pts if upcoming is not None else shown.pts + (shown.duration or round(step_ticks(track)))
                found[number] = (shown.pts, end - shown.pts)
                deliver(number, shown)
    return found


def _indexed_spans(entries: Sequence[Any], moments: list[int], file_size: int) -> list[tuple[int, int]]:
    """Return where the packets lie that frames are decoded from, by libav's index, where it is one of many packets."""
    if len(entries) < _FEWEST_ENTRIES:
        return []
    table = np.array([(entry.timestamp, entry.pos, entry.is_keyframe) for entry in entries], np.int64)
    keys = np.flatnonzero(table[:, 2])
    spans = []
    for row in np.searchsorted(table[:, 0], moments, side="right") - 1:
        key = keys[keys <= row][-1:].tolist()
        behind = table[row + 2, 1] if row + 2 < len(table) else file_size
        if key and behind > table[key[0], 1]:
            spans.append((int(table[key[0], 1]), int(behind - table[key[0], 1])))
    return spans


def _enter(container: Any, stream: Any, name: str, latest: int, time_base: Fraction) -> tuple[Any, Any, Iterator[Any]]:
    """Seek to a place from which the frame shown at a time is decoded."""
    for seconds in _STEPS_BACK_SECONDS:
        try:
            container.seek(latest - round(seconds / time_base), stream=stream)
        except av.FFmpegError:
            break
        decoded = decode_all(container, stream, name, begin_by=latest)
        frames = (frame for frame, whole in decoded if whole and frame.pts is not None)
        first = next(frames, None)
        if first is not None and first.pts <= latest:
            return None, first, frames
    return None, None, iter(())
