"""The usual ways to choose a few frames from many, as plain functions from numbers to frame numbers.

All of them work on a `Timeline` and a range of frame numbers in it, so they are the same for local, remote and cut
videos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from video_sft.video._timeline import SAME_MOMENT, ImpossibleTimeError, Indices, Timeline

__all__ = ["Choice"]

#: How `count=` places frames: in the middle of each of so many equal segments (TSN at test time), by
#: ``np.linspace(begin, end - 1, count)`` cut to whole numbers (Video-ChatGPT, LLaVA-Video and others), and at random in
#: each segment (TSN at training time).
_METHODS = ("midpoints", "endpoints", "random")

#: A rate that repeats each frame so often, and gives more than so many, comes from a wrong time in the file.
_MOST_REPEATS, _MANY = 100, 100_000


@dataclass(frozen=True)
class Choice:
    """What a caller of `Clip.frames` asks for; see there.

    Raises:
        ValueError: more than one of `count`, `fps`, `times` and `indices` is given.
    """

    count: int | None = None
    fps: float | None = None
    times: Sequence[float] | None = None
    indices: Sequence[int] | None = None
    method: str = "midpoints"
    seed: int | None = None
    max_frames: int | None = None

    def __post_init__(self) -> None:
        if sum(choice is not None for choice in (self.count, self.fps, self.times, self.indices)) > 1:
            raise ValueError("give one of count, fps, times and indices")
        if self.max_frames is not None and self.fps is None:
            raise ValueError("max_frames goes with fps; give count for a fixed number of frames")

    def numbers(self, timeline: Timeline, begin: int, end: int, start: float | None, stop: float | None) -> Indices:
        """Return the numbers of the frames chosen from those of a clip, begin to end - 1, which are its [start, stop).

        Raises:
            ValueError: the choice is not possible.
            ImpossibleTimeError: a rate would give far more frames than there are.
            IndexError: a frame number is not in the clip.
        """
        last = timeline.end_seconds if stop is None else min(stop, timeline.end_seconds)
        if self.count is not None:
            return _by_count(begin, end, self.count, self.method, self.seed)
        if self.fps is not None:
            first = timeline.begin_seconds if start is None else start
            return _by_fps(timeline, begin, end, self.fps, start=first, stop=last, max_frames=self.max_frames)
        if self.times is not None:
            first = min(0.0, timeline.begin_seconds) if start is None else start
            return _by_times(timeline, begin, end, self.times, start=first, stop=last)
        if self.indices is not None:
            return _by_indices(begin, end, len(timeline), self.indices)
        return np.arange(begin, end, dtype=np.int64)


def _by_count(begin: int, end: int, count: int, method: str, seed: int | None) -> Indices:
    """Spread `count` frames evenly over frames ``begin`` to ``end - 1``; short clips repeat frames."""
    if count < 1:
        raise ValueError(f"count must be 1 or more, not {count}")
    edges = np.arange(count + 1, dtype=np.float64) * (end - begin) / count
    if method == "midpoints":
        offsets = np.floor((edges[:-1] + edges[1:]) / 2)
    elif method == "endpoints":
        offsets = np.linspace(0, end - begin - 1, count)
    elif method == "random":
        offsets = np.floor(np.random.default_rng(seed).uniform(edges[:-1], edges[1:]))
    else:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, not {method!r}")
    return np.asarray(begin + np.minimum(offsets.astype(np.int64), end - begin - 1))


def _by_fps(
    timeline: Timeline, begin: int, end: int, fps: float, *, start: float, stop: float, max_frames: int | None
) -> Indices:
    """Take the frames shown at ``start``, ``start + 1 / fps``, ... before ``stop``; high rates repeat frames.

    Where there would be more than `max_frames`, take this many, evenly spread, end points included.
    """
    if not fps > 0:
        raise ValueError(f"fps must be above 0, not {fps}")
    if max_frames is not None and max_frames < 1:
        raise ValueError(f"max_frames must be 1 or more, not {max_frames}")
    count = max(1, int(np.ceil((stop - start - SAME_MOMENT) * fps)))
    if max_frames is not None and count > max_frames:
        steps = np.linspace(0, count - 1, max_frames)
    elif count > max(_MANY, _MOST_REPEATS * (end - begin)):
        raise ImpossibleTimeError(
            f"{fps:g} frames a second from {start:g} s to {stop:g} s are {count:,}, of the {end - begin:,} there are: "
            "a time in the file may be wrong; max_frames sets a limit"
        )
    else:
        steps = np.arange(count, dtype=np.float64)
    return np.clip(timeline.shown_at(start + steps / fps), begin, end - 1)


def _by_times(
    timeline: Timeline, begin: int, end: int, times: Sequence[float], *, start: float, stop: float
) -> Indices:
    """Take the frame shown at each time, in seconds of the file; the clip's very end counts as its last frame."""
    wanted = np.asarray(times, dtype=np.float64)
    if wanted.ndim != 1 or not len(wanted):
        raise ValueError("times must be a list of one or more seconds")
    outside = ~((wanted >= start - SAME_MOMENT) & (wanted <= stop + SAME_MOMENT))
    if outside.any():
        raise ValueError(
            f"time {wanted[outside][0]:g} s is outside the clip, which goes from {start:g} s to {stop:g} s of the file"
        )
    return np.clip(timeline.shown_at(wanted), begin, end - 1)


def _by_indices(begin: int, end: int, total: int, indices: Sequence[int]) -> Indices:
    """Check frame numbers of the file, counted in display order; negative ones count from the file's end."""
    wanted = np.asarray(indices)
    if wanted.ndim != 1 or not len(wanted) or wanted.dtype.kind not in "iu":
        raise ValueError("indices must be a list of one or more whole numbers")
    wanted = wanted.astype(np.int64)
    resolved = np.where(wanted < 0, wanted + total, wanted)
    outside = (resolved < begin) | (resolved >= end)
    if outside.any():
        raise IndexError(
            f"frame {wanted[outside][0]} is not in the clip, which has frames {begin} to {end - 1} of the file"
        )
    return resolved
