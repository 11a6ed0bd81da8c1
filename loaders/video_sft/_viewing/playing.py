"""The form in which a browser is given a clip: its own file, the same packets in another container, or a new video."""

from __future__ import annotations

import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import av

from video_sft.errors import VideoError, one_line
from video_sft.video import Clip, VideoMetadata, contact_sheet
from video_sft.video._bytes.byte_source import SeekableFile
from video_sft.video._encoding.trimmed import write_trimmed
from video_sft.video._streams.track import Track

__all__ = ["Kept", "MediaPlan", "as_mp4", "plan_of", "sheet_of"]

Way = Literal["direct", "repacked", "converted"]

_MP4 = frozenset({"mov", "mp4", "m4a", "3gp", "3g2", "mj2"})
_MATROSKA = frozenset({"matroska", "webm"})
#: What current browsers decode, and in which container they take it.
_IN_MP4 = frozenset({"h264", "av1", "vp9"})
_IN_WEBM = frozenset({"vp8", "vp9", "av1"})
_SOUND_IN_MP4 = frozenset({"aac", "mp3", "opus", "flac"})
_SOUND_IN_WEBM = frozenset({"opus", "vorbis"})
#: Containers whose packets can be put into MP4 as they are: they know when each is shown and decoded.
_REPACKED = _MATROSKA | {"flv", "mpegts"}
#: Larger files are not repacked whole, since that is done in memory; and what a video made anew has at most.
_MOST_BYTES, MOST_SECONDS, _SHORTEST_SIDE = 128 << 20, 180.0, 360
_SHEET, _SHEET_SIDE = 8, 160


@dataclass(frozen=True)
class MediaPlan:
    """How a clip is shown.

    Attributes:
        way: `direct` is the file as it is, `repacked` its packets in another container, `converted` a new video of the
            clip alone.
        media_type: of what is sent.
        offset: the second of the file that is second 0 of what is sent.
        begin: where the clip begins, in seconds of the file.
        end: where it ends.
        facts: about the file.
    """

    way: Way
    media_type: str
    offset: float
    begin: float
    end: float
    facts: VideoMetadata

    @property
    def cut(self) -> bool:
        """Whether only the beginning of the clip is sent."""
        return self.way == "converted" and self.end - self.begin > MOST_SECONDS


def plan_of(clip: Clip, *, anew: bool = False) -> MediaPlan:
    """Decide how a clip is shown; the file's header is read.

    Args:
        clip: of any file.
        anew: make a new video of it, since the browser could not play the file.

    Raises:
        VideoError: the file cannot be read, or the clip is not within it.
    """
    facts = clip.metadata
    begin, end = facts.within(clip.start_seconds, clip.stop_seconds)
    if begin >= end:
        raise VideoError(clip.path or "", f"the clip is not within its video, which ends at {facts.end_seconds:g} s")
    way: Way = "converted"
    kind = "video/mp4"
    if not anew:
        way, kind = _way(clip, facts)
    offset = {"direct": 0.0, "repacked": facts.begin_seconds, "converted": begin}[way]
    return MediaPlan(way, kind, offset, begin, end, facts)


def _way(clip: Clip, facts: VideoMetadata) -> tuple[Way, str]:
    sound = None if facts.audio is None else facts.audio.codec
    if facts.container in _MP4 and facts.codec in _IN_MP4 and (sound is None or sound in _SOUND_IN_MP4):
        return "direct", "video/mp4"
    webm = facts.container in _MATROSKA and facts.codec in _IN_WEBM and (sound is None or sound in _SOUND_IN_WEBM)
    if webm and (clip.path or "").lower().endswith(".webm"):
        return "direct", "video/webm"
    fits = facts.codec in _IN_MP4 and (sound is None or sound in _SOUND_IN_MP4)
    if fits and facts.container in _REPACKED:
        with closing(clip._file.source.open()) as file:
            if not file.remote and file.size <= _MOST_BYTES:
                return "repacked", "video/mp4"
    return "converted", "video/mp4"


def as_mp4(clip: Clip, plan: MediaPlan) -> bytes:
    """Return the MP4 file of a clip that is not sent as it is.

    Raises:
        VideoError: the file cannot be read, or its frames cannot be encoded.
    """
    made = io.BytesIO()
    if plan.way == "repacked":
        try:
            _repack(clip, made)
        except (av.FFmpegError, ValueError) as error:  # the latter for a codec it has no name for
            raise VideoError(clip.path or "", f"cannot be repacked: {one_line(error)}") from error
    else:
        stop = min(plan.end, plan.begin + MOST_SECONDS)
        write_trimmed(clip.clip(plan.begin, stop), made, shortest_side=_SHORTEST_SIDE, quick=True)
    return made.getvalue()


def _repack(clip: Clip, target: io.BytesIO) -> None:
    """Copy the packets of a file's picture and sound into an MP4 file that begins at 0."""
    begin, shown = Fraction(clip.metadata.begin_seconds), clip._file.track()
    if not isinstance(shown, Track):
        raise VideoError(clip.path or "", "is no file")
    with (
        closing(clip._file.source.open()) as file,
        av.open(SeekableFile(file), "r") as source,
        av.open(target, "w", format="mp4") as container,
    ):
        streams: list[Any] = [source.streams[shown.header.stream_index], *source.streams.audio[:1]]
        copies = {stream.index: container.add_stream_from_template(stream, opaque=True) for stream in streams}
        packets = [packet for packet in source.demux(streams) if packet.size]
        if any(packet.pts is None for packet in packets):
            raise VideoError(clip.path or "", "cannot be repacked: it does not say when each frame is shown")
        for stream in streams:
            own = [packet for packet in packets if packet.stream.index == stream.index]
            # Matroska does not say when a packet is decoded: in order, and before it is shown.
            decoded = sorted(packet.pts for packet in own)
            early = max((tick - packet.pts for tick, packet in zip(decoded, own, strict=True)), default=0)
            shift = round(begin / stream.time_base)
            for tick, packet in zip(decoded, own, strict=True):
                packet.pts, packet.dts = packet.pts - shift, tick - early - shift
        for packet in packets:
            packet.stream = copies[packet.stream.index]
            container.mux(packet)


def sheet_of(clip: Clip, *, count: int = _SHEET, side: int = _SHEET_SIDE, quality: int = 80) -> bytes:
    """Return frames of a clip side by side with their times, as a JPEG picture.

    Raises:
        VideoError: no frame of it can be read.
    """
    made = io.BytesIO()
    contact_sheet(clip, count=count, size=side).save(made, "JPEG", quality=quality)
    return made.getvalue()


class Kept:
    """What was made lately, up to so many bytes; what two ask for at a time is made once."""

    def __init__(self, most_bytes: int, at_once: int = 2) -> None:
        self._most = most_bytes
        self._made: OrderedDict[Hashable, bytes] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()
        self._slots = threading.Semaphore(at_once)

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return what was made under a key, or make it."""
        with self._lock:
            own = self._making.setdefault(key, threading.Lock())
        with own:
            with self._lock:
                if key in self._made:
                    self._made.move_to_end(key)
                    return self._made[key]
            with self._slots:
                data = make()
            with self._lock:
                self._made[key] = data
                while len(self._made) > 1 and sum(map(len, self._made.values())) > self._most:
                    self._making.pop(self._made.popitem(last=False)[0], None)
            return data
