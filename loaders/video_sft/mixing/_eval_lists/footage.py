"""Evaluation videos by what they show: fingerprints put into lists, and found again in other videos."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa

from video_sft._probing.footage import NOTHING, Footage, footage_of
from video_sft._probing.row_media import RowMedium, media_in
from video_sft.fingerprints import FingerprintIndex
from video_sft.mixing._eval_lists.lists import EvalList

__all__ = ["FootageCounts", "FootageIndex", "footage_of_rows", "why_not", "with_footage"]

#: Why a video could not be compared, in few words.
NO_FILE, UNREADABLE, EMPTY = "the video is not at hand", "the video cannot be read", "the video shows next to nothing"


@dataclass
class FootageCounts:
    """How many of some videos have fingerprints.

    Attributes:
        videos: how many there are.
        fingerprinted: how many have one.
        lacking: the others, by the reason.
    """

    videos: int = 0
    fingerprinted: int = 0
    lacking: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        told = f"fingerprints of {self.fingerprinted:,} of {self.videos:,} videos"
        why = "; ".join(f"{reason}: {count:,}" for reason, count in self.lacking.items())
        return f"{told} ({why})" if why else told


def why_not(footage: Footage | None) -> str | None:
    """Return why a video cannot be compared; None where it can. `footage` is None where there is no file."""
    if footage is None:
        return NO_FILE
    if footage.fingerprints:
        return None
    return EMPTY if footage.problem == NOTHING else UNREADABLE


def footage_of_rows(
    tables: Iterable[pa.Table], cache_dir: str | os.PathLike[str] | None = None
) -> list[list[Footage | None]]:
    """Return for each row of some tables what its video shows; None where it has no video at hand."""
    media = [media_in(table) for table in tables]
    known = footage_of((each for of_table in media for each in of_table if each), cache_dir=cache_dir)
    return [[None if each is None else known[each] for each in of_table] for of_table in media]


def with_footage(
    entry: EvalList, media: Mapping[str, Collection[RowMedium]], cache_dir: str | os.PathLike[str] | None = None
) -> tuple[EvalList, FootageCounts]:
    """Return a list with the fingerprints of its videos that are at hand, and how many these are.

    Args:
        entry: the list.
        media: by video, the file, and the parts of it that rows are about.
        cache_dir: where fingerprints are kept.
    """
    known = footage_of((each for of_video in media.values() for each in of_video), cache_dir=cache_dir)
    prints: dict[str, tuple[str, ...]] = {}
    lacking: Counter[str] = Counter()
    for video in entry.videos:
        found = [known[each] for each in media.get(video, ())]
        of_video = {one for footage in found for one in footage.fingerprints}
        if of_video:
            prints[video] = tuple(sorted(of_video))
        else:
            lacking[why_not(found[0] if found else None) or ""] += 1
    return replace(entry, fingerprints=prints), FootageCounts(len(entry.videos), len(prints), dict(lacking))


class FootageIndex:
    """The videos of several lists by what they show."""

    def __init__(self, lists: Sequence[EvalList]) -> None:
        self._known = [
            (one, number, video)
            for number, entry in enumerate(lists)
            for video, prints in entry.fingerprints.items()
            for one in prints
        ]

    def __len__(self) -> int:
        return len(self._known)

    def find(self, fingerprints: Iterable[str]) -> dict[str, dict[int, str]]:
        """Return, for each fingerprint that is near one of these, the numbers of the lists and a video of each."""
        asked = list(dict.fromkeys(fingerprints))
        listed, given, _ = FingerprintIndex(asked).near([one for one, _, _ in self._known])
        found: dict[str, dict[int, str]] = defaultdict(dict)
        for known, place in zip(listed.tolist(), given.tolist(), strict=True):
            _, number, video = self._known[known]
            found[asked[place]].setdefault(number, video)
        return dict(found)
