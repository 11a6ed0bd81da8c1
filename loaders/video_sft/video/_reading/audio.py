"""The sound of a part of a file, to the sample."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._frames import Audio
from video_sft.video._headers.libav import failing, for_libav, open_container

__all__ = ["read_audio"]

#: Times of audio frames are rounded, and jitter; a larger jump is a gap in the track, or two parts that overlap.
_GAP_SECONDS = 0.05
#: Where times go back by more than this, the clock was set anew: sound goes on where it was.
_BACK_SECONDS = 1.0
#: So much silence is believed of any file, more by its size, and more up to the end that the file states.
_SILENT_SECONDS, _SILENT_SECONDS_STATED, _BYTES_A_SILENT_SECOND = 60, 540, 1000
#: And no more than this, unless the file is that large.
_SILENT_BYTES = 256 << 20

#: The container of what is sent over lossy ways.
_LOSSY = "mpegts"

#: Decoders and resamplers need some sound before the first sample for that one to be right.
_RUN_UP_SECONDS = 0.5

#: Where input and output fall together less often a second, sound behind a gap may be placed half a sample off.
_FEWEST_COMMON = 50

#: More than this is taken for a mistake; it is said before memory is touched.
_MAX_BYTES = 16 << 30


class _UnsteadyError(Exception):
    """A cut that was entered in the middle is not what the table says."""


def read_audio(
    file: ByteSource, start: float | None, stop: float | None, *, sampling_rate: int | None, mono: bool
) -> Audio:
    """Decode the first audio track between two moments; see `Clip.audio`.

    Samples are counted from the beginning of the track, since times of frames are rounded, jitter and are sometimes
    wrong. A cut is entered in the middle where a table shows that counting comes to the same.

    Raises:
        VideoError: there is no audio, or it is broken.
        ValueError: the rate is not above zero.
    """
    if sampling_rate is not None and sampling_rate < 1:
        raise ValueError(f"sampling_rate must be 1 or more, not {sampling_rate}")
    if start is not None:
        with suppress(_UnsteadyError):
            return _read(file, start, stop, sampling_rate, mono, enter=True)
    return _read(file, start, stop, sampling_rate, mono, enter=False)


def _read(
    file: ByteSource, start: float | None, stop: float | None, sampling_rate: int | None, mono: bool, *, enter: bool
) -> Audio:
    """Decode from the middle, or from the beginning.

    Raises:
        _UnsteadyError: the file has to be decoded from the beginning.
    """
    with open_container(for_libav(file), file.name) as container:
        tracks = [stream for stream in container.streams.audio if stream.codec_context is not None]
        if not tracks:
            raise VideoError(file.name, "there is no audio in the file")
        stream = tracks[0]
        if not stream.time_base:
            raise VideoError(file.name, "its audio has no clock")
        with failing(file.name, "its audio cannot be decoded"):
            origin = _entered(container, stream, start or 0.0, sampling_rate) if enter else None
            if enter and origin is None:
                raise _UnsteadyError
            frames = _decoded(container, stream, entered=enter)
            one: Any = next(frames, None)
            if one is None and not enter:
                raise VideoError(file.name, "its audio cannot be decoded: there is not one sample in it")
            own = stream.codec_context.sample_rate if one is None else one.sample_rate
            clock = _Clock(container, stream, own, file.size, one.pts if origin is None else origin)
            rate = sampling_rate or own
            first = round((clock.begin_seconds if start is None else start) * rate)
            last = None if stop is None else round(stop * rate)
            layout = av.AudioLayout("mono") if mono else stream.codec_context.layout
            if last is not None and not 0 < 4 * layout.nb_channels * (last - first) < _MAX_BYTES:
                raise VideoError(file.name, f"there is no sound between {first / rate:g} s and {stop:g} s")
            given = frames if one is None else chain([one], frames)
            pieces = list(_pieces(given, clock, rate, layout.name, first, last, steady=enter))
            data = _joined(pieces, first, last)
    return Audio(data[0] if mono else data, rate, first / rate)


def _entered(container: Any, stream: Any, start: float, sampling_rate: int | None) -> int | None:
    """Seek to a moment, if the file has a table by which the samples up to there can be counted.

    Returns:
        When the track begins, in ticks; None where there is no such table, or a seek does not pay.
    """
    own, entries = stream.codec_context.sample_rate, stream.index_entries
    if container.format.name.split(",")[0] != "mov" or not own or stream.start_time is None:
        return None
    begin = start - _run_up(own, sampling_rate or own)
    if begin <= 0 or not 2 < len(entries) == stream.frames:
        return None
    ticks = np.array([entry.timestamp for entry in entries], np.int64)
    samples = (ticks - ticks[0]) * float(stream.time_base * own)
    step = round(float(samples[1]))
    if step < 1 or np.abs(samples - step * np.arange(len(samples))).max() > 0.5:
        return None
    container.seek(int(begin / stream.time_base), stream=stream)
    return int(stream.start_time)


def _run_up(own: int, rate: int) -> float:
    """Return for how long to decode before the first sample wanted, in seconds."""
    return _RUN_UP_SECONDS + _common_step(own, rate) / own


def _common_step(own: int, rate: int) -> int:
    """Return after how many samples one falls on one of another rate again."""
    return own // math.gcd(own, rate)


def _decoded(container: Any, stream: Any, *, entered: bool) -> Iterator[Any]:
    """Decode a track.

    What cannot be decoded before the first sound is the rest of something that was cut off. Transport streams are used
    to losses on their way: there is silence in the place of what cannot be decoded, unless that is most of it.
    """
    lossy = container.format.name == _LOSSY
    given = failed = 0
    for packet in container.demux(stream):
        try:
            frames = stream.codec_context.decode(packet if packet.size else None)
        except av.FFmpegError as error:
            failed += 1
            if entered:
                raise _UnsteadyError from error
            if (given and not (lossy and failed <= given)) or isinstance(error, av.EOFError):
                raise
            continue
        for frame in frames:
            if frame.samples and frame.sample_rate:
                given += 1
                yield frame
        if not packet.size:
            return


class _Clock:
    """Tells where frames lie, counted in samples from where the track begins, in ticks or where nothing says so.

    More silence than the file can hold is a mistake in its times.

    Attributes:
        own: the track's sampling rate.
        begin_seconds: when the file begins.
        origin_seconds: when the track begins.
    """

    def __init__(self, container: Any, stream: Any, own: int, file_size: int, origin: int | None) -> None:
        self.own = own
        self._tick: Fraction = stream.time_base
        self._origin = origin
        self._moved = 0
        most = _SILENT_BYTES / (4 * own * max(1, stream.codec_context.layout.nb_channels))
        self._silence = _SILENT_SECONDS + file_size / _BYTES_A_SILENT_SECOND
        self._stated = max(0.0, min(_SILENT_SECONDS_STATED, most - self._silence))
        self._silence = min(self._silence, max(most, file_size / _BYTES_A_SILENT_SECOND))
        begin = container.start_time / av.time_base if container.start_time else 0.0
        self._end = begin + container.duration / av.time_base if container.duration else 0.0
        self.origin_seconds = begin if origin is None else float(origin * self._tick)
        late = self.origin_seconds - begin
        if late > 0 and not self._believes(late, self.origin_seconds):
            begin = self.origin_seconds
        self.begin_seconds = begin

    def sample_of(self, frame: Any, expected: int) -> int:
        """Return the number of a frame's first sample: the one expected, unless frames overlap or leave a gap."""
        if frame.pts is None:
            return expected
        if self._origin is None:
            self._origin = frame.pts
        sample = self.stated_sample(frame) + self._moved
        jump = (sample - expected) / self.own
        if abs(jump) <= _GAP_SECONDS:
            return expected
        if -_BACK_SECONDS <= jump < 0 or (jump > 0 and self._believes(jump, frame.pts * self._tick)):
            return sample
        self._moved += expected - sample
        return expected

    def stated_sample(self, frame: Any) -> int:
        """Return the number of a frame's first sample by its time alone."""
        number: int = round((frame.pts - (self._origin or 0)) * self._tick * self.own)
        return number

    def _believes(self, silence: float, until: float | Fraction) -> bool:
        """Tell whether a file can have so many seconds of silence up to a moment, and note that it has."""
        left = self._silence + (self._stated if until <= self._end else 0)
        if silence > left:
            return False
        self._silence -= silence
        return True


