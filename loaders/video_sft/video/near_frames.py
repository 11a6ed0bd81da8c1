"""Frames of a remote file without an index of all frames: those at about the right place, with the times they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from video_sft.video.access.byte_source import ByteSource
from video_sft.video.decoding.pictures import Painter
from video_sft.video.decoding.reader import read_pictures
from video_sft.video.exact_frames import room_for
from video_sft.video.frames import Frames
from video_sft.video.tracks.cued import find_by_cues
from video_sft.video.tracks.nominal import latest_starts, read_nominal, step_ticks
from video_sft.video.tracks.timeline import Indices, seconds
from video_sft.video.tracks.track import Track
from video_sft.video.wanted import Wanted

__all__ = ["NotFoundError", "near_frames"]


class NotFoundError(Exception):
    """The file has to be read through to find a frame."""


def near_frames(file: ByteSource, stream_index: int | None, track: Track, chosen: Indices, wanted: Wanted) -> Frames:
    """Decode frames that are found by their time, and give the times they really have.

    Raises:
        NotFoundError: one of them cannot be found in this way.
        VideoError: the file is broken, or cannot be fetched.
        OtherSizeError: frames have another size than the header states.
    """
    data = room_for(file, track, len(chosen), wanted)
    latest = latest_starts(track, chosen)
    found = find_by_cues(file, stream_index, latest.tolist(), step_ticks(track), track)
    if found is not None and not read_pictures(
        file, found.track, found.numbers, data, wanted.layout, wanted.num_threads
    ):
        starts, lengths = found.starts, found.lengths
    else:
        starts, lengths = _sought(file, track, chosen, data, wanted)
    return Frames(data, seconds(starts, track.header.time_base), seconds(lengths, track.header.time_base), chosen)


def _sought(
    file: ByteSource, track: Track, chosen: Indices, data: npt.NDArray[Any], wanted: Wanted
) -> tuple[Indices, Indices]:
    """Decode frames in one pass of seeks; return when each starts and for how long it is shown, in ticks."""
    rows: dict[int, list[int]] = {}
    for position, number in enumerate(chosen.tolist()):
        rows.setdefault(number, []).append(position)
    painter = Painter(data, wanted.layout, track.rotation)
    found = read_nominal(file, track, np.unique(chosen), lambda number, frame: painter.paint(frame, rows[number]))
    missing = rows.keys() - found.keys()
    if missing:
        raise NotFoundError
    starts, lengths = np.array([found[number] for number in chosen.tolist()], np.int64).T
    return starts, lengths
