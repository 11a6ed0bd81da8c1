"""The sound of a part of a file, to the sample."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from video_sft.errors import VideoError
from video_sft.video.access.byte_source import ByteSource
from video_sft.video.containers.libav import failing, for_libav, open_container
from video_sft.video.frames import Audio

__all__ = ["read_audio"]

#: Times of audio frames are rounded to the container's ticks; a larger jump is a gap in the track.
_GAP_SECONDS = 0.05

#: Decoders and resamplers need some sound before the first sample for that one to be right.
_RUN_UP_SECONDS = 0.5

#: More than a day of 48 kHz stereo is taken for a mistake.
_MAX_SAMPLES = 1 << 33


def read_audio(
    file: ByteSource, start: float | None, stop: float | None, *, sampling_rate: int | None, mono: bool
) -> Audio:
    """Decode the first audio track between two moments.

    Args:
        file: the bytes.
        start: in seconds of the file; None is the beginning of the file.
        stop: itself not included; None is the end of the track.
        sampling_rate: wanted, in Hz; None keeps the track's.
        mono: mix all channels into one.

    Raises:
        VideoError: there is no audio, or it is broken.
        ValueError: the rate is not above zero.
    """
    if sampling_rate is not None and sampling_rate < 1:
        raise ValueError(f"sampling_rate must be 1 or more, not {sampling_rate}")
    with open_container(for_libav(file), file.name) as container:
        tracks = [stream for stream in container.streams.audio if stream.codec_context is not None]
        if not tracks:
            raise VideoError(file.name, "there is no audio in the file")
        stream = tracks[0]
        rate = sampling_rate or stream.codec_context.sample_rate
        begin = _beginning(container) if start is None else start
        first = round(begin * rate)
        last = None if stop is None else round(stop * rate)
        if last is not None and not 0 < last - first < _MAX_SAMPLES:
            raise VideoError(file.name, f"there is no sound between {begin:g} s and {stop:g} s")
        with failing(file.name, "its audio cannot be decoded"):
            pieces = list(_pieces(container, stream, rate, mono, first, last))
    data = _joined(pieces, first, last)
    return Audio(data[0] if mono else data, rate, first / rate)


def _beginning(container: Any) -> float:
    """Return when the file's first stream begins."""
    return container.start_time / av.time_base if container.start_time else 0.0


def _pieces(
    container: Any, stream: Any, rate: int, mono: bool, first: int, last: int | None
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield (number of the first sample, samples as (channels, N)) of stretches without a gap."""
    own = stream.codec_context.sample_rate
    begin, origin = first / rate - _RUN_UP_SECONDS, None
    if begin > 0 and stream.time_base * own <= 1:
        # Where the container's clock is coarser than a sample (Matroska, FLV), only counting from the beginning is
        # exact.
        container.seek(int(begin / stream.time_base), stream=stream)
        origin = stream.start_time
    layout = "mono" if mono else stream.layout.name
    resampler, expected, position = None, 0, 0
    for frame in container.decode(stream):
        origin = frame.pts or 0 if origin is None else origin
        sample = round((frame.pts - origin) * frame.time_base * own) if frame.pts is not None else expected
        if last is not None and sample / own > last / rate + _RUN_UP_SECONDS:
            break
        if resampler is None or abs(sample - expected) > own * _GAP_SECONDS:
            if resampler is not None:
                yield from _numbered(resampler.resample(None), position)
                resampler = None
            ahead = -sample % (own // math.gcd(own, rate))
            if ahead >= frame.samples:
                continue
            frame = _without(frame, ahead)
            expected = sample + ahead
            position = round(origin * float(stream.time_base) * rate) + expected * rate // own
            resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
        expected += frame.samples
        frame.pts = None
        for number, samples in _numbered(resampler.resample(frame), position):
            yield number, samples
            position = number + samples.shape[1]
    if resampler is not None:
        yield from _numbered(resampler.resample(None), position)


def _without(frame: Any, count: int) -> Any:
    """Cut samples off a frame's beginning, so that resampling starts where a wanted sample falls on a given one."""
    if not count:
        return frame
    channels = 1 if frame.format.is_planar else frame.layout.nb_channels
    samples = np.ascontiguousarray(frame.to_ndarray()[:, count * channels :])
    rest = av.AudioFrame.from_ndarray(samples, format=frame.format.name, layout=frame.layout.name)
    rest.sample_rate = frame.sample_rate
    return rest


def _numbered(frames: list[Any], position: int) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    for frame in frames:
        samples = frame.to_ndarray()
        yield position, samples
        position += samples.shape[1]


def _joined(pieces: list[tuple[int, npt.NDArray[np.float32]]], first: int, last: int | None) -> npt.NDArray[np.float32]:
    """Lay the pieces on one line from the first sample to the last, silence where there are none."""
    end = max((number + piece.shape[1] for number, piece in pieces), default=first) if last is None else last
    channels = pieces[0][1].shape[0] if pieces else 1
    line = np.zeros((channels, max(0, end - first)), np.float32)
    for number, piece in pieces:
        low, high = max(number, first), min(number + piece.shape[1], end)
        if low < high:
            line[:, low - first : high - first] = piece[:, low - number : high - number]
    return line
