"""Videos and questions that a source shares with other sources, and its splits with each other."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from video_sft.building import Source
from video_sft.building.files import find_parts
from video_sft.checking.part_rows import NO_VIDEO, PartRows, read_part, video_digest
from video_sft.checking.report import Finding, OverlapFacts
from video_sft.checking.wording import counted
from video_sft.mixing.eval_ids import eval_lists

__all__ = ["OtherSplit", "Overlap", "listed_splits", "other_splits", "overlaps"]

_EXAMPLES = 5
_MEND = "video_sft.mix(..., decontaminate='eval-videos') leaves them out"
Digests: TypeAlias = "npt.NDArray[np.uint64]"
Rows: TypeAlias = "Sequence[tuple[PartRows, npt.NDArray[np.int64]]]"


@dataclass(frozen=True)
class OtherSplit:
    """A split to compare with.

    Attributes:
        source: its source.
        split: its name.
        videos: digests of the video of each row; of each video where only a list of them is known.
        asked: digests of its (video, question) pairs; None where only its videos are known.
    """

    source: str
    split: str
    videos: Digests
    asked: Digests | None


@dataclass(frozen=True)
class Overlap:
    """What a split of the source shares with another split.

    Attributes:
        facts: the numbers.
        own: the source's name.
        rows: of each part of the split, the rows about shared videos.
        listed: whether `mix` has a list of the evaluation split's videos.
    """

    facts: OverlapFacts
    own: str
    rows: Rows
    listed: bool

    @property
    def contaminates(self) -> bool:
        """Whether one of the two splits is for training and the other for evaluation."""
        return (self.facts.split == "train") != (self.facts.other_split == "train")

    def finding(self) -> Finding:
        """Return the overlap as a sentence; a warning where training meets evaluation."""
        facts = self.facts
        other = f"{facts.other} {facts.other_split}" if facts.other != self.own else facts.other_split
        rows, videos = counted(facts.rows, "row"), counted(facts.videos, "video")
        asked = f"; {counted(facts.questions, 'question')} asked in both" if facts.questions else ""
        if not self.contaminates:
            what = f"{facts.split} and {other} share {videos}: {rows} here are about them{asked}"
            return Finding(severity="note", check="overlap", what=what, count=facts.rows)
        if facts.split == "train":
            what = f"train has {rows} about {counted(facts.videos, 'evaluation video')} of {other}{asked}"
            remedy = "Training on these rows shows the model videos of an evaluation. "
        else:
            what = f"{other} uses {videos} of this source's {facts.split} split{asked}"
            remedy = f"It matters if you train on {other} and evaluate on {facts.split}. "
        remedy += _MEND if self.listed else f"{_MEND}, once `video-sft eval-ids` has made the list of that split"
        places = [part.place_of(row) for part, found in self.rows for row in found[:_EXAMPLES].tolist()]
        return Finding(
            severity="warning",
            check="overlap",
            what=what,
            remedy=remedy,
            count=facts.rows,
            examples=tuple(places[:_EXAMPLES]),
        )


def other_splits(source: Source, data_dir: str | os.PathLike[str]) -> list[OtherSplit]:
    """Read another source's splits, as far as its files are there."""
    videos: dict[str, list[Digests]] = defaultdict(list)
    asked: dict[str, list[Digests]] = defaultdict(list)
    for part, locations in find_parts(source.parts, data_dir).present:
        rows = read_part(source, part, locations, what=f"comparing with {source.name} {part.name}")
        videos[part.split].append(rows.column("videos"))
        asked[part.split].append(np.unique(rows.column("asked")))
    return [
        OtherSplit(source.name, split, np.concatenate(found), np.unique(np.concatenate(asked[split])))
        for split, found in videos.items()
    ]


def listed_splits(own: str, known: Sequence[OtherSplit]) -> list[OtherSplit]:
    """Return the evaluation splits of other sources that are known from lists, their files not being there.

    Args:
        own: the source that is checked.
        known: splits whose files are there.
    """
    there = {(split.source, split.split) for split in known}
    return [
        OtherSplit(entry.source, entry.split, _digests(entry.videos), None)
        for entry in eval_lists()
        if entry.source != own and (entry.source, entry.split) not in there
    ]


def overlaps(own: str, parts: Sequence[PartRows], others: Sequence[OtherSplit]) -> Iterator[Overlap]:
    """Yield what each split of a source shares with its splits after it, and with each other split.

    Args:
        own: the source's name.
        parts: its parts.
        others: splits to compare with.
    """
    by_split: dict[str, list[PartRows]] = defaultdict(list)
    for rows in parts:
        by_split[rows.part.split].append(rows)
    mine = {split: _as_other(own, split, rows) for split, rows in by_split.items()}
    listed = {(entry.source, entry.split) for entry in eval_lists()}
    for number, (split, of_split) in enumerate(by_split.items()):
        for other in [*list(mine.values())[number + 1 :], *others]:
            found = _overlap(split, of_split, mine[split], other)
            if found is not None:
                facts, shared = found
                evaluated = (facts.other, facts.other_split) if split == "train" else (own, split)
                yield Overlap(facts, own, shared, evaluated in listed)


def _as_other(own: str, split: str, parts: Sequence[PartRows]) -> OtherSplit:
    videos = np.concatenate([rows.column("videos") for rows in parts])
    return OtherSplit(own, split, videos, np.unique(np.concatenate([rows.column("asked") for rows in parts])))


def _overlap(
    split: str, parts: Sequence[PartRows], mine: OtherSplit, other: OtherSplit
) -> tuple[OverlapFacts, Rows] | None:
    shared = np.intersect1d(mine.videos, other.videos)
    shared = shared[shared != NO_VIDEO]
    if not len(shared):
        return None
    rows = [(part, np.flatnonzero(np.isin(part.column("videos"), shared))) for part in parts]
    asked = mine.asked
    questions = None if asked is None or other.asked is None else len(np.intersect1d(asked, other.asked))
    facts = OverlapFacts(
        split=split,
        other=other.source,
        other_split=other.split,
        videos=len(shared),
        rows=sum(len(places) for _, places in rows),
        other_rows=None if other.asked is None else int(np.isin(other.videos, shared).sum()),
        questions=questions,
    )
    return facts, rows


def _digests(videos: Sequence[str]) -> Digests:
    return np.array([video_digest(video) for video in videos], dtype=np.uint64)
