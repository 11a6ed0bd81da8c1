"""The sound of a clip as a track of a file that is being written."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from video_sft.errors import VideoError
from video_sft.video._encoding.readable_clip import ReadableClip
from video_sft.video._frames import AudioTrack

__all__ = ["SoundError", "SoundTrack"]

_AAC_RATES = (96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
_AAC_FRAME = 1024
#: Seconds of sound that are held in memory.
_HELD_SECONDS = 600.0


class SoundError(VideoError):
    """The sound of a video cannot be decoded; its frames may be."""


class SoundTrack:
    """An AAC track, in one channel or two, at the original's rate where AAC has it."""

    def __init__(self, container: Any, track: AudioTrack) -> None:
        self._container = container
        self._rate = track.sampling_rate if track.sampling_rate in _AAC_RATES else 48_000
        self._stereo = track.channels == 2
        self._stream = container.add_stream("aac", rate=self._rate)
        self._stream.layout = "stereo" if self._stereo else "mono"
        self._written = 0

    def write(self, clip: ReadableClip, begin: float, end: float) -> None:
        """Write the sound between two seconds, which lie in the clip, and close the track.

        Raises:
            SoundError: it cannot be decoded.
        """
        count = max(1, int(np.ceil((end - begin) / _HELD_SECONDS)))
        marks = np.linspace(begin, end, count + 1)
        rest = np.zeros((2 if self._stereo else 1, 0), np.float32)
        for start, stop in itertools.pairwise(marks.tolist()):
            try:
                heard = clip.part(start, stop).audio(sampling_rate=self._rate, mono=not self._stereo)
            except VideoError as error:
                raise SoundError(error.path, error.reason) from error
            data = np.concatenate([rest, np.atleast_2d(heard.data)], axis=1)
            whole_frames = data.shape[1] // _AAC_FRAME * _AAC_FRAME
            self._encode(data[:, :whole_frames])
            rest = data[:, whole_frames:]
        self._encode(rest)
        self._container.mux(self._stream.encode(None))

    def _encode(self, data: npt.NDArray[np.float32]) -> None:
        for first in range(0, data.shape[1], _AAC_FRAME):
            piece = np.ascontiguousarray(data[:, first : first + _AAC_FRAME])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=self._stream.layout.name)
            frame.pts, frame.time_base, frame.sample_rate = self._written, Fraction(1, self._rate), self._rate
            self._written += piece.shape[1]
            self._container.mux(self._stream.encode(frame))
