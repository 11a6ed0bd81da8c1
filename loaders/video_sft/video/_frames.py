"""The results a clip hands out: frames with their times, facts about the file, and sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Audio", "AudioTrack", "Frames", "Replacement", "VideoMetadata", "facts_in_words"]


@dataclass(frozen=True)
class AudioTrack:
    """Facts about the sound in a file, as its header states them.

    Attributes:
        codec: such as ``aac``.
        sampling_rate: in Hz.
        channels: how many.
    """

    codec: str
    sampling_rate: int
    channels: int


@dataclass(frozen=True)
class VideoMetadata:
    """Facts about a whole video file, whatever part of it a clip is about.

    Attributes:
        duration_seconds: from the first frame's start to the last frame's end.
        begin_seconds: when the first frame is shown; 0 for most files, 1.4 for many MPEG-TS.
        fps: frames a second, on average: from the first frame's start to the last one's, whatever rate the header
            states, except of a remote file without an index of its frames.
        num_frames: how many frames a full decode gives; of a remote file without an index of its frames, how many its
            header's length and rate make.
        width: pixels across, as shown, that is after rotation; of the first frame, where the size changes.
        height: pixels down, as shown.
        rotation: degrees clockwise by which the stored picture is turned for display: 0, 90, 180 or 270. Files may
            state other angles, too; players disagree on these, and frames are given as they are stored.
        mirrored: whether left and right change places after that.
        pixel_aspect_ratio: width of a pixel by its height, as shown; 1 for most files. The picture is meant to be
            `width` times this wide; see ``square_pixels=`` of `Clip.frames`.
        codec: such as ``h264``.
        container: such as ``mp4`` or ``matroska``.
        audio: the first audio track, or None for a silent file.
    """

    duration_seconds: float
    begin_seconds: float
    fps: float
    num_frames: int
    width: int
    height: int
    rotation: int
    codec: str
    container: str
    audio: AudioTrack | None
    mirrored: bool = False
    pixel_aspect_ratio: float = 1.0

    @property
    def end_seconds(self) -> float:
        """When the last frame ends to be shown."""
        return self.begin_seconds + self.duration_seconds

    def within(self, start_seconds: float | None, stop_seconds: float | None) -> tuple[float, float]:
        """Return where a part of the file begins and ends, cut to what the file has; None is the file's own limit.

        A part that lies outside the file begins where it ends, or later.
        """
        start = self.begin_seconds if start_seconds is None else max(self.begin_seconds, start_seconds)
        stop = self.end_seconds if stop_seconds is None else min(self.end_seconds, stop_seconds)
        return start, stop


def facts_in_words(facts: VideoMetadata) -> str:
    """Return what people want to know of a file first: `12.40 s, 640 x 360, 25 frames/s, h264, mov, no sound`."""
    told = [f"{facts.duration_seconds:.2f} s", f"{facts.width} x {facts.height}", f"{facts.fps:.4g} frames/s"]
    told += [facts.codec, facts.container, "no sound" if facts.audio is None else f"sound: {facts.audio.codec}"]
    return ", ".join(told)


@dataclass(frozen=True)
class Replacement:
    """A frame that could not be decoded, and the one given in its place.

    Attributes:
        position: row of `Frames.data`.
        wanted_index: frame number asked for.
        given_index: frame number of the nearest frame that does decode.
    """

    position: int
    wanted_index: int
    given_index: int


@dataclass(frozen=True)
class Frames:
    """Decoded frames, in the order they were asked for.

    Attributes:
        data: the pictures, uint8 (N, H, W, 3) in RGB unless another layout or dtype was asked for.
        pts_seconds: when each frame begins to be shown, float64 (N,), in seconds of the original file.
        duration_seconds: how long each is shown, float64 (N,).
        indices: number of each frame in the file, in display order, int64 (N,).
        replaced: with ``on_error="nearest"``, the frames that stand in for undecodable ones.
        mended: rows of `data` whose picture the decoder filled in, since a part of it was lost on the way: transport
            streams are used to that, and players show such pictures too. With ``on_error="nearest"`` there are none.
    """

    data: npt.NDArray[Any]
    pts_seconds: npt.NDArray[np.float64]
    duration_seconds: npt.NDArray[np.float64]
    indices: npt.NDArray[np.int64]
    replaced: tuple[Replacement, ...] = field(default=())
    mended: tuple[int, ...] = field(default=())

    def __len__(self) -> int:
        return len(self.pts_seconds)

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        return iter(self.data)

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.data.shape))
        times = f", {self.pts_seconds.min():.2f} to {self.pts_seconds.max():.2f} s" if len(self) else ""
        told = "".join(
            f", {len(rows)} {what}" for what, rows in (("replaced", self.replaced), ("mended", self.mended)) if rows
        )
        return f"Frames({self.data.dtype} {shape}{times}{told})"

    def _repr_html_(self) -> str:
        """Show their shape and some of them in notebooks."""
        from video_sft.video._contact_sheet import frames_html

        return frames_html(self)


@dataclass(frozen=True)
class Audio:
    """Sound of a clip.

    Attributes:
        data: float32 (samples,) when mono, else (channels, samples), between -1 and 1.
        sampling_rate: in Hz.
        pts_seconds: time of the first sample, in seconds of the original file.
    """

    data: npt.NDArray[np.float32]
    sampling_rate: int
    pts_seconds: float

    @property
    def duration_seconds(self) -> float:
        """How long the sound lasts."""
        return int(self.data.shape[-1]) / self.sampling_rate

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.data.shape))
        return f"Audio({self.data.dtype} {shape} at {self.sampling_rate} Hz, from {self.pts_seconds:.2f} s)"
