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

from video_sft.video.ebml import ReadAt
from video_sft.video.packet_table import PacketTable

__all__ = ["avi_table"]

_CHUNK_HEADER = 8
#: Of each frame so much is read; in front of a key frame lie the set-up and a line of text.
_BEGINNING = 320

#: Start codes of ISO/IEC 14496-2, and the type in the two bits behind that of a picture.
_PICTURE = b"\0\0\1\xb6"
_LAYERS = tuple(bytes([0, 0, 1, 0x20 + number]) for number in range(16))
_INTRA, _PREDICTED, _SPRITE = 0, 1, 3


def avi_table(read_at: ReadAt, entries: Sequence[Any], extradata: bytes) -> PacketTable | None:
    """Make the table of an MPEG-4 stream; None where the index and the frames do not agree, or frames are reordered.

    Args:
        read_at: gives so many bytes at an offset.
        entries: libav's, which have the frame's number, the place of its chunk, and its size.
        extradata: the decoder's set-up from the file's header.
    """
    numbers, positions, sizes, keys = [], [], [], []
    set_up = any(code in extradata for code in _LAYERS)
    for entry in entries:
        begun = read_at(entry.pos, _CHUNK_HEADER + min(entry.size, _BEGINNING))
        if len(begun) <= _CHUNK_HEADER or struct.unpack_from("<I", begun, 4)[0] != entry.size:
            return None
        at = begun.find(_PICTURE, _CHUNK_HEADER)
        kind = begun[at + 4] >> 6 if 0 < at < len(begun) - 4 else None
        if kind not in (_INTRA, _PREDICTED, _SPRITE):
            return None
        numbers.append(entry.timestamp)
        positions.append(entry.pos + _CHUNK_HEADER)
        sizes.append(entry.size)
        keys.append(kind == _INTRA and (set_up or any(code in begun[:at] for code in _LAYERS)))
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