def _pieces(
    frames: Iterator[Any], clock: _Clock, rate: int, layout: str, first: int, last: int | None, *, steady: bool
) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield (number of the first sample, samples as (channels, N)) of stretches without a gap.

    Raises:
        _UnsteadyError: with `steady`, there is a gap.
    """
    own, step = clock.own, _common_step(clock.own, rate)
    zero = round(clock.origin_seconds * rate)
    enough = (first - zero) / rate * own - _run_up(own, rate) * own
    beyond = math.inf if last is None else ((last - zero) / rate + _RUN_UP_SECONDS + _BACK_SECONDS) * own
    resampler, expected, position, kind = None, 0, 0, None
    for frame in frames:
        unknown = steady and resampler is None and frame.pts is not None
        sample = clock.sample_of(frame, clock.stated_sample(frame) if unknown else expected)
        if sample > beyond:
            break
        kind, kind_before = (frame.format.name, frame.layout.name, frame.sample_rate), kind
        if resampler is not None and (sample != expected or kind != kind_before):
            if steady:
                raise _UnsteadyError
            yield from _numbered(resampler.resample(None), position)
            resampler, step = None, step if step * _FEWEST_COMMON <= own and frame.sample_rate == own else 1
        expected = sample + frame.samples * own // frame.sample_rate
        if resampler is None:
            ahead = -sample % step
            if ahead >= frame.samples or expected < enough:
                continue
            frame = _without(frame, ahead)
            position = zero + (sample + ahead) * rate // own
            resampler = av.AudioResampler(format="fltp", layout=layout, rate=rate)
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
