"""Which frames: the usual ways to choose a few from many, as plain functions from numbers to frame numbers.

All of them work on a `Timeline`, the times of a file's frames in display order, and a range of frame numbers in it, so
they are the same for local, remote and cut videos.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["COUNT_METHODS", "Indices", "Timeline", "by_count", "by_fps", "by_indices", "by_times"]

Indices = npt.NDArray[np.int64]

#: Times closer than this are the same moment: sums of decimal fractions miss a frame's start by some 1e-15 seconds,
#: the finest clock in use ticks every 1e-6.
_SAME_MOMENT = 1e-7

#: How `count=` places frames: TSN's segment midpoints, the end points of `numpy.linspace`, TSN's random frame per
#: segment.
COUNT_METHODS = ("midpoints", "endpoints", "random")


@dataclass(frozen=True)
class Timeline:
    """When the frames of a file are shown, in display order.

    Attributes:
        ticks: start of each frame, in units of `time_base`, ascending int64 (N,).
        end_tick: when the last frame ends.
        time_base: seconds in one tick.
    """

    ticks: npt.NDArray[np.int64]
    end_tick: int
    time_base: Fraction

    def __len__(self) -> int:
        return len(self.ticks)

    def seconds(self, indices: Indices | slice = slice(None)) -> npt.NDArray[np.float64]:
        """Return the start of the frames, each the float nearest to the exact fraction."""
        return _seconds(self.ticks[indices], self.time_base)

    def durations(self, indices: Indices) -> npt.NDArray[np.float64]:
        """Return for how long each frame is shown: until the next one starts."""
        following = np.append(self.ticks[1:], self.end_tick)
        return _seconds(following[indices] - self.ticks[indices], self.time_base)

    @property
    def begin_seconds(self) -> float:
        """When the first frame starts."""
        return float(_seconds(self.ticks[:1], self.time_base)[0])

    @property
    def end_seconds(self) -> float:
        """When the last frame ends."""
        return float(_seconds(np.array([self.end_tick]), self.time_base)[0])

    def shown_at(self, times: npt.NDArray[np.float64]) -> Indices:
        """Return the frame shown at each time: the last one that starts at or before it, else the first frame."""
        found = np.searchsorted(self.seconds(), times + _SAME_MOMENT, side="right") - 1
        return np.maximum(found, 0).astype(np.int64)

    def range_of(self, start: float | None, stop: float | None) -> tuple[int, int]:
        """Return the half-open range of frames shown at any moment of [start, stop); it holds at least one frame.

        Raises:
            ValueError: the clip begins after the video's end.
        """
        if start is not None and start >= self.end_seconds - _SAME_MOMENT:
            raise ValueError(f"the clip starts at {start:g} s, but the video ends at {self.end_seconds:g} s")
        first = 0 if start is None else int(self.shown_at(np.array([start]))[0])
        if stop is None:
            return first, len(self)
        last = int(np.searchsorted(self.seconds(), stop - _SAME_MOMENT, side="left"))
        return first, max(last, first + 1)


def by_count(begin: int, end: int, count: int, method: str = "midpoints", seed: int | None = None) -> Indices:
    """Spread `count` frames evenly over frames ``begin`` to ``end - 1``; short clips repeat frames.

    Args:
        begin: first frame of the clip.
        end: one past its last frame.
        count: how many frames are wanted.
        method: ``midpoints`` takes the middle of each of `count` equal segments (TSN at test time), ``endpoints`` is
            ``np.linspace(begin, end - 1, count)`` cut to whole numbers (Video-ChatGPT, LLaVA-Video and others),
            ``random`` draws one frame from each segment (TSN at training time).
        seed: for ``random``: the same seed gives the same frames.

    Raises:
        ValueError: the count or the method is not one there is.
    """
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
        raise ValueError(f"method must be one of {', '.join(COUNT_METHODS)}, not {method!r}")
    return np.asarray(begin + np.minimum(offsets.astype(np.int64), end - begin - 1))


def by_fps(
    timeline: Timeline, begin: int, end: int, fps: float, *, start: float, stop: float, max_frames: int | None = None
) -> Indices:
    """Take the frames shown at ``start``, ``start + 1 / fps``, ... before ``stop``.

    Args:
        timeline: times of the file's frames.
        begin: first frame of the clip.
        end: one past its last frame.
        fps: frames a second; more than the file has repeats frames, so that the spacing stays even.
        start: where the clip begins, in seconds of the file.
        stop: where it ends.
        max_frames: when there would be more, take this many, evenly spread, end points included.

    Raises:
        ValueError: the rate or the maximum is not above zero.
    """
    if not fps > 0:
        raise ValueError(f"fps must be above 0, not {fps}")
    if max_frames is not None and max_frames < 1:
        raise ValueError(f"max_frames must be 1 or more, not {max_frames}")
    count = max(1, int(np.ceil((stop - start - _SAME_MOMENT) * fps)))
    if max_frames is not None and count > max_frames:
        steps = np.linspace(0, count - 1, max_frames)
    else:
        steps = np.arange(count, dtype=np.float64)
    return np.clip(timeline.shown_at(start + steps / fps), begin, end - 1)


def by_times(timeline: Timeline, begin: int, end: int, times: Sequence[float], *, start: float, stop: float) -> Indices:
    """Take the frame shown at each time, in seconds of the file; the clip's very end counts as its last frame.

    Raises:
        ValueError: a time lies outside the clip.
    """
    wanted = np.asarray(times, dtype=np.float64)
    if wanted.ndim != 1 or not len(wanted):
        raise ValueError("times must be a list of one or more seconds")
    outside = ~((wanted >= start - _SAME_MOMENT) & (wanted <= stop + _SAME_MOMENT))
    if outside.any():
        raise ValueError(
            f"time {wanted[outside][0]:g} s is outside the clip, which goes from {start:g} s to {stop:g} s of the file"
        )
    return np.clip(timeline.shown_at(wanted), begin, end - 1)


def by_indices(begin: int, end: int, total: int, indices: Sequence[int]) -> Indices:
    """Check frame numbers of the file, counted in display order; negative ones count from the file's end.

    Raises:
        ValueError: not whole numbers.
        IndexError: a frame is not one of the clip's.
    """
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


def _seconds(ticks: npt.NDArray[np.int64], time_base: Fraction) -> npt.NDArray[np.float64]:
    numerator = np.asarray(ticks, dtype=np.int64) * np.int64(time_base.numerator)
    return np.asarray(numerator / np.float64(time_base.denominator))
