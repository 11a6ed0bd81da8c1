"""Requests for the headers of a remote MP4 file's fragments, as few as that is worth."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from video_sft.video._bytes.byte_source import ByteSource
from video_sft.video._headers.mp4_boxes import top_level_boxes
from video_sft.video._headers.mp4_fragments import fragment_offsets

__all__ = ["announce_fragments"]

#: Files up to this size are fetched whole: one request takes no longer than dozens of small ones.
_WHOLE = 4 << 20
#: So much of a fragment holds its header.
_HEADER = 8 << 10
#: Headers as close as this are fetched with what lies between them, up to so much of that in all.
_GAP = 256 << 10
_MOST_BETWEEN = 4 << 20
#: More requests than this are not made. Where a file begins with an index, libav comes near enough without headers.
_MOST_REQUESTS = 128
_MOST_REQUESTS_BESIDE_INDEX = 64
#: A file without an index is read through where its first fragments are shorter than this.
_SHORT = 512 << 10


def announce_fragments(file: ByteSource, behind_moov: int) -> bool:
    """Have the headers of all fragments fetched in the background, before they are read one after another.

    Returns:
        Whether they are worth reading; not so where they take too many requests.
    """
    if file.size <= _WHOLE:
        file.prefetch([(behind_moov, file.size - behind_moov)])
        return True
    offsets = fragment_offsets(file.read_at, file.size, behind_moov)
    if not offsets:
        return _short_fragments(file, behind_moov)
    spans = _joined(offsets)
    indexed = file.read_at(behind_moov, 8)[4:] == b"sidx"
    if len(spans) > (_MOST_REQUESTS_BESIDE_INDEX if indexed else _MOST_REQUESTS):
        return False
    file.prefetch(spans)
    return True


def _short_fragments(file: ByteSource, behind_moov: int) -> bool:
    """Look at the first fragments of a file without an index: reading short ones' headers is reading all of it."""
    starts = []
    try:
        for kind, offset, _ in top_level_boxes(file.read_at, file.size, behind_moov):
            starts += [offset] if kind == b"moof" else []
            if len(starts) == 3:
                break
    except ValueError:
        return False
    if len(starts) < 2:
        return bool(starts)
    each = (starts[-1] - starts[0]) / (len(starts) - 1)
    if each <= _SHORT:
        file.read_through()
    return each <= _SHORT or file.size / each <= _MOST_REQUESTS_BESIDE_INDEX


def _joined(offsets: Sequence[int]) -> list[tuple[int, int]]:
    """Return what to fetch as (offset, length): the headers, the closest of them along with what lies between."""
    gaps = sorted((max(0, b - a - _HEADER), b) for a, b in pairwise(offsets))
    joined: set[int] = set()
    left = _MOST_BETWEEN
    for gap, following in gaps:
        if gap > min(left, _GAP):
            break
        left -= gap
        joined.add(following)
    spans: list[tuple[int, int]] = []
    for offset in offsets:
        start = spans.pop()[0] if offset in joined else offset
        spans.append((start, offset + _HEADER - start))
    return spans
