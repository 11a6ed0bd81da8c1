"""The conditions under which a stream's packets may be counted in place of its frames."""

from __future__ import annotations

from video_sft.video._headers.libav import Header
from video_sft.video._headers.packet_table import PacketTable
from video_sft.video._timeline import Timeline, step_of

__all__ = ["NEEDS_SETTING_UP", "PACKET_IS_FRAME", "SELF_CONTAINED", "timeline_of", "whole_frames"]

#: Codecs whose packets can be decoded by a decoder made from the header alone, and give one frame each.
SELF_CONTAINED = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg4"})
PACKET_IS_FRAME = SELF_CONTAINED | {"mjpeg", "prores", "ffv1", "mpeg1video", "mpeg2video"}

#: Codecs whose set-up need not be repeated within the packets.
NEEDS_SETTING_UP = frozenset({"h264", "hevc", "mpeg4"})

#: Containers that keep a frame's two fields together, and ones that may give a packet to each field.
_KEEPS_FIELDS_TOGETHER = frozenset({"mov", "matroska"})
_MAY_SPLIT_FIELDS = frozenset({"avi", "mpegts", "flv"})
_HAS_FIELDS = frozenset({"h264", "hevc", "mpeg2video"})

#: MPEG-4 marks frames that repeat the last one by packets of a few bytes, which decoders swallow.
_SMALLEST_MPEG4 = 16


def whole_frames(header: Header, table: PacketTable) -> bool:
    """Tell whether each packet shown gives one frame, so that packets may be counted in place of frames."""
    if header.codec not in PACKET_IS_FRAME or not table.one_frame_each:
        return False
    if int(table.size.min()) < (_SMALLEST_MPEG4 if header.codec == "mpeg4" else 1):
        return False
    if header.reorders and table.rises:
        return False  # the container has no times of its own, or wrong ones: libav gives those of another order
    if header.container == "avi" and not table.rises:
        return False
    if header.container in _MAY_SPLIT_FIELDS:
        return bool(header.progressive) or header.codec not in _HAS_FIELDS
    return header.container in _KEEPS_FIELDS_TOGETHER


def timeline_of(header: Header, table: PacketTable) -> Timeline:
    """Make the timeline of a stream whose packets are its frames."""
    times = table.pts[table.rows]
    last = int(table.duration[table.rows[-1]]) or step_of(times)
    return Timeline(times, int(times[-1]) + last, header.time_base)
