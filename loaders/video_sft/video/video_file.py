"""One video file and what is known of it; several clips may share it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np

from video_sft.errors import VideoError
from video_sft.video.audio import read_audio
from video_sft.video.byte_source import ByteSource
from video_sft.video.frames import Audio, Frames, Replacement
from video_sft.video.pictures import Dtype, Layout, empty_pictures
from video_sft.video.reader import nearest_decodable, read_pictures
from video_sft.video.sampling import Choice
from video_sft.video.sizing import Size, output_size
from video_sft.video.source import Source
from video_sft.video.track import Track, open_track

__all__ = ["VideoFile"]


class VideoFile:
    """A file, understood when it is first needed; nothing stays open between calls.

    Threads may share it: what is learnt twice at the same time is the same both times.

    Args:
        source: where the bytes are.
        stream_index: which stream to show; None is the first video.
    """

    def __init__(self, source: Source, stream_index: int | None) -> None:
        self.source = source
        self.stream_index = stream_index
        self._known: tuple[ByteSource, Track] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "stream_index": self.stream_index, "_known": None}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VideoFile) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @property
    def _identity(self) -> tuple[Source, int | None]:
        return self.source, self.stream_index

    @contextmanager
    def _opened(self) -> Iterator[tuple[ByteSource, Track]]:
        if self._known is not None:
            handle, track = self._known
            with closing(handle.again()) as file:
                yield file, track
            return
        with closing(self.source.open()) as file:
            track = open_track(file, self.stream_index)
            self._known = (file, track)
            yield file, track

    def track(self) -> Track:
        """Understand the file, unless that was done before.

        Raises:
            VideoError: the file is broken or holds no video.
        """
        if self._known is None:
            with self._opened():
                pass
        assert self._known is not None
        return self._known[1]

    def frames(
        self,
        choice: Choice,
        start: float | None,
        stop: float | None,
        *,
        size: Size,
        nearest: bool,
        layout: Layout,
        dtype: Dtype,
        num_threads: int,
    ) -> Frames:
        """Decode the chosen frames of a part of the file; see `Clip.frames`."""
        with self._opened() as (file, track):
            try:
                begin, end = track.timeline.range_of(start, stop)
            except ValueError as error:
                raise VideoError(file.name, str(error)) from error
            chosen = choice.numbers(track.timeline, begin, end, start, stop)
            facts = track.metadata
            height, width = output_size(size, facts.height, facts.width)
            data = empty_pictures(file.name, len(chosen), height, width, layout=layout, dtype=dtype)
            failures = read_pictures(file, track, chosen, data, layout, num_threads)
            replaced: tuple[Replacement, ...] = ()
            if failures and nearest:
                stand_in = nearest_decodable(file, track, failures, begin, end, num_threads)
                replaced = tuple(
                    Replacement(position, number, stand_in[number])
                    for position, number in enumerate(chosen.tolist())
                    if number in stand_in
                )
                chosen = np.array([stand_in.get(number, number) for number in chosen.tolist()], np.int64)
                failures = read_pictures(file, track, chosen, data, layout, num_threads)
        if failures:
            number, reason = min(failures.items())
            raise VideoError(file.name, f"frame {number}: {reason}")
        return Frames(data, track.timeline.seconds(chosen), track.timeline.durations(chosen), chosen, replaced)

    def audio(self, start: float | None, stop: float | None, *, sampling_rate: int | None, mono: bool) -> Audio:
        """Decode the sound of a part of the file; see `Clip.audio`."""
        handle = self._known[0].again() if self._known is not None else self.source.open()
        with closing(handle) as file:
            return read_audio(file, start, stop, sampling_rate=sampling_rate, mono=mono)
