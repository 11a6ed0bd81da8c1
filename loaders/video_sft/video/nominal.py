"""Remote files without an index of all frames: read at about the right place, instead of from beginning to end.

Matroska, WebM, AVI and the like would have to be fetched whole to learn the time of every frame. Their headers state a
length and a rate; frames are chosen by those, and each is found by a seek and by decoding up to its time. Times given
are the real ones of the frames found. With a steady rate, which nearly all files have, they are the frames that a local
copy of the file gives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from video_sft.video.byte_source import ByteSource
from video_sft.video.container import failing, for_libav, header_of, open_container, video_stream
from video_sft.video.decoding import decode_all
from video_sft.video.timeline import Timeline
from video_sft.video.track import Track

__all__ = ["nominal_track", "read_nominal"]

#: libav takes the clock's rate for the frames' where a header does not tell.
_HIGHEST_RATE = 300
#: Nearer than this, reading on is cheaper than a seek.
_READ_ON_SECONDS = 2
#: How much earlier to seek when the first frames found are too late.
_STEPS_BACK_SECONDS = (0, 2, 10, 60)


def nominal_track(file: ByteSource, stream_index: int | None) -> Track | None:
    """Make a track with evenly spaced frames from what the header states; None where it states too little."""
    with open_container(for_libav(file), file.name) as container:
        stream = video_stream(container, file.name, stream_index)
        header = header_of(container, stream)
        with failing(file.name, "cannot be decoded"):
            frame = next((frame for frame, whole in decode_all(container, stream, file.name) if whole), None)
    rate, seconds = header.average_rate, header.container_seconds
    if frame is None or frame.pts is None or not rate or rate > _HIGHEST_RATE or not seconds:
        return None
    header = replace(header, width=frame.width, height=frame.height)
    step = 1 / (rate * header.time_base)
    first = Fraction(frame.pts) * header.time_base
    count = round((Fraction(seconds) - max(first, Fraction(0))) * rate)
    if count < 1:
        return None
    ticks = np.array([frame.pts + round(number * step) for number in range(count + 1)], np.int64)
    timeline = Timeline(ticks[:-1], int(ticks[-1]), header.time_base)
    return Track(header, timeline, -frame.rotation % 360, "nominal", None)


def read_nominal(
    file: ByteSource, track: Track, numbers: list[int], deliver: Callable[[int, Any], None]
) -> dict[int, tuple[int, int]]:
    """Find frames near their nominal times, in one pass forward.

    Args:
        file: the bytes.
        track: made by `nominal_track`.
        numbers: of the frames, ascending.
        deliver: takes each number and its frame.

    Returns:
        Real start and length of each frame found, in ticks.
    """
    found: dict[int, tuple[int, int]] = {}
    half = (
        max(1, round(1 / (2 * track.header.average_rate * track.header.time_base))) if track.header.average_rate else 1
    )
    with open_container(for_libav(file), file.name) as container:
        stream = container.streams[track.header.stream_index]
        shown: Any = None
        frames: Iterator[Any] = iter(())
        upcoming: Any = None
        for number in numbers:
            latest = int(track.timeline.ticks[number]) + half - 1
            if upcoming is None or (latest - upcoming.pts) * track.header.time_base > _READ_ON_SECONDS:
                shown, upcoming, frames = _enter(container, stream, file.name, latest, track.header.time_base)
            while upcoming is not None and upcoming.pts <= latest:
                shown, upcoming = upcoming, next(frames, None)
            if shown is not None and shown.pts <= latest:
                end = upcoming.pts if upcoming is not None else shown.pts + (shown.duration or 2 * half)
                found[number] = (shown.pts, end - shown.pts)
                deliver(number, shown)
    return found


def _enter(container: Any, stream: Any, name: str, latest: int, time_base: Fraction) -> tuple[Any, Any, Iterator[Any]]:
    """Seek to a place from which the frame shown at a time is decoded."""
    for seconds in _STEPS_BACK_SECONDS:
        with failing(name, "cannot be read from the middle"):
            container.seek(latest - round(seconds / time_base), stream=stream)
        frames = (frame for frame, whole in decode_all(container, stream, name) if whole and frame.pts is not None)
        first = next(frames, None)
        if first is not None and first.pts <= latest:
            return None, first, frames
    return None, None, iter(())
