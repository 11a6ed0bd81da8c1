"""Where the frames of an MPEG-4 video in an AVI file lie, by the index at the file's end.

AVI stores no times: frames are shown one after the other in the order they are stored in. That holds as long as no
frame is stored in another order than it is shown in, which the index does not tell; so the beginning of every frame is
read as well. Files with such frames (B-VOPs, of which some writers pack two into one place) are left to libav.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from video_sft.video._bytes.byte_source import ReadAt
from video_sft.video._headers.mpeg4_pictures import BEGINNING, INTRA, PREDICTED, SPRITE, has_set_up, picture_kind
from video_sft.video._headers.packet_table import PacketTable

__all__ = ["avi_table"]

_CHUNK_HEADER = 8


def avi_table(read_at: ReadAt, entries: Sequence[Any], extradata: bytes) -> PacketTable | None:
    """Make the table of an MPEG-4 stream; None where the index and the frames do not agree, or frames are reordered.

    Args:
        read_at: gives so many bytes at an offset.
        entries: libav's, which have the frame's number, the place of its chunk, and its size.
        extradata: the decoder's set-up from the file's header.
    """
    numbers, positions, sizes, keys = [], [], [], []
    set_up = has_set_up(extradata)
    for entry in entries:
        chunk = read_at(entry.pos, _CHUNK_HEADER + min(entry.size, BEGINNING))
        if len(chunk) <= _CHUNK_HEADER or struct.unpack_from("<I", chunk, 4)[0] != entry.size:
            return None
        kind = picture_kind(chunk[_CHUNK_HEADER:])
        if kind not in (INTRA, PREDICTED, SPRITE):
            return None
        numbers.append(entry.timestamp)
        positions.append(entry.pos + _CHUNK_HEADER)
        sizes.append(entry.size)
        keys.append(kind == INTRA and (set_up or has_set_up(chunk[_CHUNK_HEADER:])))
    if not numbers:
        return None
    pts = np.array(numbers, np.int64)
    return PacketTable(
        pts=pts,
        duration=np.ones(len(pts), np.int64),
        position=np.array(positions, np.int64),
        size=np.array(sizes, np.int64),
        key=np.array(keys, bool),
        shown=np.ones(len(pts), bool),
        seek_tick=pts,
    )
