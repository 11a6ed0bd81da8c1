"""Streams whose frames can be told without reading the file: from a table, an index or the headers of its blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import numpy as np

from video_sft.video._bytes.byte_source import ByteSource, HeaderFile, HollowFile
from video_sft.video._decoding.orientation import UPRIGHT, from_matrix, product
from video_sft.video._headers.libav import Header, for_libav, header_of, open_container, video_stream, video_streams
from video_sft.video._headers.matroska_blocks import matroska_table
from video_sft.video._headers.matroska_header import MatroskaLayout, MatroskaTrack, matroska_layout
from video_sft.video._headers.mp4_boxes import Moov, find_moov, matrices_of
from video_sft.video._headers.mp4_fragments import fragmented_table
from video_sft.video._headers.mp4_index import Fragments, Mp4Track, edited, index_of, mp4_tracks
from video_sft.video._headers.mpeg4_pictures import with_true_keys
from video_sft.video._headers.nal_units import leans_on_later, starts_afresh, x264_build
from video_sft.video._headers.packet_table import PacketTable
from video_sft.video._streams.animated import animated_track
from video_sft.video._streams.leading_pictures import without_leading_pictures
from video_sft.video._streams.packet_frames import NEEDS_SETTING_UP, SELF_CONTAINED, timeline_of, whole_frames
from video_sft.video._streams.remote_fragments import announce_fragments
from video_sft.video._streams.scanned import decoded_track
from video_sft.video._streams.track import Track

__all__ = ["indexed_track", "plain_matroska", "signed"]

#: The header of the box behind the moov, which libav reads as well, and the file's beginning, up to the first boxes.
_NEXT_HEADER = 64
_BEGINNING = 4096
_BOX_HEADER = 16
#: Codecs whose set-up tells whether frames are reordered.
_TELLS_ORDER = frozenset({"hevc", "mpeg4"})
#: So many frames of others are looked at for their order, so much of each, and within so much of a remote file.
_LOOKED_AT = 40
_SLICE_HEADER = 256
_AT_HAND = 64 << 10
#: Within so much of its first packet x264 signs a stream; the profile in which that matters most.
_SIGNATURE, _PROFILE_444 = 4 << 10, b"\xf4"
#: Edits beyond so many stretches of a file are not looked at one by one.
_MOST_STRETCHES = 64
#: What libav has to see of the first cluster in order to know that the header is over.
_CLUSTER_HEADER = 12


def indexed_track(file: ByteSource, stream_index: int | None, *, anywhere: bool = True) -> Track | None:
    """Understand a file from what it states of all its frames; None for others, and where that is not enough.

    MP4 has a table of them. In Matroska and WebM each is announced in its own place: over a network, all of the file
    has to be fetched for it, which is done only where `anywhere` says so.

    Raises:
        VideoError: the file is broken or holds no video.
    """
    moov = find_moov(file.read_at, file.size)
    if moov is not None:
        return _mp4_track(file, moov, stream_index)
    animated = animated_track(file, stream_index)
    if animated is not None or not anywhere:
        return animated
    file.read_through()
    return _matroska_track(file, stream_index)


def _mp4_track(file: ByteSource, place: Moov, stream_index: int | None) -> Track | None:
    end = min(place.offset + place.size + _NEXT_HEADER, file.size)
    moov = file.read_at(place.offset, end - place.offset)[: place.size]
    behind, fragmented = place.offset + place.size, b"mvex" in moov
    fragments = _fragments_of(file, moov, behind) if fragmented else None
    tracks = {track.track_id: track for track in mp4_tracks(moov, file.size, fragments) if track.table is not None}
    if not tracks:
        return None
    parts = [(place.offset, end), (0, _BEGINNING), *((other, other + _BOX_HEADER) for other in place.others)]

    entries = np.empty((0, 4), np.int64)

    def header_with(*, decoders: bool) -> Header:
        nonlocal entries
        opened = for_libav(file)
        if file.remote:
            opened = HollowFile(file, behind, file.size) if fragmented else HeaderFile(file, parts)
        with open_container(opened, file.name, quick=True, decoders=decoders) as container:
            stream = video_stream(container, file.name, stream_index)
            if stream.id in tracks and tracks[stream.id].cut:
                entries = index_of(stream)
            return header_of(container, stream)

    header = header_with(decoders=False)
    if header.width == 0:  # the size of MPEG-4 pictures is known to its decoder alone
        header = header_with(decoders=True)
    found = tracks.get(header.stream_id)
    if found is None or found.table is None or not (fragmented or header.num_frames == len(found.table)):
        return None
    table = edited(found.table, entries) if found.cut else found.table
    if table is not None and header.codec in SELF_CONTAINED and header.width:
        header = signed(file, header, int(found.table.position[0]), int(found.table.size[0]))
        table = without_leading_pictures(file, header, table)
    if table is None or not _agree(header, found, table, fragmented) or not _joins(file, header, table):
        return decoded_track(file, stream_index) if found.cut else None  # what is stated of it is of another length
    if not _in_order(file, header, found.table, lambda: header_with(decoders=True)):
        return None
    matrices = matrices_of(moov, found.track_id)
    orientation = from_matrix(product(*matrices)) if matrices else UPRIGHT
    if header.codec == "mpeg4" and not file.remote:
        table = with_true_keys(file.read_at, table)
    return Track(header, timeline_of(header, table), orientation, "stored", table)


def _fragments_of(file: ByteSource, moov: bytes, behind: int) -> Fragments | None:
    """Return what reads the fragments of a fragmented file; None where over a network they would be too many."""
    if file.remote and not announce_fragments(file, behind):
        return None
    return lambda track_id, first: fragmented_table(file.read_at, file.size, moov, behind, track_id, first)


def _agree(header: Header, track: Mp4Track, table: PacketTable, fragmented: bool) -> bool:
    """Tell whether libav sees the same frames as the table, and can decode them outside the container."""
    return (
        header.codec in SELF_CONTAINED
        and whole_frames(header, table)
        and header.width > 0
        and header.time_base == Fraction(1, track.timescale)
        and (
            header.start_tick in (table.pts.min(), table.pts[table.shown].min())
            or (fragmented and header.start_tick is None)
        )
    )


def signed(file: ByteSource, header: Header, position: int, size: int) -> Header:
    """Look who encoded an H.264 stream in its first packet; of a remote file, only where it can matter (4:4:4)."""
    if header.codec != "h264" or (file.remote and header.extradata[1:2] != _PROFILE_444):
        return header
    return replace(header, x264_build=x264_build(file.read_at(position, min(size, _SIGNATURE))))


def _joins(file: ByteSource, header: Header, table: PacketTable) -> bool:
    """Tell whether a decoder that goes from one stretch of the file to another gives the frames of each as they are."""
    for row in table.runs[1:]:
        before, after = (table.pts[part][table.shown[part]] for part in (slice(row), slice(row, None)))
        if len(before) and len(after) and before.max() >= after.min():
            return False
        if not table.key[row] or header.codec == "mpeg4" or len(table.runs) > _MOST_STRETCHES:
            return False
        beginning = file.read_at(int(table.position[row]), min(int(table.size[row]), _SLICE_HEADER))
        if header.codec in ("h264", "hevc") and not starts_afresh(beginning, header.codec, header.extradata):
            return False
    return True


def _matroska_track(file: ByteSource, stream_index: int | None) -> Track | None:
    found = plain_matroska(file, stream_index)
    if found is None:
        return None
    header, layout, track = found
    table = matroska_table(file.read_at, layout, track)
    if table is not None:
        header = signed(file, header, int(table.position[0]), int(table.size[0]))
        table = without_leading_pictures(file, header, table)

    def decoded_header() -> Header:
        with open_container(for_libav(file), file.name, quick=True, decoders=True) as container:
            return header_of(container, container.streams[header.stream_index])

    if table is None or not whole_frames(header, table) or not _in_order(file, header, table, decoded_header):
        return None
    return Track(header, timeline_of(header, table), UPRIGHT, "stored", table)


def _in_order(file: ByteSource, header: Header, table: PacketTable, decoded_header: Callable[[], Header]) -> bool:
    """Look whether frames that seem to be stored as they are shown can be.

    A container may have no times of its own, or those of storing (old AVI-like tracks in Matroska, MP4 without
    ``ctts``). The set-up of some codecs gives it away; of H.264, frames that lean on later ones: some are looked at, of
    a remote file those at hand. The header is read anew for that, with a decoder that sees the set-up.
    """
    if not table.rises:
        return True
    if header.codec in _TELLS_ORDER:
        return not decoded_header().reorders
    if header.codec != "h264" or not header.extradata:
        return True
    rows = np.unique(np.append(np.arange(min(_LOOKED_AT, len(table))), np.linspace(0, len(table) - 1, _LOOKED_AT)))
    for row in rows.astype(int).tolist():
        position, size = int(table.position[row]), min(int(table.size[row]), _SLICE_HEADER)
        if file.remote and position + size > _AT_HAND:
            break
        if leans_on_later(file.read_at(position, size), header.extradata):
            return False
    return True


def plain_matroska(file: ByteSource, stream_index: int | None) -> tuple[Header, MatroskaLayout, MatroskaTrack] | None:
    """Understand the header of a Matroska or WebM file whose blocks hold packets that can be decoded as they are.

    Raises:
        VideoError: the file is broken or holds no video.
    """
    layout = matroska_layout(file.read_at, file.size)
    if layout is None:
        return None
    inside = layout.first_cluster + _CLUSTER_HEADER
    opened = HollowFile(file, inside, max(inside, layout.behind_clusters)) if file.remote else for_libav(file)
    with open_container(opened, file.name, quick=True) as container:
        header = header_of(container, video_stream(container, file.name, stream_index))
        order = [stream.index for stream in video_streams(container)]
    if len(order) != len(layout.video_tracks):
        return None
    track = layout.video_tracks[order.index(header.stream_index)]
    if header.codec not in SELF_CONTAINED or (header.width, header.height) != (track.width, track.height):
        return None
    if not track.plain or (header.codec in NEEDS_SETTING_UP and not header.extradata):
        return None
    return header, layout, track
