"""Streams that have to be read through, once, to tell their frames."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np

from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._decoding.decoder import decode_all
from video_sft.video._decoding.orientation import UPRIGHT, Orientation, orientation_of
from video_sft.video._headers.libav import Header, failing, for_libav, header_of, open_container, video_stream
from video_sft.video._headers.nal_units import x264_build
from video_sft.video._headers.packet_table import PacketTable
from video_sft.video._streams.packet_frames import PACKET_IS_FRAME, timeline_of, whole_frames
from video_sft.video._streams.track import Track
from video_sft.video._timeline import Timeline, step_of

__all__ = ["decoded_track", "unindexed_track"]

#: What is lost of such a stream on its way is no fault of the file: players show what the decoder makes of the rest.
_LOSSY = "mpegts"


def unindexed_track(file: ByteSource, stream_index: int | None) -> Track:
    """Read a file through once, without decoding; where packets cannot be told to be frames, decode it all once.

    Raises:
        VideoError: the file is broken or holds no video.
    """
    return _scanned_track(file, stream_index) or decoded_track(file, stream_index)


def _scanned_track(file: ByteSource, stream_index: int | None) -> Track | None:
    """Read all packets without decoding more than the first frame."""
    packets: list[tuple[int, int, int, int, bool, bool, int]] = []
    file.read_through()
    with open_container(for_libav(file), file.name) as container:
        stream = video_stream(container, file.name, stream_index)
        header = header_of(container, stream)
        if header.codec not in PACKET_IS_FRAME:
            return None
        first = None
        with failing(file.name, "cannot be read"):
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                if packet.pts is None or packet.pos is None or (packet.is_corrupt and header.container == _LOSSY):
                    return None
                if first is None:
                    first = next(iter(stream.codec_context.decode(packet)), None)
                if not packets and header.codec == "h264":
                    header = replace(header, x264_build=x264_build(bytes(packet)))
                packets.append(_entry(header, packet))
    if first is None or not packets:
        return None
    if len({(place, size) for _, _, place, size, *_ in packets}) < len(packets):
        return None  # edits that show a stretch again: the packets of a frame cannot be told from those of the other
    pts, duration, position, size, key, shown, tick = (np.array(column) for column in zip(*packets, strict=True))
    table = PacketTable(pts, duration, position, size, key, shown, tick)
    progressive = not first.interlaced_frame if header.progressive is None else header.progressive
    header = replace(header, width=first.width, height=first.height, progressive=progressive)
    if not whole_frames(header, table):
        return None
    return Track(header, timeline_of(header, table), _orientation(header, first), "demuxed", table, measured=True)


def _entry(header: Header, packet: Any) -> tuple[int, int, int, int, bool, bool, int]:
    shown = not packet.is_discard
    if header.codec == "vp8":
        shown = bool(memoryview(packet)[0] >> 4 & 1)
    tick = packet.pts if header.container == "matroska" or packet.dts is None else packet.dts
    return packet.pts, packet.duration or 0, packet.pos, packet.size, packet.is_keyframe, shown, tick


def decoded_track(file: ByteSource, stream_index: int | None) -> Track:
    """Decode the whole stream once for the times of its frames.

    Raises:
        VideoError: the file is broken or holds no video.
    """
    ticks: list[int] = []
    damaged: list[int] = []
    first = None
    file.read_through()
    with open_container(for_libav(file), file.name) as container:
        stream = video_stream(container, file.name, stream_index)
        header = header_of(container, stream)
        losses: list[bool] = []
        for frame, whole in decode_all(container, stream, file.name, losses=losses):
            first = frame if first is None else first
            if not whole:
                damaged.append(len(ticks))
            ticks.append(_next_tick(header, ticks) if frame.pts is None else frame.pts)
    if first is None:
        raise VideoError(file.name, "not one frame can be decoded")
    header = replace(header, width=first.width, height=first.height)
    # The order is the decoder's. Times may contradict it: guessed ones (AVI, bare streams), or ones stated wrong.
    times = np.sort(np.array(ticks, np.int64))
    timeline = Timeline(times, int(times[-1]) + (frame.duration or step_of(times)), header.time_base)
    mended = frozenset(damaged) if header.container == _LOSSY and losses else frozenset()
    kinds = {"damaged": frozenset(damaged) - mended, "mended": mended}
    return Track(header, timeline, _orientation(header, first), "sequential", None, measured=True, **kinds)


def _orientation(header: Header, frame: Any) -> Orientation:
    """Read how pictures are shown; the angle alone does not tell of all those that are upside down."""
    return orientation_of(frame) if frame.rotation or header.container == "mov" else UPRIGHT


def _next_tick(header: Header, ticks: list[int]) -> int:
    """Give a frame without a time, as in a bare stream of pictures, the one after its forerunner's."""
    rate = header.average_rate or Fraction(25)
    return ticks[-1] + max(1, round(1 / (rate * header.time_base))) if ticks else 0
