"""A video stream understood: what it is, when each frame is shown, and how its packets are reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from video_sft.video._decoding.orientation import Orientation
from video_sft.video._frames import VideoMetadata
from video_sft.video._headers.libav import Header, pixel_aspect_of
from video_sft.video._headers.packet_table import PacketTable
from video_sft.video._timeline import Timeline

__all__ = ["Track"]

#: Two times rounded to ticks are no farther than that from where they would be.
_ROUNDING = 1.5

Access = Literal["stored", "demuxed", "sequential", "estimated"]


@dataclass(frozen=True)
class Track:
    """A video stream.

    Attributes:
        header: what the file's header says of it.
        timeline: when its frames are shown.
        orientation: how pictures are turned and mirrored for display.
        access: ``stored`` packets are read from their place in the file, ``demuxed`` ones through libav after a seek,
            ``sequential`` streams are decoded from the file's beginning, and of ``estimated`` ones only the length and
            the rate are known, so that each frame is looked for near its time.
        table: the packets; None for sequential and estimated streams.
        damaged: numbers of frames that came out of damaged data, where that is known beforehand.
        mended: numbers of frames of which a part was lost on the way, as transport streams are used to, and that the
            decoder filled in.
        measured: whether the header's size is that of the first frame decoded, rather than what the file states.
    """

    header: Header
    timeline: Timeline
    orientation: Orientation
    access: Access
    table: PacketTable | None
    damaged: frozenset[int] = frozenset()
    measured: bool = False
    mended: frozenset[int] = frozenset()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of pictures as shown, in pixels."""
        width, height = self.header.width, self.header.height
        return (width, height) if self.orientation.lies else (height, width)

    @property
    def pixel_aspect_ratio(self) -> Fraction:
        """Width of a pixel by its height, as shown."""
        aspect = pixel_aspect_of(self.header)
        return 1 / aspect if self.orientation.lies else aspect

    @property
    def metadata(self) -> VideoMetadata:
        """The facts a user asks for."""
        header, timeline = self.header, self.timeline
        seconds = timeline.end_seconds - timeline.begin_seconds
        height, width = self.shape
        return VideoMetadata(
            duration_seconds=seconds,
            begin_seconds=timeline.begin_seconds,
            fps=self._fps(),
            num_frames=len(timeline),
            width=width,
            height=height,
            rotation=self.orientation.rotation,
            mirrored=self.orientation.mirrored,
            pixel_aspect_ratio=float(self.pixel_aspect_ratio),
            codec=header.codec,
            container=header.container,
            audio=header.audio,
        )

    def only_whole(self) -> Track:
        """Give the same stream with the frames that were filled in among the damaged ones."""
        return replace(self, damaged=self.damaged | self.mended, mended=frozenset()) if self.mended else self

    def _fps(self) -> float:
        """Return the rate of the frames; the stated one where it agrees with them, since their times are rounded."""
        stated, timeline = self.header.average_rate, self.timeline
        steps, ticks = len(timeline) - 1, int(timeline.ticks[-1] - timeline.ticks[0])
        if self.access == "estimated" or steps < 1 or ticks < 1:
            return float(stated or 1 / (timeline.end_seconds - timeline.begin_seconds or 1.0))
        if stated and abs(steps / (stated * timeline.time_base) - ticks) <= _ROUNDING:
            return float(stated)
        return float(steps / (ticks * timeline.time_base))
