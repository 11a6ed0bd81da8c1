"""The time stamps of frames, in the form in which processors take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from video_sft.errors import ConfigError
from video_sft.training._video_part import VideoPart
from video_sft.video import Clip, Frames

__all__ = ["TimeOrigin", "check_origin", "seconds_apart", "stamps_of", "times_shown", "video_metadata"]

#: Whether stamps count from the file's beginning or from the clip's.
TimeOrigin = Literal["file", "clip"]


def video_metadata(clip: Clip, frames: Frames, *, time: TimeOrigin = "file") -> dict[str, Any]:
    """Return what a processor of `transformers` has to know of frames that were decoded before.

    Without it, processors take frames for the file's first ones at 24 a second: a clip of the seconds 20 to 24 is
    stamped 0.0 to 0.3 by Qwen3-VL, and Qwen2.5-VL spaces its positions as if the frames were ten times as dense.

    Stamps are frame numbers over a rate, of which processors know only the one of a file of constant rate. Here they
    are each frame's real time by that rate, so that they are right for variable rates too; such frame numbers need not
    be whole. `total_num_frames` is the stretch that the frames stand for, from which Qwen2.5-VL takes their spacing.

    Args:
        clip: the clip they were decoded from; only its header is read.
        frames: what `Clip.frames` gave.
        time: ``file``: stamps are seconds of the file, as `start_seconds` and `stop_seconds` of rows are; ``clip``:
            seconds from the clip's start.

    Returns:
        ``fps``, ``frames_indices``, ``total_num_frames``, ``duration``, ``width`` and ``height``. All stamps lie within
        the clip.

    Raises:
        ConfigError: there is no such `time`.
        VideoError: the clip cannot be read.

    Example:
        >>> frames = clip.frames(fps=2)
        >>> processor(
        ...     text=text,
        ...     videos=[frames.data],
        ...     videos_kwargs={"video_metadata": [video_metadata(clip, frames)], "do_sample_frames": False},
        ... )
    """
    check_origin(time)
    return stamps_of(frames.pts_seconds, VideoPart.of(clip), time)


def check_origin(time: str) -> None:
    """Refuse what is no origin of time.

    Raises:
        ConfigError: there is no such `time`.
    """
    if time not in ("file", "clip"):
        raise ConfigError(f"time is 'file' or 'clip', not {time!r}")


def stamps_of(times: Sequence[float] | npt.NDArray[np.float64], part: VideoPart, time: TimeOrigin) -> dict[str, Any]:
    """Return the metadata of frames of a part of a video, by the moments they are shown at, in seconds of the file."""
    within = np.clip(np.asarray(times, np.float64), part.begin_seconds, part.end_seconds)
    fps = part.fps if part.fps > 0 else 1.0
    numbers = (within - (part.begin_seconds if time == "clip" else 0.0)) * fps
    return {
        "fps": fps,
        "frames_indices": np.round(numbers, 9).tolist(),
        "total_num_frames": len(within) * seconds_apart(within, part) * fps,
        "duration": part.end_seconds - part.begin_seconds,
        "width": part.width,
        "height": part.height,
    }


def seconds_apart(times: Sequence[float] | npt.NDArray[np.float64], part: VideoPart) -> float:
    """Return how far apart frames are, on average; one frame stands for the whole part."""
    step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 0.0
    return float(step if step > 0 else (part.end_seconds - part.begin_seconds) / len(times))


def times_shown(times: Sequence[float], frames: Frames) -> npt.NDArray[np.float64]:
    """Return the moments that frames are of: those asked for, or where another frame was given, that one's own."""
    asked = np.asarray(times, np.float64)
    begins, ends = frames.pts_seconds, frames.pts_seconds + frames.duration_seconds
    shown = (begins <= asked + _SAME_MOMENT) & (asked < ends + _SAME_MOMENT)
    return np.where(shown, asked, begins)


#: As for the clips themselves: times closer than this are one moment.
_SAME_MOMENT = 1e-7
