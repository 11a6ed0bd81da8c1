"""Kinds of pictures by the beginning of MPEG-4 packets (ISO/IEC 14496-2)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from video_sft.video._bytes.byte_source import ReadAt
from video_sft.video._headers.packet_table import PacketTable

__all__ = ["INTRA", "picture_kind", "with_true_keys"]

#: So much of a packet is looked at; in front of a key frame lie the set-up and a line of text.
_BEGINNING = 320

INTRA = 0
_PICTURE = b"\0\0\1\xb6"


def picture_kind(beginning: bytes) -> int | None:
    """Return the type of the first picture, 2 for one that is stored out of order; None where there is none."""
    at = beginning.find(_PICTURE)
    return beginning[at + 4] >> 6 if 0 <= at < len(beginning) - 4 else None


def with_true_keys(read_at: ReadAt, table: PacketTable) -> PacketTable:
    """Take the mark of a key frame from packets that hold none: a decoder that starts there invents what it lacks."""
    key = table.key.copy()
    for row in np.flatnonzero(key).tolist():
        beginning = read_at(int(table.position[row]), min(int(table.size[row]), _BEGINNING))
        key[row] = picture_kind(beginning) == INTRA
    return replace(table, key=key)
