"""Leading pictures at a file's beginning, which lean on what was cut off in front of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from video_sft.errors import VideoError
from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._decoding.decoder import make_context
from video_sft.video._decoding.packets import stored_packets
from video_sft.video._headers.libav import Header, failing
from video_sft.video._headers.packet_table import PacketTable

__all__ = ["without_leading_pictures"]

#: No codec stores more frames than that behind a key frame that is shown after them.
_MOST_LEADING = 32


def without_leading_pictures(file: ByteSource, header: Header, table: PacketTable) -> PacketTable:
    """Mark frames as never shown that a decoder drops, those stored behind the first key frame and shown before it.

    Where a recording was cut at a key frame without being encoded anew, there are some. A few packets are decoded to
    see; where one of them does come out, the table stays as it is.
    """
    leading = np.flatnonzero(table.shown & (table.pts < table.pts[0])) if table.shown[0] else np.empty(0, np.int64)
    if not 0 < len(leading) <= _MOST_LEADING or int(leading[-1]) > 2 * _MOST_LEADING:
        return table
    shown = table.shown.copy()
    shown[leading] = False
    numbers = set(table.ordinals[leading].tolist())
    try:
        with failing(file.name, "cannot be decoded"):
            context = make_context(header, 1)
            packets = [packet for _, packet in stored_packets(file, table, 0, int(leading[-1]))]
            came = {frame.pts for packet in [*packets, None] for frame in context.decode(packet)}
    except VideoError:
        return table
    return replace(table, shown=shown) if came and not came & numbers else table
