"""Decode frames of one file: the small interface that `Clip` stands on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from video_sft.errors import VideoError
from video_sft.video.frames import AudioTrack, VideoMetadata
from video_sft.video.sampling import Indices, Timeline
from video_sft.video.source import Source

__all__ = ["Probe", "probe", "read"]

_CONTAINERS = "mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,gif,flv,asf,ogg,h264,hevc,ivf,mxf,nut,webp_anim,wtv,dv"


@dataclass(frozen=True)
class Probe:
    """What is known of a file before any frame is converted."""

    metadata: VideoMetadata
    timeline: Timeline


@contextmanager
def _opened(source: Source) -> Iterator[tuple[Any, Any]]:
    with source.open() as file:
        try:
            container = av.open(
                file, metadata_errors="replace", options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"}
            )
        except (av.FFmpegError, ValueError) as error:
            raise VideoError(source.name, f"not a video this reader knows: {error}") from error
        with container:
            streams = [s for s in container.streams.video if not s.disposition & av.stream.Disposition.attached_pic]
            if not streams:
                raise VideoError(source.name, "there is no video in the file, only " + _kinds(container))
            yield container, streams[0]


def _kinds(container: Any) -> str:
    return ", ".join(sorted({stream.type for stream in container.streams})) or "an empty container"


def _decoded(source: Source, container: Any, stream: Any) -> Iterator[Any]:
    try:
        yield from container.decode(stream)
    except av.FFmpegError as error:
        raise VideoError(source.name, f"cannot be decoded: {error}") from error


def probe(source: Source) -> Probe:
    """Learn a file's facts and the time of every frame.

    Raises:
        VideoError: the file is broken or holds no video.
    """
    with _opened(source) as (container, stream):
        times, rotation, duration = [], 0, 0
        for frame in _decoded(source, container, stream):
            times.append(frame.pts)
            rotation, duration = frame.rotation, frame.duration
        if not times:
            raise VideoError(source.name, "not one frame can be decoded")
        ticks = np.array(times, dtype=np.int64)
        step = duration or (int(ticks[-1] - ticks[-2]) if len(ticks) > 1 else 1)
        timeline = Timeline(ticks, int(ticks[-1]) + step, Fraction(stream.time_base))
        seconds = timeline.end_seconds - timeline.begin_seconds
        upright = rotation % 180 == 0
        width, height = (stream.width, stream.height) if upright else (stream.height, stream.width)
        sound = container.streams.audio[0] if container.streams.audio else None
        metadata = VideoMetadata(
            duration_seconds=seconds,
            begin_seconds=timeline.begin_seconds,
            fps=len(ticks) / seconds,
            num_frames=len(ticks),
            width=width,
            height=height,
            rotation=-rotation % 360,
            codec=stream.codec.canonical_name,
            pixel_format=stream.codec_context.pix_fmt,
            container=container.format.name.split(",")[0],
            audio=sound and AudioTrack(sound.codec.canonical_name, sound.sample_rate, sound.channels),
        )
        return Probe(metadata, timeline)


def read(source: Source, known: Probe, indices: Indices, height: int, width: int) -> npt.NDArray[np.uint8]:
    """Decode the frames of the given numbers, in the order given, as uint8 (N, height, width, 3).

    Raises:
        VideoError: a frame cannot be decoded.
    """
    result = np.empty((len(indices), height, width, 3), np.uint8)
    turned = known.metadata.rotation % 180 != 0
    wanted: dict[int, list[int]] = {}
    for position, index in enumerate(indices):
        wanted.setdefault(int(index), []).append(position)
    with _opened(source) as (container, stream):
        for number, frame in enumerate(_decoded(source, container, stream)):
            positions = wanted.pop(number, ())
            if positions:
                sides = (height, width) if turned else (width, height)
                picture = frame.to_ndarray(format="rgb24", width=sides[0], height=sides[1])
                result[list(positions)] = np.rot90(picture, frame.rotation // 90)
            if not wanted:
                return result
    raise VideoError(source.name, f"frame {min(wanted)} cannot be decoded")
