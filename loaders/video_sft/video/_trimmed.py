"""A clip as a file of its own: its frames and its sound, from the beginning to the end and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from video_sft._files import NO_ROOM
from video_sft.errors import VideoError, one_line
from video_sft.video._frames import Audio, Frames, VideoMetadata

__all__ = ["write_stills", "write_trimmed"]

#: Fine enough for every usual rate: 29.97 frames a second are 3003 ticks each.
_TICK = Fraction(1, 90_000)
#: Frames held in memory at a time, in bytes.
_HELD = 128 << 20
#: Visually the same as the original, and quick; without B-frames the first frame is at 0 for every reader.
_H264 = {"crf": "18", "preset": "veryfast", "bf": "0", "x264-params": "keyint=48:min-keyint=1:threads=1"}
_QUICK = {**_H264, "crf": "26", "preset": "ultrafast"}
_AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
_AAC_FRAME = 1024


class ReadableClip(Protocol):
    """What `Clip` is: this module knows nothing of it, so that clips may show themselves by it."""

    _file: Any
    start_seconds: float | None
    stop_seconds: float | None

    @property
    def path(self) -> str | None:
        """The path or URL, if there is one."""

    @property
    def metadata(self) -> VideoMetadata:
        """Facts about the whole file."""

    def frames(self, *, indices: Any = ..., times: Any = ..., size: Any = ..., num_threads: int | None = ...) -> Frames:
        """Decode frames."""

    def audio(self, *, sampling_rate: int | None = ..., mono: bool = ...) -> Audio:
        """Decode the sound."""


def write_trimmed(
    clip: ReadableClip, target: Path | BinaryIO, *, shortest_side: int | None = None, quick: bool = False
) -> None:
    """Write a clip as an MP4 file (H.264, and AAC where there is sound) that begins at 0.

    Frames keep their times, so that a variable rate stays one; the first is shown from the clip's start on, the last
    until its stop. A clip of a single frame has it twice, each for half of the time: trainers refuse fewer than two.

    Args:
        clip: what to write.
        target: the file, by its path or open for writing.
        shortest_side: in pixels, of larger pictures; None leaves them as large as they are.
        quick: for looking at once rather than for keeping.

    Raises:
        VideoError: the clip cannot be read.
    """
    try:
        _encode(clip, target, shortest_side, _QUICK if quick else _H264)
    except av.FFmpegError as error:
        if error.errno in NO_ROOM:
            raise
        raise VideoError(clip.path or "a video given as bytes", f"cannot be encoded: {one_line(error)}") from error


def _encode(clip: ReadableClip, target: Path | BinaryIO, shortest_side: int | None, settings: dict[str, str]) -> None:
    facts = clip.metadata
    ticks, end, numbers = _times(clip)
    height, width = _even_size(facts, shortest_side)
    # An open file is not read again, as moving its index to the front would need.
    opened: Any = (str(target), {"movflags": "+faststart"}) if isinstance(target, Path) else (target, {})
    with av.open(opened[0], "w", format="mp4", options=opened[1]) as container:
        video: Any = container.add_stream("libx264", rate=_rate(facts), options=settings)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.codec_context.time_base = _TICK
        video.codec_context.sample_aspect_ratio = Fraction(facts.pixel_aspect_ratio).limit_denominator(1000)
        sound = _sound_track(container, clip) if facts.audio is not None else None
        durations = np.diff(ticks, append=end)
        place = dict(zip(ticks.tolist(), durations.tolist(), strict=True))
        size = (height, width) if shortest_side is not None else None
        for start, pixels in _pictures(clip, facts, numbers, size):
            for row, picture in enumerate(pixels):
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
                frame.pts, frame.time_base = int(ticks[start + row]), _TICK
                _mux(container, video.encode(frame), place)
        _mux(container, video.encode(None), place)
        if sound is not None:
            _write_sound(container, *sound)


def write_stills(clip: ReadableClip, folder: Path, *, fps: float, max_frames: int | None) -> None:
    """Write the frames shown every ``1 / fps`` seconds of a clip as numbered JPEG files.

    Raises:
        VideoError: the clip cannot be read.
    """
    facts = clip.metadata
    begin, end = facts.within(clip.start_seconds or 0.0, clip.stop_seconds)
    count = max(1, int(np.ceil((end - begin) * fps - 1e-6)))
    steps = np.arange(count) if max_frames is None or count <= max_frames else np.linspace(0, count - 1, max_frames)
    times = begin + steps / fps
    each = _at_once(facts)
    for first in range(0, len(times), each):
        frames = clip.frames(times=times[first : first + each].tolist(), num_threads=1)
        for number, picture in enumerate(frames.data, first + 1):
            Image.fromarray(picture).save(folder / f"{number:06d}.jpg", quality=95)


def _times(clip: ReadableClip) -> tuple[npt.NDArray[np.int64], int, npt.NDArray[np.int64]]:
    """Return when each frame begins and the last one ends, in ticks from the clip's beginning, and frame numbers."""
    timeline = clip._file.track(exact=True).timeline
    first, stop = timeline.range_of(clip.start_seconds, clip.stop_seconds)
    numbers = np.arange(first, stop)
    begin, end = clip.metadata.within(clip.start_seconds or 0.0, clip.stop_seconds)
    shown = np.maximum(timeline.seconds(numbers) - begin, 0.0)
    ticks = np.rint(shown / float(_TICK)).astype(np.int64)
    last = max(round((end - begin) / float(_TICK)), int(ticks[-1]) + 1)
    keep = np.append(np.diff(ticks) > 0, True)  # of two at one moment the later is the one that is seen
    ticks, numbers = ticks[keep], numbers[keep]
    if len(ticks) == 1:
        return np.array([0, max(1, last // 2)]), max(last, 2), np.repeat(numbers, 2)
    return ticks, last, numbers


def _even_size(facts: VideoMetadata, shortest_side: int | None) -> tuple[int, int]:
    """Return height and width of the video to be written."""
    scale = 1.0 if shortest_side is None else min(1.0, shortest_side / min(facts.height, facts.width))
    height, width = (max(2, round(side * scale) // 2 * 2) for side in (facts.height, facts.width))
    return height, width


def _pictures(
    clip: ReadableClip, facts: VideoMetadata, numbers: npt.NDArray[np.int64], size: tuple[int, int] | None
) -> Iterator[tuple[int, npt.NDArray[np.uint8]]]:
    """Yield a clip's frames some at a time, cropped to an even size, each time with the place of the first."""
    each = _at_once(facts)
    for first in range(0, len(numbers), each):
        data = clip.frames(indices=numbers[first : first + each].tolist(), num_threads=1, size=size).data
        yield first, data[:, : facts.height // 2 * 2, : facts.width // 2 * 2]


def _at_once(facts: VideoMetadata) -> int:
    return max(2, _HELD // (facts.width * facts.height * 3))


def _rate(facts: VideoMetadata) -> Fraction:
    return max(Fraction(facts.fps).limit_denominator(1001), Fraction(1, 1000))


def _mux(container: Any, packets: Any, durations: dict[int, int]) -> None:
    for packet in packets:
        packet.duration = durations.get(packet.pts, 0)
        container.mux(packet)


def _sound_track(container: Any, clip: ReadableClip) -> tuple[Any, npt.NDArray[np.float32]]:
    track = clip.metadata.audio
    assert track is not None
    rate = track.sampling_rate if track.sampling_rate in _AAC_RATES else 48_000
    sound = clip.audio(sampling_rate=rate, mono=track.channels != 2)
    data = np.atleast_2d(sound.data)
    stream = container.add_stream("aac", rate=rate)
    stream.layout = "stereo" if len(data) == 2 else "mono"
    return stream, data


def _write_sound(container: Any, stream: Any, data: npt.NDArray[np.float32]) -> None:
    for first in range(0, data.shape[1], _AAC_FRAME):
        piece = np.ascontiguousarray(data[:, first : first + _AAC_FRAME])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=stream.layout.name)
        frame.pts, frame.time_base, frame.sample_rate = first, Fraction(1, stream.rate), stream.rate
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))
