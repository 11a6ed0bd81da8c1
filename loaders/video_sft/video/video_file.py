"""One video file and what is known of it; several clips may share it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from video_sft.errors import VideoError
from video_sft.video.audio import read_audio
from video_sft.video.byte_source import ByteSource
from video_sft.video.cued import find_by_cues
from video_sft.video.frames import Audio, Frames, Replacement
from video_sft.video.indexed import indexed_track
from video_sft.video.nominal import latest_starts, nominal_track, read_nominal, step_ticks
from video_sft.video.pictures import Dtype, Layout, Painter, empty_pictures
from video_sft.video.reader import nearest_decodable, read_pictures
from video_sft.video.sampling import Choice
from video_sft.video.scanned import unindexed_track
from video_sft.video.sizing import Size, output_size
from video_sft.video.source import Source
from video_sft.video.timeline import Indices, seconds
from video_sft.video.track import Track

__all__ = ["VideoFile", "Wanted"]


#: Remote files up to this size are read whole where they have no index.
_SMALL = 2 << 20


@dataclass(frozen=True)
class Wanted:
    """In what form frames are wanted, and with how many threads; see `Clip.frames`."""

    size: Size
    layout: Layout
    dtype: Dtype
    num_threads: int


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
    def _opened(self, *, exact: bool = False) -> Iterator[tuple[ByteSource, Track]]:
        known = self._known
        with closing(known[0].again() if known is not None else self.source.open()) as file:
            if known is None or (exact and known[1].access == "nominal"):
                known = (file, _understand(file, self.stream_index, exact=exact))
                self._known = known
            yield file, known[1]

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
        self, choice: Choice, start: float | None, stop: float | None, *, nearest: bool, wanted: Wanted
    ) -> Frames:
        """Decode the chosen frames of a part of the file; see `Clip.frames`."""
        with self._opened(exact=nearest or choice.indices is not None) as (file, track):
            try:
                begin, end = track.timeline.range_of(start, stop)
            except ValueError as error:
                raise VideoError(file.name, str(error)) from error
            chosen = choice.numbers(track.timeline, begin, end, start, stop)
            data = _room_for(file, track, len(chosen), wanted)
            if track.access == "nominal":
                return _nominal_frames(file, self.stream_index, track, chosen, data, wanted)
            failures = read_pictures(file, track, chosen, data, wanted.layout, wanted.num_threads)
            replaced: tuple[Replacement, ...] = ()
            if failures and nearest:
                stand_in = nearest_decodable(file, track, failures, begin, end, wanted.num_threads)
                replaced = tuple(
                    Replacement(position, number, stand_in[number])
                    for position, number in enumerate(chosen.tolist())
                    if number in stand_in
                )
                chosen = np.array([stand_in.get(number, number) for number in chosen.tolist()], np.int64)
                failures = read_pictures(file, track, chosen, data, wanted.layout, wanted.num_threads)
        if failures:
            number, reason = min(failures.items())
            raise VideoError(file.name, f"frame {number}: {reason}")
        return Frames(data, track.timeline.seconds(chosen), track.timeline.durations(chosen), chosen, replaced)

    def audio(self, start: float | None, stop: float | None, *, sampling_rate: int | None, mono: bool) -> Audio:
        """Decode the sound of a part of the file; see `Clip.audio`."""
        handle = self._known[0].again() if self._known is not None else self.source.open()
        with closing(handle) as file:
            return read_audio(file, start, stop, sampling_rate=sampling_rate, mono=mono)


def _understand(file: ByteSource, stream_index: int | None, *, exact: bool) -> Track:
    """Learn as much as a file costs little to tell; all of it where `exact` asks so."""
    track = indexed_track(file, stream_index)
    if track is None and file.far and file.size > _SMALL and not exact:
        track = nominal_track(file, stream_index)
    return track or unindexed_track(file, stream_index)


def _room_for(file: ByteSource, track: Track, count: int, wanted: Wanted) -> npt.NDArray[Any]:
    facts = track.metadata
    height, width = output_size(wanted.size, facts.height, facts.width)
    return empty_pictures(file.name, count, height, width, layout=wanted.layout, dtype=wanted.dtype)


def _nominal_frames(
    file: ByteSource, stream_index: int | None, track: Track, chosen: Indices, data: npt.NDArray[Any], wanted: Wanted
) -> Frames:
    """Decode frames that are found by their time, and give the times they really have."""
    latest = latest_starts(track, chosen)
    found = find_by_cues(file, stream_index, latest.tolist(), step_ticks(track))
    if found is not None:
        failures = read_pictures(file, found.track, found.numbers, data, wanted.layout, wanted.num_threads)
        if failures:
            number, reason = min(failures.items())
            raise VideoError(file.name, f"the frame at {found.track.timeline.seconds()[number]:.2f} s: {reason}")
        starts, lengths = found.starts, found.lengths
    else:
        starts, lengths = _sought(file, track, chosen, data, wanted)
    return Frames(data, seconds(starts, track.header.time_base), seconds(lengths, track.header.time_base), chosen)


def _sought(
    file: ByteSource, track: Track, chosen: Indices, data: npt.NDArray[Any], wanted: Wanted
) -> tuple[Indices, Indices]:
    """Decode frames in one pass of seeks; return when each starts and for how long it is shown, in ticks."""
    rows: dict[int, list[int]] = {}
    for position, number in enumerate(chosen.tolist()):
        rows.setdefault(number, []).append(position)
    painter = Painter(data, wanted.layout, track.rotation)
    found = read_nominal(file, track, np.unique(chosen), lambda number, frame: painter.paint(frame, rows[number]))
    missing = rows.keys() - found.keys()
    if missing:
        raise VideoError(file.name, f"there is no frame near {track.timeline.seconds()[min(missing)]:.2f} s")
    starts, lengths = np.array([found[number] for number in chosen.tolist()], np.int64).T
    return starts, lengths
