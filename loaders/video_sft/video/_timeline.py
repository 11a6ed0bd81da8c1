"""The timeline of a file: when each of its frames is shown."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

__all__ = ["SAME_MOMENT", "ImpossibleTimeError", "Indices", "Timeline", "seconds", "step_of"]

Indices = npt.NDArray[np.int64]

#: Times closer than this are the same moment: sums of decimal fractions miss a frame's start by some 1e-15 seconds,
#: the finest clock in use ticks every 1e-6.
SAME_MOMENT = 1e-7


class ImpossibleTimeError(ValueError):
    """A clip's limits, or times in its file, cannot be right: the data are at fault, rather than the caller."""


@dataclass(frozen=True)
class Timeline:
    """When the frames of a file are shown, in display order.

    Attributes:
        ticks: start of each frame, in units of `time_base`, ascending int64 (N,).
        end_tick: when the last frame ends.
        time_base: seconds in one tick.
        offset_seconds: what is added to every time: where in a longer video the file was cut out.
    """

    ticks: npt.NDArray[np.int64]
    end_tick: int
    time_base: Fraction
    offset_seconds: float = 0.0

    def __len__(self) -> int:
        return len(self.ticks)

    def seconds(self, indices: Indices | slice = slice(None)) -> npt.NDArray[np.float64]:
        """Return the start of the frames, each the float nearest to the exact fraction."""
        return self._seconds(self.ticks[indices])

    def durations(self, indices: Indices) -> npt.NDArray[np.float64]:
        """Return for how long each frame is shown: until the next one starts."""
        following = np.append(self.ticks[1:], self.end_tick)
        return seconds(following[indices] - self.ticks[indices], self.time_base)

    @property
    def begin_seconds(self) -> float:
        """When the first frame starts."""
        return float(self._seconds(self.ticks[:1])[0])

    @property
    def end_seconds(self) -> float:
        """When the last frame ends."""
        return float(self._seconds(np.array([self.end_tick]))[0])

    def _seconds(self, ticks: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        times = seconds(ticks, self.time_base)
        return times + self.offset_seconds if self.offset_seconds else times

    def shown_at(self, times: npt.NDArray[np.float64]) -> Indices:
        """Return the frame shown at each time: the last one that starts at or before it, else the first frame."""
        found = np.searchsorted(self.seconds(), times + SAME_MOMENT, side="right") - 1
        return np.maximum(found, 0).astype(np.int64)

    def range_of(self, start: float | None, stop: float | None) -> tuple[int, int]:
        """Return the half-open range of frames shown at any moment of [start, stop); it holds at least one frame.

        Raises:
            ImpossibleTimeError: the clip begins after the video's end, or stops before it starts.
        """
        if start is not None and stop is not None and start >= stop:
            raise ImpossibleTimeError(f"the clip goes from {start:g} s to {stop:g} s, which is no time at all")
        if start is not None and start >= self.end_seconds - SAME_MOMENT:
            raise ImpossibleTimeError(f"the clip starts at {start:g} s, but the video ends at {self.end_seconds:g} s")
        first = 0 if start is None else int(self.shown_at(np.array([start]))[0])
        if stop is None:
            return first, len(self)
        last = int(np.searchsorted(self.seconds(), stop - SAME_MOMENT, side="left"))
        return first, max(last, first + 1)


def seconds(ticks: npt.NDArray[np.int64], time_base: Fraction) -> npt.NDArray[np.float64]:
    """Turn ticks into seconds, each the float nearest to the exact fraction."""
    numerator = np.asarray(ticks, dtype=np.int64) * np.int64(time_base.numerator)
    return np.asarray(numerator / np.float64(time_base.denominator))


def step_of(ticks: npt.NDArray[np.int64]) -> int:
    """Return how long the last frame is taken to be shown where nothing says so: as long as the one before."""
    return int(ticks[-1] - ticks[-2]) if len(ticks) > 1 else 1
