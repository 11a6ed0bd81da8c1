"""The settings of a job: what is to be done with each video, and how."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from video_sft.errors import ConfigError

__all__ = ["DEFAULT_STEPS", "STEPS", "Settings"]

#: In the order in which they are done.
STEPS = ("probe", "health", "fingerprint", "trim", "transcode", "frames")
DEFAULT_STEPS = ("probe", "trim", "transcode")
_TRIMS = ("exact", "copy")


@dataclass(frozen=True)
class Settings:
    """The steps and their parameters; see `video_sft.prepare`.

    Attributes:
        root: where the results go, as `root_text` has it.
        steps: some of `STEPS`.
        size: shortest side, in pixels.
        worth: a video is made smaller where its shortest side is more than so many times `size`.
        max_fps: frames a second, or None for all of them; of `frames`, the rate.
        key_seconds: from key frame to key frame.
        quality: x264's rate factor.
        trim: `exact` or `copy`.
        encoder: of H.264; `auto` is the best that works where the step runs.
        returned: whether files come back with the facts, rather than being put into the root where they are made.
    """

    root: str
    steps: tuple[str, ...] = DEFAULT_STEPS
    size: int = 224
    worth: float = 1.5
    max_fps: float | None = None
    key_seconds: float = 1.0
    quality: int = 23
    trim: str = "exact"
    encoder: str = "auto"
    returned: bool = False

    def __post_init__(self) -> None:
        unknown = [name for name in self.steps if name not in STEPS]
        if unknown or not self.steps:
            told = f"has no {', '.join(map(repr, unknown))}" if unknown else "is empty"
            raise ConfigError(f"steps {told}; the steps are {', '.join(STEPS)}")
        if self.trim not in _TRIMS:
            raise ConfigError(f"trim is {self.trim!r}; it is one of {', '.join(_TRIMS)}")
        positive = {"size": self.size, "worth": self.worth, "key_seconds": self.key_seconds}
        positive |= {} if self.max_fps is None else {"max_fps": self.max_fps}
        for name, value in positive.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
                raise ConfigError(f"{name} is {value!r}; it is a number above 0")
        if not isinstance(self.size, int) or self.size % 2:
            raise ConfigError(f"size is {self.size!r}; it is an even number of pixels, as H.264 has them")
        if isinstance(self.quality, bool) or not isinstance(self.quality, int) or not 0 <= self.quality <= 51:
            raise ConfigError(f"quality is {self.quality!r}; it is a whole number from 0 (best) to 51")

    @property
    def writes(self) -> bool:
        """Whether any step makes files."""
        return bool({"trim", "transcode", "frames"} & set(self.steps))

    @property
    def told(self) -> str:
        """The steps and those parameters they use, as a manifest has them: another text is another result."""
        found: dict[str, Any] = {"steps": [name for name in STEPS if name in self.steps]}
        used: Sequence[str] = ()
        if self.writes:
            used = ("size", "worth", "max_fps") if {"transcode", "frames"} & set(self.steps) else ()
            used = (*used, "key_seconds", "quality", "encoder") if "frames" not in self.steps else used
            used = (*used, "trim") if "trim" in self.steps else used
        return json.dumps(found | {name: getattr(self, name) for name in used})
