"""Where the frames of a Matroska or WebM file lie, read from the file itself (RFC 9559).

The format has no table of all frames. Its clusters are a chain of blocks, each with a short header in front: reading
the headers alone takes a small part of the time that libav needs, which reads every byte. Whatever is out of the
ordinary (compressed or laced blocks, tracks that are turned or cropped, files that are cut off) is left to libav: the
functions return None for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from video_sft.video.ebml import LONGEST_HEADER, ReadAt, children, parse_header, unsigned, variable_number
from video_sft.video.packet_table import PacketTable

__all__ = ["Block", "MatroskaLayout", "MatroskaTrack", "matroska_blocks", "matroska_layout", "matroska_table"]

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_INFO, _TRACKS, _CUES = 0x1549A966, 0x1654AE6B, 0x1C53BB6B
_LEVEL_1 = frozenset({_CLUSTER, _INFO, _TRACKS, _CUES, 0x114D9B74, 0x1043A770, 0x1254C367, 0x1941A469})
_TIMESTAMP, _SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xE7, 0xA3, 0xA0, 0xA1
_BLOCK_DURATION, _REFERENCE = 0x9B, 0xFB
_TIMESTAMP_SCALE = 0x2AD7B1
_TRACK, _NUMBER, _TYPE, _DEFAULT_DURATION = 0xAE, 0xD7, 0x83, 0x23E383
_VIDEO, _WIDTH, _HEIGHT, _CODEC = 0xE0, 0xB0, 0xBA, 0x86
#: Encodings of the content, another clock, a delay of the codec; in the video part: a projection, crops.
_UNUSUAL = frozenset({0x6D80, 0x23314F, 0x56AA})
_UNUSUAL_VIDEO = frozenset({0x7670, 0x54AA, 0x54BB, 0x54CC, 0x54DD})
_CUE_POINT, _CUE_TIME, _CUE_POSITIONS, _CUE_TRACK, _CUE_CLUSTER = 0xBB, 0xB3, 0xB7, 0xF7, 0xF1

#: Headers are read with so many bytes behind them, which hold a block's own header.
_AHEAD = 32
_LACED = 0x06
_KEY = 0x80
_LARGEST_HEADER = 4 << 20


@dataclass(frozen=True)
class MatroskaTrack:
    """One video track.

    Attributes:
        number: what its blocks are marked with.
        codec: Matroska's name, such as ``V_VP9``.
        width: of the stored picture.
        height: of the stored picture.
        default_duration: of a frame, in ticks; 0 where it is not stated.
        plain: whether its blocks hold packets as they are.
    """

    number: int
    codec: str
    width: int
    height: int
    default_duration: int
    plain: bool


@dataclass(frozen=True)
class MatroskaLayout:
    """The parts of a file.

    Attributes:
        segment: where the positions that the file itself states count from.
        first_cluster: offset of the first.
        end: of the segment.
        video_tracks: in file order.
    """

    segment: int
    first_cluster: int
    end: int
    video_tracks: tuple[MatroskaTrack, ...]


class Block(NamedTuple):
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


def matroska_layout(read_at: ReadAt, file_size: int) -> MatroskaLayout | None:
    """Read the header up to the first cluster; None where there is none, or the file is no Matroska.

    Args:
        read_at: gives so many bytes at an offset.
        file_size: in bytes.
    """
    try:
        return _layout(read_at, file_size)
    except (ValueError, IndexError):
        return None


def matroska_table(read_at: ReadAt, layout: MatroskaLayout, track: MatroskaTrack) -> PacketTable | None:
    """Read the headers of all blocks; None where the file is out of the ordinary."""
    if not track.plain:
        return None
    try:
        blocks = list(matroska_blocks(read_at, layout, track, layout.first_cluster, layout.end))
    except (ValueError, IndexError):
        return None
    return packet_table(read_at, blocks, track) if blocks else None


def packet_table(read_at: ReadAt, blocks: list[Block], track: MatroskaTrack) -> PacketTable:
    """Make the table of some blocks."""
    pts = np.array([block.pts for block in blocks], np.int64)
    shown = np.array([_shown(read_at, track.codec, block) for block in blocks], bool)
    return PacketTable(
        pts=pts,
        duration=np.array([block.duration or track.default_duration for block in blocks], np.int64),
        position=np.array([block.position for block in blocks], np.int64),
        size=np.array([block.size for block in blocks], np.int64),
        key=np.array([block.key for block in blocks], bool),
        shown=shown,
        seek_tick=pts,
    )


def _layout(read_at: ReadAt, file_size: int) -> MatroskaLayout | None:
    kind, start, behind = parse_header(read_at(0, LONGEST_HEADER), 0)
    if kind != _EBML or behind is None:
        return None
    kind, start, stop = parse_header(read_at(behind, LONGEST_HEADER), behind)
    if kind != _SEGMENT:
        return None
    end = file_size if stop is None else stop
    if end > file_size:
        return None
    scale, tracks, at = 1_000_000, tuple[MatroskaTrack, ...](), start
    while at < end:
        kind, inside, behind = parse_header(read_at(at, LONGEST_HEADER), at)
        if kind == _CLUSTER:
            return MatroskaLayout(start, at, end, tracks) if tracks else None
        if behind is None or behind > end:
            return None
        if kind in (_INFO, _TRACKS):
            if behind - inside > _LARGEST_HEADER:
                return None
            data = read_at(inside, behind - inside)
            if kind == _INFO:
                scale = next((unsigned(data, e) for e in children(data) if e[0] == _TIMESTAMP_SCALE), scale)
            else:
                tracks = tuple(_tracks(data, scale))
        at = behind
    return None


def _tracks(data: bytes, scale: int) -> Iterator[MatroskaTrack]:
    for entry in children(data):
        if entry[0] != _TRACK:
            continue
        parts = {part[0]: part for part in children(data, entry[1], entry[2])}
        if _VIDEO not in parts or unsigned(data, parts[_TYPE]) != 1:
            continue
        picture = {part[0]: part for part in children(data, *parts[_VIDEO][1:])}
        duration = unsigned(data, parts[_DEFAULT_DURATION]) // scale if _DEFAULT_DURATION in parts else 0
        yield MatroskaTrack(
            number=unsigned(data, parts[_NUMBER]),
            codec=data[slice(*parts[_CODEC][1:])].decode("ascii", "replace"),
            width=unsigned(data, picture[_WIDTH]),
            height=unsigned(data, picture[_HEIGHT]),
            default_duration=duration,
            plain=not (_UNUSUAL & parts.keys() or _UNUSUAL_VIDEO & picture.keys()),
        )


def matroska_blocks(
    read_at: ReadAt, layout: MatroskaLayout, track: MatroskaTrack, start: int, end: int
) -> Iterator[Block]:
    """Yield the blocks of a track from one cluster on.

    Args:
        read_at: gives so many bytes at an offset.
        layout: of the file.
        track: whose blocks are wanted.
        start: offset of a cluster.
        end: where to stop.

    Raises:
        ValueError: the chain is broken, or a block is of a kind that is left to libav.
    """
    at, cluster_end, now = start, start, 0
    while at < end:
        head = read_at(at, _AHEAD)
        kind, inside, behind = parse_header(head, at)
        if at >= cluster_end or kind in _LEVEL_1:
            if kind == _CLUSTER:
                at, cluster_end = inside, layout.end if behind is None else behind
                continue
            cluster_end = at
        if behind is None or behind > layout.end:
            raise ValueError(f"an element at byte {at:,} has no end")
        if at < cluster_end:
            if kind == _SIMPLE_BLOCK:
                block = _block(head, at, inside, behind, now, track.number, None, 0)
                if block is not None:
                    yield block
            elif kind == _BLOCK_GROUP:
                block = _group(read_at, inside, behind, now, track.number)
                if block is not None:
                    yield block
            elif kind == _TIMESTAMP:
                now = int.from_bytes(head[inside - at : behind - at], "big")
        at = behind


def _group(read_at: ReadAt, start: int, end: int, now: int, number: int) -> Block | None:
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
            duration = int.from_bytes(head[inside - at : behind - at], "big")
        elif kind == _REFERENCE:
            leans = True
        at = behind
    return None if found is None else _block(*found, now, number, not leans, duration)


def _block(
    head: bytes, at: int, inside: int, behind: int, now: int, number: int, key: bool | None, duration: int
) -> Block | None:
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
    return Block(now + moment, position, behind - position, is_key, duration, head[place + 3 :])


def _shown(read_at: ReadAt, codec: str, block: Block) -> bool:
    """Tell whether a packet is ever shown: VP8 and VP9 have frames that are only referred to."""
    first = block.beginning[0]
    if codec == "V_VP8":
        return bool(first >> 4 & 1)
    if codec == "V_VP9":
        bits = first << 1 if first >> 4 & 3 == 3 else first  # the highest profile has one bit more in front
        if bits & 0b1000 or bits & 0b10:  # shows an earlier frame, or this one
            return True
        # Hidden by itself; but libvpx packs such a frame together with the next one, and ends the packet with a mark.
        return read_at(block.position + block.size - 1, 1)[0] & 0xE0 == 0xC0
    return True
