"""The places of the frames of a Matroska or WebM file, read from the file itself (RFC 9559).

The format has no table of all frames. Its clusters are a chain of blocks, each with a short header in front: reading
the headers alone spares the reading of all other bytes, which libav does: a local file's frames take 1.05 to 1.2 times
as long without, and of a remote file the stretches between key frames are told by it alone. Whatever is out of the
ordinary (laced blocks, a chain that breaks off) is left to libav: the functions return None for it, or raise.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from video_sft.video._bytes.byte_source import ReadAt
from video_sft.video._headers.ebml import parse_header, unsigned, variable_number
from video_sft.video._headers.matroska_header import CLUSTER, LEVEL_1, MatroskaLayout, MatroskaTrack
from video_sft.video._headers.mpeg4_pictures import INTRA, picture_kind
from video_sft.video._headers.packet_table import PacketTable

__all__ = ["MatroskaBlock", "matroska_blocks", "matroska_table", "table_of_blocks"]

_TIMESTAMP, _SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
_BLOCK_DURATION, _REFERENCE = 0x9B, 0xFB

#: Headers are read with so many bytes behind them, which hold a block's own header.
_AHEAD = 32
_LACED = 0x06
#: A day of pictures and sound.
_MOST_ELEMENTS = 10_000_000
_KEY = 0x80


class MatroskaBlock(NamedTuple):
    """One packet.

    Attributes:
        pts: when it is shown, in ticks.
        position: of its content in the file.
        size: of its content.
        key: whether decoding can start there.
        duration: in ticks; 0 where it is not stated.
        beginning: its first bytes.
    """

    pts: int
    position: int
    size: int
    key: bool
    duration: int
    beginning: bytes


def matroska_table(read_at: ReadAt, layout: MatroskaLayout, track: MatroskaTrack) -> PacketTable | None:
    """Read the headers of all blocks; None where the file is out of the ordinary."""
    try:
        blocks = list(matroska_blocks(read_at, layout, track, layout.first_cluster, layout.end))
        return table_of_blocks(read_at, blocks, track) if blocks else None
    except (ValueError, IndexError):
        return None


def table_of_blocks(
    read_at: ReadAt, blocks: list[MatroskaBlock], track: MatroskaTrack, runs: tuple[int, ...] = (0,)
) -> PacketTable:
    """Make the table of some blocks, of which those at `runs` do not follow the ones before them in the file."""
    pts, position, size = np.array([(block.pts, block.position, block.size) for block in blocks], np.int64).T
    duration = np.array([block.duration or track.default_duration for block in blocks], np.int64)
    key = np.array([block.key and _may_be_key(track.codec, block.beginning) for block in blocks], bool)
    shown = np.array([_shown(read_at, track.codec, block) for block in blocks], bool)
    return PacketTable(pts, duration, position, size, key, shown, seek_tick=pts, runs=runs)


def matroska_blocks(
    read_at: ReadAt, layout: MatroskaLayout, track: MatroskaTrack, start: int, end: int
) -> Iterator[MatroskaBlock]:
    """Yield the blocks of a track from the cluster at one offset on, up to another.

    Raises:
        ValueError: the chain is broken, or a block is of a kind that is left to libav.
    """
    at, cluster_end, now = start, start, 0
    for _ in range(_MOST_ELEMENTS):
        if at >= end:
            return
        head = read_at(at, _AHEAD)
        kind, inside, behind = parse_header(head, at)
        if at >= cluster_end or kind in LEVEL_1:
            if kind == CLUSTER:
                at, cluster_end = inside, layout.end if behind is None else behind
                continue
            cluster_end = at
        if behind is None or behind > layout.end:
            raise ValueError(f"an element at byte {at:,} has no end")
        if at < cluster_end:
            block = None
            if kind == _SIMPLE_BLOCK:
                block = _block(head, at, inside, behind, now, track.number, None, 0)
            elif kind == _BLOCK_GROUP:
                block = _group(read_at, inside, behind, now, track.number)
            elif kind == _TIMESTAMP:
                now = unsigned(head, (kind, inside, behind), at)
            if block is not None:
                yield block
        at = behind
    raise ValueError("more elements than a video has")


def _group(read_at: ReadAt, start: int, end: int, now: int, number: int) -> MatroskaBlock | None:
    """Read a block with more facts around it."""
    found: tuple[bytes, int, int, int] | None = None
    duration, leans = 0, False
    at = start
    while at < end:
        head = read_at(at, _AHEAD)
        kind, inside, behind = parse_header(head, at)
        if behind is None or behind > end:
            raise ValueError(f"an element at byte {at:,} is longer than the one around it")
        if kind == _BLOCK:
            found = head, at, inside, behind
        elif kind == _BLOCK_DURATION:
            duration = unsigned(head, (kind, inside, behind), at)
        elif kind == _REFERENCE:
            leans = True
        at = behind
    return None if found is None else _block(*found, now, number, not leans, duration)


def _block(
    head: bytes, at: int, inside: int, behind: int, now: int, number: int, key: bool | None, duration: int
) -> MatroskaBlock | None:
    """Read a block's own header; None where the block is another track's."""
    track, place = variable_number(head, inside - at)
    if track != number:
        return None
    moment = int.from_bytes(head[place : place + 2], "big", signed=True)
    flags = head[place + 2]
    if flags & _LACED:
        raise ValueError("laced blocks")
    position = at + place + 3
    if position >= behind:
        raise ValueError("an empty block")
    is_key = bool(flags & _KEY) if key is None else key
    return MatroskaBlock(now + moment, position, behind - position, is_key, duration, head[place + 3 :])


def _may_be_key(codec: str, beginning: bytes) -> bool:
    """Tell whether a packet that is marked as a key frame can be one; some writers mark all."""
    first = beginning[0]
    if codec == "V_VP8":
        return not first & 1
    if codec == "V_VP9":
        bits = _vp9_bits(first)
        return not bits & 0b1100
    if codec == "V_MPEG4/ISO/ASP":
        return picture_kind(beginning) in (None, INTRA)
    if codec == "V_AV1":
        return first >> 3 & 15 in (1, 2)  # the sequence's header, or a mark in front of it
    return True


def _vp9_bits(first: int) -> int:
    """Give the bits that say whether a frame only shows an earlier one (8), is no key frame (4), and is shown (2)."""
    return first << 1 if first >> 4 & 3 == 3 else first  # the highest profile has one bit more in front


def _shown(read_at: ReadAt, codec: str, block: MatroskaBlock) -> bool:
    """Tell whether a packet is ever shown: VP8 and VP9 have frames that are only referred to."""
    first = block.beginning[0]
    if codec == "V_VP8":
        return bool(first >> 4 & 1)
    if codec == "V_VP9":
        bits = _vp9_bits(first)
        if bits & 0b1000 or bits & 0b10:  # shows an earlier frame, or this one
            return True
        # Hidden by itself; but libvpx packs such a frame together with the next one, and ends the packet with a mark.
        return read_at(block.position + block.size - 1, 1)[0] & 0xE0 == 0xC0
    return True
