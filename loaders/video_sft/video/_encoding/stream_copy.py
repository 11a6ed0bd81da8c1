"""A part of a video copied without encoding its frames anew, where it can begin at a key frame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from video_sft._files import NO_ROOM
from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._encoding.readable_clip import ReadableClip
from video_sft.video._encoding.sound import SoundTrack
from video_sft.video._headers.libav import for_libav, open_container
from video_sft.video._streams.track import Track
from video_sft.video._timeline import ImpossibleTimeError

__all__ = ["copy_part"]


def copy_part(
    clip: ReadableClip, target: Path, start: float | None, stop: float | None, *, early: bool, sound: bool = True
) -> float | None:
    """Copy the packets of the frames shown between two seconds into an MP4 file that begins at 0.

    The file may go on for the few frames that those before `stop` are predicted from.

    Args:
        clip: the whole video, on this machine.
        target: the file.
        start: in seconds; None is the beginning.
        stop: in seconds; None is the end.
        early: begin at the key frame before `start`, rather than not at all, where the frame shown then is none.
        sound: False leaves the sound out.

    Returns:
        Second of the original that the file begins at. None where the part cannot be copied: it begins at no key frame,
        or its file would not give the original's frames back.

    Raises:
        VideoError: the original cannot be read.
    """
    track = clip._file.track(exact=True)
    if not isinstance(track, Track) or track.table is None or track.orientation.rotation or track.orientation.mirrored:
        return None
    table, timeline = track.table, track.timeline
    try:
        first, last = timeline.range_of(start, stop)
    except ImpossibleTimeError as error:
        raise VideoError(clip.path or "the video", str(error)) from error
    entry = table.entry(int(table.rows[first]))
    if not table.key[entry] or not table.shown[entry]:
        return None
    begin = int(table.ordinals[entry])
    if begin != first and not early:
        return None
    origin = int(timeline.ticks[begin])
    offset = float(timeline.seconds(np.array([begin]))[0])
    ends = np.append(timeline.ticks, timeline.end_tick)
    stop_second = offset + float((int(ends[last]) - origin) * timeline.time_base)
    wanted = set(timeline.ticks[begin:last].tolist())
    try:
        with closing(clip._file.source.open()) as file, _written(target) as container:
            if not _copy(file, track, container, origin, wanted, clip if sound else None, (offset, stop_second)):
                return None
    except (av.FFmpegError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            raise
        return None  # MP4 does not take this codec, or these times
    return offset if _is_same(clip, target, begin, last, offset) else None


def _written(target: Path) -> Any:
    return av.open(str(target), "w", format="mp4", options={"movflags": "+faststart"})


def _copy(
    file: ByteSource,
    track: Track,
    container: Any,
    origin: int,
    wanted: set[int],
    heard: ReadableClip | None,
    seconds: tuple[float, float],
) -> bool:
    """Copy packets from a key frame on until all wanted ones are there, then the sound; return whether they are."""
    left = set(wanted)
    with open_container(for_libav(file), file.name) as given:
        stream = given.streams[track.header.stream_index]
        if Fraction(stream.time_base) != track.timeline.time_base:
            return False
        copy = container.add_stream_from_template(stream, opaque=True)
        audio = track.header.audio
        sound = SoundTrack(container, audio) if heard is not None and audio is not None else None
        for packet in _from(given, stream, origin):
            left.discard(packet.pts)
            packet.pts, packet.dts, packet.stream = packet.pts - origin, packet.dts - origin, copy
            container.mux(packet)
            if not left:
                break
    if sound is not None and heard is not None and not left:
        sound.write(heard, *seconds)
    return not left


def _from(given: Any, stream: Any, origin: int) -> Iterator[Any]:
    """Yield packets from the key frame shown at a tick on, without those shown before it: they lean on earlier ones."""
    given.seek(origin, stream=stream)
    begun = False
    for packet in given.demux(stream):
        if packet.pts is None or packet.dts is None:
            continue
        begun = begun or (packet.is_keyframe and packet.pts == origin)
        if begun and packet.pts >= origin:
            yield packet


def _is_same(clip: ReadableClip, target: Path, begin: int, last: int, offset: float) -> bool:
    """Return whether a copy has the original's frames at the original's times: the first, the last, one between."""
    copy = type(clip)(target)  # type: ignore[call-arg]
    try:
        made = copy._file.track()
        assert isinstance(made, Track)
        count = last - begin
        times = clip._file.track().timeline.seconds(np.arange(begin, last)) - offset
        if len(made.timeline) < count or np.abs(made.timeline.seconds(np.arange(count)) - times).max() > 1e-6:
            return False
        some = sorted({0, count // 2, count - 1})
        ours = copy.frames(indices=some, num_threads=1).data
        theirs = clip.frames(indices=[begin + number for number in some], num_threads=1).data
    except VideoError:
        return False
    return ours.shape == theirs.shape and bool((ours == theirs).all())
