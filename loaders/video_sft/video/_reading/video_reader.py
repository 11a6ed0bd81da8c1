"""The reader of one video file, which keeps what is known of it; several clips may share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._bytes.media_bytes import MediaBytes
from video_sft.video._decoding.pictures import FrameForm, OtherSizeError
from video_sft.video._fragment import split_cut
from video_sft.video._frames import Audio, Frames
from video_sft.video._reading.audio import read_audio
from video_sft.video._reading.estimated_frames import estimated_frames
from video_sft.video._reading.exact_frames import Problem, better_track, exact_frames, frames_with_stand_ins
from video_sft.video._reading.frame_decoding import hand_over_pictures
from video_sft.video._reading.frame_folder import FrameFolder, frame_folder
from video_sft.video._sampling import Choice
from video_sft.video._streams.estimated import estimated_track
from video_sft.video._streams.indexed import indexed_track
from video_sft.video._streams.scanned import unindexed_track
from video_sft.video._streams.track import Track
from video_sft.video._timeline import ImpossibleTimeError, Indices

__all__ = ["Beginning", "VideoReader"]

#: Takes the place of each frame, in order, and its picture (H, W, 3), which it may not keep.
_Deliver: TypeAlias = Callable[[int, npt.NDArray[np.uint8]], None]
#: Told what a file is, gives the numbers of the frames wanted, ascending, their height and width, and who takes them.
Beginning: TypeAlias = "Callable[[Track | FrameFolder], tuple[Indices, tuple[int, int], _Deliver]]"

#: Remote files up to this size are read whole where they have no index.
_SMALL = 2 << 20


@dataclass(unsafe_hash=True)
class VideoReader:
    """A file, understood when it is first needed; nothing stays open between calls.

    Threads may share it: what is learnt twice at the same time is the same both times.

    Attributes:
        source: where the bytes are.
        stream_index: which stream to show; None is the first video.
    """

    source: MediaBytes
    stream_index: int | None
    _known: tuple[ByteSource, Track] | None = field(default=None, init=False, repr=False, compare=False)
    _pictures: FrameFolder | None = field(default=None, init=False, repr=False, compare=False)

    def __getstate__(self) -> dict[str, Any]:
        return {"source": self.source, "stream_index": self.stream_index, "_known": None, "_pictures": None}

    @contextmanager
    def _opened(self, *, exact: bool = False) -> Iterator[tuple[ByteSource, Track]]:
        known = self._known
        with closing(known[0].reopened() if known is not None else self.source.open()) as file:
            if known is None or (exact and known[1].access == "estimated"):
                known = (file, self._placed(_understand(file, self.stream_index, exact=exact)))
                self._known = known
            yield file, known[1]

    def _folder(self) -> FrameFolder | None:
        """Return the folder of frames that this is instead of a file, if it is one.

        Raises:
            VideoError: it holds no frames, or another stream than its only one is asked for.
        """
        if self._known is None and self._pictures is None:
            self._pictures = frame_folder(self.source)
            if self._pictures is not None and self.stream_index:
                raise VideoError(self.source.name, f"has no stream {self.stream_index}: it is a folder of frames")
        return self._pictures

    def track(self, *, exact: bool = False) -> Track | FrameFolder:
        """Understand the file, unless that was done before.

        Args:
            exact: count the frames of a remote file of which the header's length and rate would do otherwise.

        Raises:
            VideoError: the file is broken or holds no video.
        """
        folder = self._folder()
        if folder is not None:
            return folder
        if self._known is None or exact:
            with self._opened(exact=exact):
                pass
        assert self._known is not None
        return self._known[1]

    def frames(
        self, choice: Choice, start: float | None, stop: float | None, *, nearest: bool, wanted: FrameForm
    ) -> Frames:
        """Decode the chosen frames of a part of the file; see `Clip.frames`."""
        folder = self._folder()
        if folder is not None:
            return folder.frames(choice, start, stop, nearest=nearest, wanted=wanted)
        with self._opened(exact=nearest or choice.indices is not None) as (file, track):
            track = known = track.only_whole() if nearest else track
            while True:
                try:
                    begin, end = track.timeline.range_of(start, stop)
                    chosen = choice.numbers(track.timeline, begin, end, start, stop)
                except ImpossibleTimeError as error:
                    raise VideoError(file.name, str(error)) from error
                except IndexError as error:
                    if track is known:
                        raise
                    raise VideoError(file.name, f"{error}, fewer than it states") from error
                result: Frames | Problem | None  # None where the file has to be read through for them
                if track.access == "estimated":
                    result = estimated_frames(file, self.stream_index, track, chosen, wanted)
                else:
                    result = exact_frames(file, track, chosen, wanted)
                better = self._better(file, track, result)
                if better is None and nearest and isinstance(result, dict):
                    result = frames_with_stand_ins(file, track, chosen, result, begin, end, wanted)
                    better = self._better(file, track, result) if isinstance(result, OtherSizeError) else None
                if isinstance(result, Frames):
                    return result
                if better is None:
                    assert isinstance(result, dict)
                    number, reason = min(result.items())
                    raise VideoError(file.name, f"frame {number}: {reason}")
                self._known, track = (file, better), better.only_whole() if nearest else better

    def hand_over(self, begin: Beginning) -> None:
        """Decode frames and hand them over one after the other, in order, while few of them are held.

        Args:
            begin: asked again, for all frames anew, where decoding shows that the file is not what it says.

        Raises:
            VideoError: one of them cannot be decoded; those before it have been handed over.
        """
        folder = self._folder()
        if folder is not None:
            numbers, size, deliver = begin(folder)
            for place, number in enumerate(numbers.tolist()):
                one = Choice(indices=[number])
                wanted = FrameForm(size, "NHWC", "uint8", 1)
                deliver(place, folder.frames(one, None, None, nearest=False, wanted=wanted).data[0])
            return
        with self._opened(exact=True) as (file, track):
            while True:
                numbers, size, deliver = begin(track)
                problem: Problem
                try:
                    problem = hand_over_pictures(file, track, numbers, size, deliver)
                except OtherSizeError as other:
                    problem = other
                if isinstance(problem, dict) and not problem:
                    return
                better = self._better(file, track, problem)
                if better is None:
                    assert isinstance(problem, dict)
                    number, reason = min(problem.items())
                    raise VideoError(file.name, f"frame {number}: {reason}")
                self._known, track = (file, better), better

    def _better(self, file: ByteSource, track: Track, result: Frames | Problem | None) -> Track | None:
        """Understand the file better where a result gives a reason to; None where it does not, or nothing helps."""
        if isinstance(result, Frames):
            return None
        if result is None:
            return self._placed(_understand(file, self.stream_index, exact=True))
        better = better_track(file, self.stream_index, track, result)
        return better and self._placed(better)

    def _placed(self, track: Track) -> Track:
        """Return a track whose times are those of the video that the file was cut out of, if it was."""
        offset = split_cut(self.source.path or "")[1]
        return replace(track, timeline=replace(track.timeline, offset_seconds=offset)) if offset else track

    def audio(self, start: float | None, stop: float | None, *, sampling_rate: int | None, mono: bool) -> Audio:
        """Decode the sound of a part of the file; see `Clip.audio`."""
        if self._folder() is not None:
            raise VideoError(self.source.name, "a folder of frames has no audio")
        handle = self._known[0].reopened() if self._known is not None else self.source.open()
        with closing(handle) as file:
            offset = split_cut(self.source.path or "")[1]
            if not offset:
                return read_audio(file, start, stop, sampling_rate=sampling_rate, mono=mono)
            own = (limit if limit is None else limit - offset for limit in (start, stop))
            sound = read_audio(file, *own, sampling_rate=sampling_rate, mono=mono)
            return replace(sound, pts_seconds=sound.pts_seconds + offset)


def _understand(file: ByteSource, stream_index: int | None, *, exact: bool) -> Track:
    """Learn as much as a file costs little to tell; all of it where `exact` asks so."""
    if file.remote and file.size > _SMALL and not exact:
        track = indexed_track(file, stream_index, anywhere=False) or estimated_track(file, stream_index)
    else:
        track = indexed_track(file, stream_index)
    return track or unindexed_track(file, stream_index)
