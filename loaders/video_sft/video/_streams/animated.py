"""Animated pictures that libav does not read."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._decoding.orientation import UPRIGHT
from video_sft.video._headers.libav import Header
from video_sft.video._headers.webp import is_animated_webp, webp_durations, webp_size
from video_sft.video._streams.track import Track
from video_sft.video._timeline import Timeline

__all__ = ["animated_track"]


def animated_track(file: ByteSource, stream_index: int | None) -> Track | None:
    """Understand an animated WebP; None for all other files.

    Raises:
        VideoError: it is broken, or has no such stream.
    """
    if not is_animated_webp(file):
        return None
    if stream_index not in (None, 0):
        raise VideoError(file.name, f"there is no video stream {stream_index} in the file (video)")
    file.read_through()
    width, height = webp_size(file)
    durations = webp_durations(file)
    if not durations:
        raise VideoError(file.name, "not one frame can be decoded")
    header = Header(0, "webp", "webp", width, height, Fraction(1, 1000), len(durations), container="webp")
    ends = np.cumsum(np.array(durations, np.int64))
    timeline = Timeline(ends - durations, int(ends[-1]), header.time_base)
    return Track(header, timeline, UPRIGHT, "sequential", None, measured=True)
