"""The encoder of a clip's frames and sound into an MP4 file that begins at 0."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

from video_sft._files import NO_ROOM
from video_sft.errors import VideoError, one_line
from video_sft.video._encoding.readable_clip import ReadableClip
from video_sft.video._encoding.sound import SoundTrack
from video_sft.video._frames import VideoMetadata
from video_sft.video._timeline import Indices, Timeline

__all__ = ["Form", "Shown", "exact_shown", "usable_encoder", "write_clip", "written_size"]

#: Without B-frames the first frame is at 0 for every reader, and with one thread the file is the same everywhere.
_X264 = {"bf": "0"}
_NVENC = {"preset": "p4", "rc": "vbr", "bf": "0", "forced-idr": "1"}
#: Frames from one key frame to the next, at most, where no number of seconds is asked for.
_KEY_FRAMES = 48
_MOST_TICKS = 1 << 31


@dataclass(frozen=True)
class Form:
    """The form a clip is written in.

    Attributes:
        short_side: of the picture, in pixels; None keeps its size.
        key_seconds: a key frame comes every so many seconds, and the rest is done for frames to be read from anywhere,
            many times: measured, a tenth more bytes and little more than half the time. None leaves it to the encoder.
        quality: x264's rate factor, or what it is called elsewhere: 18 looks like the original, 51 like nothing.
        encoder: libav's name of it, for H.264.
        preset: of x264: how much time it takes.
    """

    short_side: int | None = None
    key_seconds: float | None = None
    quality: int = 18
    encoder: str = "libx264"
    preset: str = "veryfast"


@dataclass(frozen=True)
class Shown:
    """Which frames are written, and when they are shown.

    Attributes:
        numbers: of the frames in the original, int64 (N,).
        ticks: when each begins, from 0 on, ascending without repeats, int64 (N,).
        end: when the last one ends, in ticks.
        time_base: seconds in a tick.
        begin_seconds: second of the original that the sound begins at.
    """

    numbers: Indices
    ticks: npt.NDArray[np.int64]
    end: int
    time_base: Fraction
    begin_seconds: float

    @property
    def end_seconds(self) -> float:
        """Second of the original that the sound ends at."""
        return self.begin_seconds + float(self.end * self.time_base)


def write_clip(
    clip: ReadableClip,
    target: Path | BinaryIO,
    shown_of: Callable[[Timeline], Shown],
    form: Form,
    *,
    sound: bool = True,
) -> Shown:
    """Write frames of a clip, and its sound where it has some, as an MP4 file (H.264 and AAC).

    Args:
        clip: whose frames they are.
        target: the file.
        shown_of: chooses frames and their times; asked again where decoding shows that there are other frames.
        form: size, key frames and quality.
        sound: False leaves the sound out.

    Returns:
        What was written.

    Raises:
        VideoError: the clip cannot be read.
    """
    writings: list[_Writing] = []

    def begin(track: Any) -> tuple[Indices, tuple[int, int], Callable[[int, npt.NDArray[np.uint8]], None]]:
        for given_up in writings:
            given_up.abandon()
        writing = _Writing(target, track.metadata, shown_of(track.timeline), form, sound=sound)
        writings.append(writing)
        return writing.shown.numbers, writing.decoded_size, writing.add

    try:
        try:
            clip._file.hand_over(begin)
            writings[-1].finish(clip)
        finally:
            for each in writings:
                each.abandon()
    except (_EncodingError, av.FFmpegError) as error:
        cause = error.__cause__ if isinstance(error, _EncodingError) else error
        if isinstance(cause, OSError) and cause.errno in NO_ROOM:
            raise cause from None
        told = f"cannot be encoded: {one_line(cause or error)}"
        raise VideoError(clip.path or "a video given as bytes", told) from error
    return writings[-1].shown


def written_size(facts: VideoMetadata, short_side: int | None) -> tuple[int, int]:
    """Return height and width of what is written; both are even, as H.264 wants them."""
    if short_side is None:
        return max(2, facts.height // 2 * 2), max(2, facts.width // 2 * 2)
    scale = short_side / min(facts.height, facts.width)
    return max(2, round(facts.height * scale / 2) * 2), max(2, round(facts.width * scale / 2) * 2)


class _EncodingError(Exception):
    """The encoder, or the disk, refuses a frame."""


class _Writing:
    """A file that is being written, frame by frame."""

    def __init__(self, target: Path | BinaryIO, facts: VideoMetadata, shown: Shown, form: Form, *, sound: bool) -> None:
        self.shown = shown
        self._height, self._width = written_size(facts, form.short_side)
        #: A picture that keeps its size is cropped to an even one.
        self.decoded_size = (facts.height, facts.width) if form.short_side is None else (self._height, self._width)
        # A file that is open is not read once more, as moving its index to the front would need.
        front = {"movflags": "+faststart"} if isinstance(target, Path) else {}
        place: Any = str(target) if isinstance(target, Path) else target
        self._container: Any = av.open(place, "w", format="mp4", options=front)
        video = self._container.add_stream(form.encoder, rate=_rate(facts), options=_options(form))
        video.width, video.height, video.pix_fmt = self._width, self._height, "yuv420p"
        video.codec_context.time_base = shown.time_base
        video.codec_context.sample_aspect_ratio = Fraction(facts.pixel_aspect_ratio).limit_denominator(1000)
        self._video = video
        self._sound = SoundTrack(self._container, facts.audio) if sound and facts.audio is not None else None
        ticks = shown.ticks.tolist()
        self._durations = dict(zip(ticks, np.diff(shown.ticks, append=shown.end).tolist(), strict=True))
        self._keys = _key_places(shown, form.key_seconds)

    def add(self, place: int, picture: npt.NDArray[np.uint8]) -> None:
        """Write the next frame."""
        even = np.ascontiguousarray(picture[: self._height, : self._width])
        frame = av.VideoFrame.from_ndarray(even, format="rgb24")
        frame.pts, frame.time_base = int(self.shown.ticks[place]), self.shown.time_base
        if place in self._keys:
            frame.pict_type = PictureType.I
        try:
            self._mux(self._video.encode(frame))
        except av.FFmpegError as error:  # which the reader around this would take for one of its own
            raise _EncodingError from error

    def finish(self, clip: ReadableClip) -> None:
        """Write what the encoder still holds, and the sound."""
        self._mux(self._video.encode(None))
        if self._sound is not None:
            self._sound.write(clip, self.shown.begin_seconds, self.shown.end_seconds)
        self._container.close()
        self._container = None

    def abandon(self) -> None:
        """Let go of a file that is not finished."""
        if self._container is not None:
            container, self._container = self._container, None
            with contextlib.suppress(av.FFmpegError):
                container.close()

    def _mux(self, packets: Any) -> None:
        for packet in packets:
            packet.duration = self._durations.get(packet.pts, 0)
            self._container.mux(packet)


def _key_places(shown: Shown, key_seconds: float | None) -> set[int]:
    """Return the places of the frames that have to be key frames: the first of each stretch of so many seconds."""
    if key_seconds is None:
        return set()
    stretches = np.floor(shown.ticks * float(shown.time_base) / key_seconds + 1e-6)
    return set(np.flatnonzero(np.diff(stretches, prepend=-1) > 0).tolist())


def _options(form: Form) -> dict[str, str]:
    if form.encoder != "libx264":
        return {**_NVENC, "cq": str(form.quality), "g": "250" if form.key_seconds else str(_KEY_FRAMES)}
    keys = "infinite" if form.key_seconds else str(_KEY_FRAMES)
    forced = {"forced-idr": "1", "tune": "fastdecode"} if form.key_seconds else {}
    params = f"keyint={keys}:min-keyint=1:threads=1"
    return {**_X264, **forced, "preset": form.preset, "crf": str(form.quality), "x264-params": params}


def _rate(facts: VideoMetadata) -> Fraction:
    return max(Fraction(facts.fps).limit_denominator(1001), Fraction(1, 1000))


@functools.cache
def usable_encoder() -> str:
    """Return the best encoder for H.264 that works on this machine: NVENC where a trial with it succeeds, else x264."""
    form = replace(Form(), encoder="h264_nvenc")
    try:
        context: Any = av.CodecContext.create(form.encoder, "w")
        context.width, context.height, context.pix_fmt = 256, 256, "yuv420p"
        context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
        context.options = _options(form)
        packets = 0
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(np.zeros((256, 256, 3), np.uint8), format="rgb24").reformat(
                format="yuv420p"
            )
            frame.pts = number
            packets += len(context.encode(frame))
        packets += len(context.encode(None))
    except (av.FFmpegError, ValueError, OSError):
        return "libx264"
    return form.encoder if packets == 3 else "libx264"


def exact_shown(timeline: Timeline, start: float | None, stop: float | None, max_fps: float | None) -> Shown:
    """Return the frames shown between two seconds, each at its own time on the original's clock, set to begin at 0.

    Times stay whole ticks of the original, so that a moment of the original, less `begin_seconds`, is the same frame.

    Args:
        timeline: of the original.
        start: in seconds; the frame shown then is the first. None is the beginning.
        stop: in seconds; the last frame begins before it. None is the end.
        max_fps: at a higher rate, only frames shown every `1 / max_fps` seconds are taken.

    Raises:
        ImpossibleTimeError: nothing is shown then.
    """
    first, last = timeline.range_of(start, stop)
    numbers = np.arange(first, last)
    begins = np.append(timeline.ticks, timeline.end_tick)
    keep = np.append(np.diff(timeline.ticks[numbers]) > 0, True)  # of two at one moment the later is seen
    numbers = numbers[keep]
    begin_seconds = float(timeline.seconds(np.array([first]))[0])
    origin, end = int(timeline.ticks[first]), max(int(begins[last]), int(timeline.ticks[numbers[-1]]) + 1)
    if max_fps is not None:
        length = float((end - origin) * timeline.time_base)
        times = begin_seconds + np.arange(int(np.ceil(length * max_fps - 1e-6))) / max_fps
        seen = np.unique(timeline.shown_at(times))
        numbers = seen[np.isin(seen, numbers)] if len(seen) < len(numbers) else numbers
    scale = timeline.time_base.numerator
    time_base = Fraction(1, timeline.time_base.denominator)
    ticks = (timeline.ticks[numbers] - origin) * scale
    if (end - origin) * scale >= _MOST_TICKS * timeline.time_base.denominator:
        raise VideoError("the clip", "is longer than a file can be")
    return Shown(numbers, ticks, (end - origin) * scale, time_base, begin_seconds)
