"""One video stream of a file, understood: what it is, when each frame is shown, and how its packets are reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from video_sft.video.containers.libav import Header
from video_sft.video.containers.packet_table import PacketTable
from video_sft.video.frames import VideoMetadata
from video_sft.video.tracks.timeline import Timeline

__all__ = ["Track"]

Access = Literal["stored", "demuxed", "sequential", "nominal"]


@dataclass(frozen=True)
class Track:
    """A video stream.

    Attributes:
        header: what the file's header says of it.
        timeline: when its frames are shown.
        rotation: degrees clockwise by which pictures are turned for display.
        access: ``stored`` packets are read from their place in the file, ``demuxed`` ones through libav after a seek,
            ``sequential`` streams are decoded from the file's beginning, and of ``nominal`` ones only the length and
            the rate are known, so that each frame is looked for near its time.
        table: the packets; None for sequential and nominal streams.
        damaged: numbers of frames that came out of damaged data, where that is known beforehand.
        measured: whether the header's size is that of the first frame decoded, rather than what the file states.
    """

    header: Header
    timeline: Timeline
    rotation: int
    access: Access
    table: PacketTable | None
    damaged: frozenset[int] = frozenset()
    measured: bool = False

    @property
    def metadata(self) -> VideoMetadata:
        """The facts a user asks for."""
        header, timeline = self.header, self.timeline
        seconds = timeline.end_seconds - timeline.begin_seconds
        width, height = header.width, header.height
        if self.rotation % 180:
            width, height = height, width
        return VideoMetadata(
            duration_seconds=seconds,
            begin_seconds=timeline.begin_seconds,
            fps=float(header.average_rate) if header.average_rate else len(timeline) / (seconds or 1.0),
            num_frames=len(timeline),
            width=width,
            height=height,
            rotation=self.rotation,
            codec=header.codec,
            container=header.container,
            audio=header.audio,
        )
