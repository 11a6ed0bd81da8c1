"""Frames of a file whose every frame is known by its number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._decoding.pictures import FrameForm, OtherSizeError, empty_pictures
from video_sft.video._decoding.sizing import output_size
from video_sft.video._frames import Frames, Replacement
from video_sft.video._reading.frame_decoding import MISSING, UNREACHABLE, first_size, nearest_decodable, read_pictures
from video_sft.video._streams.scanned import decoded_track
from video_sft.video._streams.track import Track
from video_sft.video._timeline import Indices

__all__ = ["Problem", "better_track", "exact_frames", "frames_with_stand_ins", "room_for"]

#: What is in the way of frames: the reason for each that cannot be decoded, by its number, or another size than stated.
Problem: TypeAlias = dict[int, str] | OtherSizeError

#: Codecs whose packets may rightly give no frame; of the others, one that is missing was lost. HEVC's may after a cut,
#: but in a transport stream, lost ones are likelier.
_HIDES_FRAMES = frozenset({"vp8", "vp9", "av1", "mpeg4"})


def exact_frames(file: ByteSource, track: Track, chosen: Indices, wanted: FrameForm) -> Frames | Problem:
    """Decode frames by their numbers; or give what is in the way of them."""
    data = room_for(file, track, len(chosen), wanted)
    try:
        failures = read_pictures(file, track, chosen, data, wanted.layout, wanted.num_threads)
    except OtherSizeError as problem:
        return problem
    if failures:
        return failures
    mended = tuple(row for row, number in enumerate(chosen.tolist()) if number in track.mended)
    return Frames(data, track.timeline.seconds(chosen), track.timeline.durations(chosen), chosen, mended=mended)


def frames_with_stand_ins(
    file: ByteSource, track: Track, chosen: Indices, failures: dict[int, str], begin: int, end: int, wanted: FrameForm
) -> Frames | Problem:
    """Decode frames, each that cannot be decoded replaced by the nearest one of [begin, end) that can.

    Returns:
        The frames; or what is in the way of those that nothing can stand in for.
    """
    stand_in = nearest_decodable(file, track, failures, begin, end, wanted.num_threads)
    replaced = tuple(
        Replacement(position, number, stand_in[number])
        for position, number in enumerate(chosen.tolist())
        if number in stand_in
    )
    given = np.array([stand_in.get(number, number) for number in chosen.tolist()], np.int64)
    result = exact_frames(file, track, given, wanted)
    return replace(result, replaced=replaced) if isinstance(result, Frames) else result


def better_track(file: ByteSource, stream_index: int | None, track: Track, problem: Problem) -> Track | None:
    """Understand a stream anew whose header, or whose packets, promise other frames than the decoder gives.

    Returns:
        What it really is; None where nothing better can be known.
    """
    if isinstance(problem, OtherSizeError):
        width, height = first_size(file, track) or (problem.width, problem.height)
        return replace(track, header=replace(track.header, width=width, height=height), measured=True)
    reasons = set(problem.values())
    if UNREACHABLE in reasons:
        return decoded_track(file, stream_index)
    codec = track.header.codec
    hides = track.access == "stored" if codec == "hevc" else codec in _HIDES_FRAMES and track.table is not None
    if not hides or file.remote or reasons != {MISSING}:
        return None
    try:
        counted = decoded_track(file, stream_index)
    except VideoError:
        return None
    return None if counted.damaged or len(counted.timeline) == len(track.timeline) else counted


def room_for(file: ByteSource, track: Track, count: int, wanted: FrameForm) -> npt.NDArray[Any]:
    """Allocate the result.

    Raises:
        VideoError: it would be too large.
        ValueError: the form wanted is not one there is.
    """
    height, width = track.shape
    if wanted.square_pixels:
        width = max(1, round(width * track.pixel_aspect_ratio))
    height, width = output_size(wanted.size, height, width)
    return empty_pictures(file.name, count, height, width, layout=wanted.layout, dtype=wanted.dtype)
