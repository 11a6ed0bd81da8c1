"""The beginning of a Matroska or WebM file, and its index of key frames (RFC 9559)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from video_sft.video._bytes.byte_source import ReadAt
from video_sft.video._headers.ebml import LONGEST_HEADER, children, parse_header, unsigned

__all__ = ["CLUSTER", "LEVEL_1", "MatroskaLayout", "MatroskaTrack", "matroska_cues", "matroska_layout"]

CLUSTER = 0x1F43B675
_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_INFO, _TRACKS, _CUES, _SEEK_HEAD = 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x114D9B74
#: Elements that end a cluster of unknown size: these, chapters, tags and attachments.
LEVEL_1 = frozenset({CLUSTER, _INFO, _TRACKS, _CUES, _SEEK_HEAD, 0x1043A770, 0x1254C367, 0x1941A469})
_TIMESTAMP_SCALE = 0x2AD7B1
_TRACK, _NUMBER, _TYPE, _DEFAULT_DURATION = 0xAE, 0xD7, 0x83, 0x23E383
_VIDEO, _WIDTH, _HEIGHT, _CODEC = 0xE0, 0xB0, 0xBA, 0x86
#: Encodings of the content, another clock, a delay of the codec; in the video part: a projection, crops.
_UNUSUAL = frozenset({0x6D80, 0x23314F, 0x56AA})
_UNUSUAL_VIDEO = frozenset({0x7670, 0x54AA, 0x54BB, 0x54CC, 0x54DD})
_SEEK, _SEEK_ID, _SEEK_POSITION = 0x4DBB, 0x53AB, 0x53AC
_CUE_POINT, _CUE_TIME, _CUE_POSITIONS, _CUE_TRACK, _CUE_CLUSTER = 0xBB, 0xB3, 0xB7, 0xF7, 0xF1

_LARGEST_HEADER = 4 << 20
#: Before the first cluster.
_MOST_ELEMENTS = 10_000


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
        cues: offset of the index of key frames, where the header says so, else None.
        behind_clusters: offset of the first other element that the header says lies behind clusters; else the end.
        video_tracks: in file order.
    """

    segment: int
    first_cluster: int
    end: int
    cues: int | None
    behind_clusters: int
    video_tracks: tuple[MatroskaTrack, ...]


def matroska_layout(read_at: ReadAt, file_size: int) -> MatroskaLayout | None:
    """Read the header up to the first cluster; None where there is none, or the file is no Matroska."""
    try:
        return _layout(read_at, file_size)
    except (ValueError, IndexError, KeyError, ZeroDivisionError):
        return None


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
    contents: dict[int, int] = {}
    for _ in range(_MOST_ELEMENTS):
        if at >= end:
            break
        kind, inside, behind = parse_header(read_at(at, LONGEST_HEADER), at)
        if kind == CLUSTER:
            behind = min((place for place in contents.values() if at < place < end), default=end)
            return MatroskaLayout(start, at, end, contents.get(_CUES), behind, tracks) if tracks else None
        if behind is None or behind > end:
            return None
        if kind == _CUES:
            contents[_CUES] = at
        elif kind in (_INFO, _TRACKS, _SEEK_HEAD):
            if behind - inside > _LARGEST_HEADER:
                return None
            data = read_at(inside, behind - inside)
            if kind == _INFO:
                scale = next((unsigned(data, e) for e in children(data) if e[0] == _TIMESTAMP_SCALE), scale)
            elif kind == _SEEK_HEAD:
                contents |= {kind: start + place for kind, place in _contents(data)}
            else:
                tracks = tuple(_tracks(data, scale))
        at = behind
    return None


def _contents(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield what lies where, by the file's table of contents."""
    for entry in (element for element in children(data) if element[0] == _SEEK):
        parts = {part[0]: unsigned(data, part) for part in children(data, *entry[1:])}
        if _SEEK_ID in parts and _SEEK_POSITION in parts:
            yield parts[_SEEK_ID], parts[_SEEK_POSITION]


def matroska_cues(read_at: ReadAt, layout: MatroskaLayout, track: MatroskaTrack) -> list[tuple[int, int]]:
    """Read the index of key frames.

    Returns:
        When each is shown, in ticks, and the offset of its cluster, ascending; nothing where there is no index.
    """
    if layout.cues is None:
        return []
    try:
        kind, start, end = parse_header(read_at(layout.cues, LONGEST_HEADER), layout.cues)
        if kind != _CUES or end is None or end > layout.end or end - start > _LARGEST_HEADER:
            return []
        data, found = read_at(start, end - start), []
        for point in (element for element in children(data) if element[0] == _CUE_POINT):
            parts = list(children(data, *point[1:]))
            moment = next((unsigned(data, part) for part in parts if part[0] == _CUE_TIME), None)
            for positions in (part for part in parts if part[0] == _CUE_POSITIONS):
                values = {part[0]: unsigned(data, part) for part in children(data, *positions[1:])}
                if values.get(_CUE_TRACK) == track.number and _CUE_CLUSTER in values and moment is not None:
                    found.append((moment, layout.segment + values[_CUE_CLUSTER]))
    except (ValueError, IndexError):
        return []
    return sorted(found) if all(layout.first_cluster <= place < layout.end for _, place in found) else []


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
