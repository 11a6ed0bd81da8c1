"""The moments of a video that a model sees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from video_sft.errors import ConfigError
from video_sft.training._stamps import TimeOrigin, check_origin
from video_sft.training._video_part import VideoPart

__all__ = ["Sampling"]

#: Times closer than this are one moment, so that 4 s at 2 frames a second are 8 frames, not 9.
_SAME_MOMENT = 1e-7


@dataclass(frozen=True)
class Sampling:
    """How a video is sampled, and how long a row may become; see `Collator`.

    Raises:
        ConfigError: not exactly one of `fps` and `count`, or a value that is not possible.
    """

    fps: float | None = None
    count: int | None = None
    max_frames: int | None = None
    max_tokens: int | None = None
    time: TimeOrigin = "file"
    sound: bool = False

    def __post_init__(self) -> None:
        if (self.fps is None) == (self.count is None):
            raise ConfigError("give one of fps= (frames a second) and count= (frames of each video)")
        if self.fps is not None and not (math.isfinite(self.fps) and self.fps > 0):
            raise ConfigError(f"fps is {self.fps!r}; it should be above 0")
        for name in ("count", "max_frames", "max_tokens"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigError(f"{name} is {value!r}; it should be a whole number from 1")
        if self.count is not None and self.max_frames is not None:
            raise ConfigError("max_frames goes with fps; count is the number of frames itself")
        check_origin(self.time)

    def times(self, part: VideoPart, at_least: int = 1, at_most: int | None = None) -> npt.NDArray[np.float64]:
        """Return the moments to show, in seconds of the file.

        With `fps` they are the part's beginning and every ``1 / fps`` seconds from there; with `count` the middles of
        so many equal stretches.

        Args:
            part: the part of a video.
            at_least: how many the model needs at least; a part too short for them is cut into that many stretches.
            at_most: how many there may be; when there would be more, they are spread over the same stretch of time.
        """
        begin, span = part.begin_seconds, part.end_seconds - part.begin_seconds
        most = min(limit for limit in (self.max_frames, at_most, math.inf) if limit is not None)
        if self.fps is not None:
            count = max(1, math.ceil((span - _SAME_MOMENT) * self.fps))
            if count >= at_least:
                steps = np.linspace(0, count - 1, int(most)) if count > most else np.arange(count, dtype=np.float64)
                return np.asarray(begin + steps / self.fps)
        stretches = int(max(at_least, min(self.count or 1, most)))
        return np.asarray(begin + (np.arange(stretches) + 0.5) * span / stretches)
