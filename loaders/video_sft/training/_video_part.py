"""A part of a video, by facts: what planning has to know of it, without opening the file."""

from __future__ import annotations

from dataclasses import dataclass

from video_sft.errors import VideoError
from video_sft.video import Clip, VideoMetadata

__all__ = ["VideoPart"]


@dataclass(frozen=True)
class VideoPart:
    """A part of a video.

    Attributes:
        name: the file, for messages.
        begin_seconds: where it begins, on the file's timeline; never before the first frame.
        end_seconds: where it ends; never after the last frame's end.
        fps: frames a second of the file, on average.
        width: pixels across, as shown.
        height: pixels down, as shown.
        has_sound: whether the file has an audio track.
    """

    name: str
    begin_seconds: float
    end_seconds: float
    fps: float
    width: int
    height: int
    has_sound: bool

    @classmethod
    def of(cls, clip: Clip, facts: VideoMetadata | None = None) -> VideoPart:
        """Return the part that a clip is of.

        Args:
            clip: with or without limits.
            facts: of the file; None reads its header.

        Raises:
            VideoError: the file cannot be read, or ends before the clip starts.
        """
        facts = clip.metadata if facts is None else facts
        low, high = facts.within(clip.start_seconds, clip.stop_seconds)
        name = clip.path or "a video given as bytes"
        if not low < high:
            raise VideoError(
                name,
                f"nothing of it lies in the clip from {low:g} s to {high:g} s: it goes from "
                f"{facts.begin_seconds:g} s to {facts.end_seconds:g} s",
            )
        return cls(name, low, high, facts.fps, facts.width, facts.height, facts.audio is not None)
