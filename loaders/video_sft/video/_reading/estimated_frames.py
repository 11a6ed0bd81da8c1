"""Frames of a remote file without an index of all frames: those at about the right place, with the times they have."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._decoding.pictures import FrameForm, OtherSizeError, Painter
from video_sft.video._frames import Frames
from video_sft.video._headers.libav import failing
from video_sft.video._reading.exact_frames import room_for
from video_sft.video._reading.frame_decoding import read_pictures
from video_sft.video._streams.cue_search import find_by_cues
from video_sft.video._streams.estimated import find_by_seeking, latest_starts, step_ticks
from video_sft.video._streams.track import Track
from video_sft.video._timeline import Indices, seconds

__all__ = ["estimated_frames"]


def estimated_frames(
    file: ByteSource, stream_index: int | None, track: Track, chosen: Indices, wanted: FrameForm
) -> Frames | OtherSizeError | None:
    """Decode frames that are found by their time, and give the times they really have.

    Returns:
        The frames; the size they really have where it is not the one that the header states; None where one of them
        cannot be found in this way.

    Raises:
        VideoError: the file is broken, or cannot be fetched.
    """
    data = room_for(file, track, len(chosen), wanted)
    moments = latest_starts(track, chosen).tolist()
    found = find_by_cues(file, stream_index, moments, step_ticks(track), track)
    try:
        if found and not read_pictures(file, found.track, found.numbers, data, wanted.layout, wanted.num_threads):
            spans = found.starts, found.lengths
        else:
            sought = _sought(file, track, chosen, data, wanted)
            if sought is None:
                return None
            spans = sought
    except OtherSizeError as problem:
        return problem
    starts, lengths = (seconds(ticks, track.header.time_base) for ticks in spans)
    return Frames(data, starts + track.timeline.offset_seconds, lengths, chosen)


def _sought(
    file: ByteSource, track: Track, chosen: Indices, data: npt.NDArray[Any], wanted: FrameForm
) -> tuple[Indices, Indices] | None:
    """Decode frames in one pass of seeks; return when each starts and for how long it is shown, in ticks."""
    rows: dict[int, list[int]] = {}
    for position, number in enumerate(chosen.tolist()):
        rows.setdefault(number, []).append(position)
    painter = Painter(data, wanted.layout, track.orientation)
    with failing(file.name, "cannot be decoded"):
        found = find_by_seeking(
            file, track, np.unique(chosen), lambda number, frame: painter.paint(frame, rows[number])
        )
    if rows.keys() - found.keys():
        return None
    starts, lengths = np.array([found[number] for number in chosen.tolist()], np.int64).T
    return starts, lengths
