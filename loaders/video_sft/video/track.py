"""One video stream of a file, understood: what it is, when each frame is shown, and how its packets are reached."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from video_sft.errors import VideoError
from video_sft.video.byte_source import ByteSource, HeaderFile, SeekableFile
from video_sft.video.container import Header, failing, for_libav, header_of, open_container, video_stream
from video_sft.video.decoding import decode_all
from video_sft.video.frames import VideoMetadata
from video_sft.video.mp4_index import Mp4Track, find_moov, mp4_tracks, rotation_of
from video_sft.video.packet_table import PacketTable
from video_sft.video.timeline import Timeline

__all__ = ["Track", "indexed_track", "open_track", "unindexed_track"]

#: Codecs whose packets can be decoded by a decoder made from the header alone, and give one frame each.
_SELF_CONTAINED = frozenset({"h264", "hevc", "vp9", "av1", "mpeg4"})
_PACKET_IS_FRAME = _SELF_CONTAINED | {"vp8", "mjpeg", "prores", "ffv1", "mpeg1video", "mpeg2video"}

#: Containers that keep a frame's two fields together, and ones that may give a packet to each field.
_KEEPS_FIELDS_TOGETHER = frozenset({"mov", "matroska"})
_MAY_SPLIT_FIELDS = frozenset({"avi", "mpegts", "flv"})
_HAS_FIELDS = frozenset({"h264", "hevc", "mpeg2video"})

#: Containers that state each frame's time; elsewhere libav may guess the times of reordered frames, out of order.
_STATES_TIMES = _KEEPS_FIELDS_TOGETHER | {"mpegts", "flv"}

#: MPEG-4 marks frames that repeat the last one by packets of a few bytes, which decoders swallow.
_SMALLEST_MPEG4 = 16

#: The header of the box behind the moov, which libav reads as well, and the file's beginning, up to the first boxes.
_NEXT_HEADER = 64
_BEGINNING = 4096

Access = Literal["stored", "demuxed", "sequential", "nominal"]


@dataclass(frozen=True)
class Track:
    """A video stream.

    Attributes:
        header: what the file's header says of it.
        timeline: when its frames are shown.
        rotation: degrees clockwise by which pictures are turned for display.
        access: ``stored`` packets are read from their place in the file, ``demuxed`` ones through libav after a seek,
            and ``sequential`` streams are decoded from the file's beginning.
        table: the packets; None for sequential streams.
        damaged: numbers of frames that came out of damaged data, where that is known beforehand.
        order: number of each frame of a sequential stream, in the order in which the decoder gives them.
    """

    header: Header
    timeline: Timeline
    rotation: int
    access: Access
    table: PacketTable | None
    damaged: frozenset[int] = frozenset()
    order: tuple[int, ...] = ()

    @property
    def metadata(self) -> VideoMetadata:
        """The facts a user asks for."""
        header, timeline = self.header, self.timeline
        seconds = timeline.end_seconds - timeline.begin_seconds
        width, height = header.width, header.height
        if self.rotation % 180:
            width, height = height, width
        return VideoMetadata(
            duration_seconds=seconds,
            begin_seconds=timeline.begin_seconds,
            fps=float(header.average_rate) if header.average_rate else len(timeline) / seconds,
            num_frames=len(timeline),
            width=width,
            height=height,
            rotation=self.rotation,
            codec=header.codec,
            container=header.container,
            audio=header.audio,
        )


def open_track(file: ByteSource, stream_index: int | None) -> Track:
    """Understand a file's video stream exactly, at the least cost its container allows.

    Raises:
        VideoError: the file is broken or holds no video.
    """
    return indexed_track(file, stream_index) or unindexed_track(file, stream_index)


def indexed_track(file: ByteSource, stream_index: int | None) -> Track | None:
    """Understand an MP4 file from its table of all frames; None for others, and where the table is not enough."""
    place = find_moov(file.read_at, file.size)
    if place is None:
        return None
    offset, size = place
    behind = min(offset + size + _NEXT_HEADER, file.size)
    moov = file.read_at(offset, behind - offset)[:size]
    opened = HeaderFile(file, [(offset, behind), (0, _BEGINNING)]) if file.far else for_libav(file)
    return _stored_track(file, opened, moov, stream_index)


def unindexed_track(file: ByteSource, stream_index: int | None) -> Track:
    """Read a file through once, without decoding; where packets cannot be told to be frames, decode it all once.

    Raises:
        VideoError: the file is broken or holds no video.
    """
    return _scanned_track(file, stream_index) or _decoded_track(file, stream_index)


def _stored_track(file: ByteSource, opened: str | SeekableFile, moov: bytes, stream_index: int | None) -> Track | None:
    tracks = {track.track_id: track for track in mp4_tracks(moov, file.size) if track.table is not None}
    if not tracks:
        return None
    with open_container(opened, file.name, quick=True) as container:
        stream = video_stream(container, file.name, stream_index)
        header = header_of(container, stream)
    found = tracks.get(header.stream_id)
    if found is None or found.table is None or not _agree(header, found, found.table):
        return None
    return Track(header, _timeline(header, found.table), rotation_of(moov, found.track_id), "stored", found.table)


def _agree(header: Header, track: Mp4Track, table: PacketTable) -> bool:
    """Tell whether libav sees the same frames as the table, and can decode them outside the container."""
    return (
        header.codec in _SELF_CONTAINED
        and _whole_frames(header, table)
        and header.width > 0
        and header.num_frames == len(table)
        and header.time_base == Fraction(1, track.timescale)
        and header.start_tick == int(table.pts.min())
    )


def _whole_frames(header: Header, table: PacketTable) -> bool:
    """Tell whether each packet shown gives one frame, so that packets may be counted in place of frames."""
    if header.codec not in _PACKET_IS_FRAME or not table.one_frame_each:
        return False
    if header.codec == "mpeg4" and int(table.size.min()) < _SMALLEST_MPEG4:
        return False
    if header.container == "avi" and (header.reorders or not (np.diff(table.pts) > 0).all()):
        return False  # AVI stores no times: libav guesses those of reordered frames, and may guess wrong
    if header.container in _MAY_SPLIT_FIELDS:
        return header.progressive or header.codec not in _HAS_FIELDS
    return header.container in _KEEPS_FIELDS_TOGETHER


def _scanned_track(file: ByteSource, stream_index: int | None) -> Track | None:
    """Read all packets without decoding more than the first frame."""
    packets: list[tuple[int, int, int, int, bool, bool, int]] = []
    with open_container(for_libav(file), file.name) as container:
        stream = video_stream(container, file.name, stream_index)
        header = header_of(container, stream)
        if header.codec not in _PACKET_IS_FRAME:
            return None
        first = None
        with failing(file.name, "cannot be read"):
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                if packet.pts is None or packet.pos is None:
                    return None
                if first is None:
                    first = next(iter(stream.codec_context.decode(packet)), None)
                packets.append(_entry(header, packet))
    if first is None or not packets:
        return None
    table = PacketTable(*(np.array(column) for column in zip(*packets, strict=True)))
    if not _whole_frames(header, table):
        return None
    header = replace(header, width=first.width, height=first.height)
    return Track(header, _timeline(header, table), -first.rotation % 360, "demuxed", table)


def _entry(header: Header, packet: Any) -> tuple[int, int, int, int, bool, bool, int]:
    shown = not packet.is_discard
    if header.codec == "vp8":
        shown = bool(memoryview(packet)[0] >> 4 & 1)
    tick = packet.pts if header.container == "matroska" or packet.dts is None else packet.dts
    return packet.pts, packet.duration or 0, packet.pos, packet.size, packet.is_keyframe, shown, tick


def _decoded_track(file: ByteSource, stream_index: int | None) -> Track:
    """Decode the whole stream once for the times of its frames."""
    ticks: list[int] = []
    damaged: list[int] = []
    frame = None
    with open_container(for_libav(file), file.name) as container:
        stream = video_stream(container, file.name, stream_index)
        header = header_of(container, stream)
        for frame, whole in decode_all(container, stream, file.name):
            if not whole:
                damaged.append(len(ticks))
            ticks.append(_next_tick(header, ticks) if frame.pts is None else frame.pts)
    if frame is None:
        raise VideoError(file.name, "not one frame can be decoded")
    header = replace(header, width=frame.width, height=frame.height)
    times = np.sort(np.array(ticks, np.int64))
    order = np.arange(len(ticks))
    if header.container in _STATES_TIMES:
        order[np.argsort(ticks, kind="stable")] = np.arange(len(ticks))
    timeline = Timeline(times, int(times[-1]) + (frame.duration or _step(times)), header.time_base)
    broken = frozenset(order[damaged].tolist())
    return Track(header, timeline, -frame.rotation % 360, "sequential", None, broken, tuple(order.tolist()))


def _next_tick(header: Header, ticks: list[int]) -> int:
    """Give a frame without a time, as in a bare stream of pictures, the one after its forerunner's."""
    rate = header.average_rate or Fraction(25)
    return ticks[-1] + max(1, round(1 / (rate * header.time_base))) if ticks else 0


def _timeline(header: Header, table: PacketTable) -> Timeline:
    times = table.pts[table.rows]
    last = int(table.duration[table.rows[-1]]) or _step(times)
    return Timeline(times, int(times[-1]) + last, header.time_base)


def _step(times: np.ndarray[Any, np.dtype[np.int64]]) -> int:
    return int(times[-1] - times[-2]) if len(times) > 1 else 1
