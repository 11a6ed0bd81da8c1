"""The check that clips and grounded moments lie within their videos, each of which is opened once for its length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from video_sft._parallel import done_in_threads
from video_sft.checking._media import FoundMedia
from video_sft.checking._part_rows import PartRows
from video_sft.checking._report import ClipFacts, Finding, Severity, counted
from video_sft.errors import VideoError
from video_sft.video import Clip

__all__ = ["TOLERANCE_SECONDS", "CheckedClips", "check_clips"]

#: Upstream's times come from other encodings of the videos, rounded to tenths of a second or to whole ones.
TOLERANCE_SECONDS = 1.0
_EXAMPLES = 5


@dataclass
class CheckedClips:
    """What came of comparing clips with their videos' lengths.

    Attributes:
        videos: how many there are.
        tolerance: seconds beyond the end that are taken for rounding.
        compared: how many limits were compared.
        empty: clips that begin at or after their video's end, in words.
        long: clips and moments that end after it, in words.
        unreadable: videos that could not be opened, with the reason.
    """

    videos: int
    tolerance: float
    compared: int = 0
    empty: list[str] = field(default_factory=list)
    long: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)

    def compare(self, limit: _Limit, end: float) -> None:
        """Take in one limit in a video that ends at second `end`."""
        self.compared += 1
        if limit.start is not None and limit.start >= end:
            self.empty.append(f"{limit.rows.place_of(limit.row)} begins at {limit.start:g} s of {end:.1f} s")
            return
        for what, stop in (("its clip", limit.stop), ("its moment", limit.evidence_stop)):
            if stop is not None and stop > end + self.tolerance:
                self.long.append(f"{limit.rows.place_of(limit.row)}: {what} ends at {stop:g} s of {end:.1f} s")
                return

    def facts(self) -> ClipFacts:
        """Return the numbers."""
        return ClipFacts(
            videos=self.videos,
            unreadable=len(self.unreadable),
            limits=self.compared,
            beyond=len(self.empty) + len(self.long),
            tolerance_seconds=self.tolerance,
        )

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong."""
        found: list[tuple[Severity, list[str], str, str]] = [
            (
                "error",
                self.unreadable,
                f"{len(self.unreadable):,} of {counted(self.videos, 'video')} cannot be opened",
                "Get these files again; `video-sft check --media FOLDER --deep` looks at every file of a folder",
            ),
            (
                "error",
                self.empty,
                f"Clips that begin after their video ends, with not one frame in them: {len(self.empty):,}",
                "The files may be cut or other versions of the videos; compare them",
            ),
            (
                "warning",
                self.long,
                f"Clips or moments that end more than {self.tolerance:g} s after their video does: {len(self.long):,}",
                "Frames come from the part that exists; a wrong or shortened file is likely where it is much",
            ),
        ]
        for severity, places, what, remedy in found:
            if places:
                yield Finding(severity, "clips", what, remedy, len(places), tuple(places[:_EXAMPLES]))


@dataclass
class _Limit:
    """What one row says about the length of its video."""

    rows: PartRows
    row: int
    start: float | None
    stop: float | None
    evidence_stop: float | None


def check_clips(
    parts: Sequence[PartRows], media: FoundMedia, *, tolerance: float = TOLERANCE_SECONDS, num_threads: int = 4
) -> CheckedClips:
    """Open the videos that rows have limits in, a few at a time, and compare."""
    limits = _limits(parts, media)
    checked = CheckedClips(len(limits), tolerance)
    ends = done_in_threads(
        _end, limits, num_threads=num_threads, total=len(limits), title="opening videos", unit="videos"
    )
    for place, end in ends:
        if isinstance(end, str):
            checked.unreadable.append(end)
        else:
            for limit in limits[place]:
                checked.compare(limit, end)
    return checked


def _limits(parts: Sequence[PartRows], media: FoundMedia) -> dict[str, list[_Limit]]:
    """Return by video what its rows say; clips the user has already cut have limits of their own and are left out."""
    found: dict[str, list[_Limit]] = defaultdict(list)
    for rows, codes, cut in zip(parts, media.codes, media.cut, strict=True):
        if not rows.media:
            continue
        table = pa.concat_tables(rows.media)
        columns = [table[name] for name in ("start", "stop", "evidence_stop")]
        limited = np.zeros(len(codes), dtype=np.bool_)
        for column in columns:
            limited |= column.is_valid().to_numpy()
        limited &= codes >= 0
        limited[list(cut)] = False
        for row in np.flatnonzero(limited).tolist():
            place = media.places[codes[row]]
            if place is not None:
                found[place].append(_Limit(rows, row, *(column[row].as_py() for column in columns)))
    return found


def _end(place: str) -> float | str:
    """Return the second a video ends at, or why it cannot be opened."""
    try:
        return Clip(place).metadata.end_seconds
    except VideoError as error:
        return str(error)
    except OSError as error:
        return f"{place}: {error}"
