"""A clip as a file or a folder for other trainers: its frames from the beginning to the end, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from video_sft.video._encoding.clip_file import Form, Shown, write_clip
from video_sft.video._encoding.readable_clip import ReadableClip
from video_sft.video._frames import VideoMetadata
from video_sft.video._timeline import Timeline

__all__ = ["still_times", "write_stills", "write_trimmed"]

#: Fine enough for every usual rate: 29.97 frames a second are 3003 ticks each.
_TICK = Fraction(1, 90_000)
#: Pictures held in memory at a time, in bytes.
_HELD = 128 << 20


def write_trimmed(
    clip: ReadableClip, target: Path | BinaryIO, *, shortest_side: int | None = None, quick: bool = False
) -> None:
    """Write a clip as an MP4 file (H.264, and AAC where there is sound) that begins at 0.

    Frames keep their times, so that a variable rate stays one; the first is shown from the clip's start on, the last
    until its stop. A clip of a single frame has it twice, each for half of the time: trainers refuse fewer than two.

    Args:
        clip: what to write.
        target: the file, by its path or open for writing.
        shortest_side: in pixels, of larger pictures; None leaves them as large as they are.
        quick: for looking at once rather than for keeping.

    Raises:
        VideoError: the clip cannot be read.
    """
    form = Form(quality=26, preset="ultrafast") if quick else Form()
    if shortest_side is not None and shortest_side < min(clip.metadata.width, clip.metadata.height):
        form = replace(form, short_side=shortest_side)
    write_clip(clip, target, lambda timeline: _shown(clip, timeline), form)


def still_times(facts: VideoMetadata, clip: ReadableClip, fps: float, max_frames: int | None) -> list[float]:
    """Return the seconds of the stills of a clip: every ``1 / fps``, or fewer, evenly, where there may be no more."""
    begin, end = facts.within(clip.start_seconds or 0.0, clip.stop_seconds)
    count = max(1, int(np.ceil((end - begin) * fps - 1e-6)))
    steps = np.arange(count) if max_frames is None or count <= max_frames else np.linspace(0, count - 1, max_frames)
    times: list[float] = (begin + steps / fps).tolist()
    return times


def write_stills(
    clip: ReadableClip, folder: Path, *, fps: float, max_frames: int | None = None, short_side: int | None = None
) -> None:
    """Write the frames shown every ``1 / fps`` seconds of a clip as numbered JPEG files.

    Raises:
        VideoError: the clip cannot be read.
    """
    facts = clip.metadata
    times = still_times(facts, clip, fps, max_frames)
    each = max(2, _HELD // (facts.width * facts.height * 3))
    for first in range(0, len(times), each):
        frames = clip.frames(times=times[first : first + each], size=short_side, num_threads=1)
        for number, picture in enumerate(frames.data, first + 1):
            Image.fromarray(picture).save(folder / f"{number:06d}.jpg", quality=95)


def _shown(clip: ReadableClip, timeline: Timeline) -> Shown:
    first, stop = timeline.range_of(clip.start_seconds, clip.stop_seconds)
    numbers = np.arange(first, stop)
    begin = max(timeline.begin_seconds, clip.start_seconds or 0.0)
    end = timeline.end_seconds if clip.stop_seconds is None else min(timeline.end_seconds, clip.stop_seconds)
    shown = np.maximum(timeline.seconds(numbers) - begin, 0.0)
    ticks = np.rint(shown / float(_TICK)).astype(np.int64)
    last = max(round((end - begin) / float(_TICK)), int(ticks[-1]) + 1)
    keep = np.append(np.diff(ticks) > 0, True)  # of two at one moment the later is the one that is seen
    ticks, numbers = ticks[keep], numbers[keep]
    if len(ticks) == 1:
        ticks, last, numbers = np.array([0, max(1, last // 2)]), max(last, 2), np.repeat(numbers, 2)
    return Shown(numbers, ticks, last, _TICK, begin)
