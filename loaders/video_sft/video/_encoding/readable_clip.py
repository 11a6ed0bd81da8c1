"""The interface to a clip that encoders know, so that clips may show themselves by them."""

from __future__ import annotations

from typing import Any, Protocol

from video_sft.video._frames import Audio, Frames, VideoMetadata

__all__ = ["ReadableClip"]


class ReadableClip(Protocol):
    """What of `Clip` is used to write it."""

    _file: Any
    start_seconds: float | None
    stop_seconds: float | None

    @property
    def path(self) -> str | None:
        """The path or URL, if there is one."""

    @property
    def metadata(self) -> VideoMetadata:
        """Facts about the whole file."""

    def part(self, start_seconds: float | None, stop_seconds: float | None) -> Any:
        """Give a part of it."""

    def frames(self, *, indices: Any = ..., times: Any = ..., size: Any = ..., num_threads: int | None = ...) -> Frames:
        """Decode frames."""

    def audio(self, *, sampling_rate: int | None = ..., mono: bool = ...) -> Audio:
        """Decode the sound."""
