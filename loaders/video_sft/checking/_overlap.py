"""Videos and questions that a source shares with other sources, and its splits with each other."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from video_sft._source_files.found_parts import find_parts
from video_sft._source_files.given_files import SourcePlace
from video_sft._sources.source import Source
from video_sft.checking._part_rows import NO_VIDEO, PartRows, read_part
from video_sft.checking._report import Finding, OverlapFacts, counted
from video_sft.mixing._eval_lists.chosen import chosen_lists
from video_sft.mixing._eval_lists.lists import EvalList
from video_sft.mixing._eval_lists.video_keys import key_digest, keys_of_entry

__all__ = ["OtherSplit", "Overlap", "listed_splits", "other_splits", "overlaps"]

_EXAMPLES = 5
_MEND = "video_sft.mix(..., decontaminate='eval-videos') leaves them out"
Digests: TypeAlias = "npt.NDArray[np.uint64]"
SharedRows: TypeAlias = "Sequence[tuple[PartRows, npt.NDArray[np.int64]]]"


@dataclass(frozen=True)
class OtherSplit:
    """A split to compare with.

    Attributes:
        source: its source.
        split: its name.
        videos: digests of the video of each row; of each video where only a list of them is known.
        footage: digests of what these videos are called in other pools.
        asked: digests of its (video, question) pairs; None where only its videos are known.
    """

    source: str
    split: str
    videos: Digests
    footage: Digests
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
    rows: SharedRows
    listed: bool

    @property
    def contaminates(self) -> bool:
        """Whether one of the two splits is for training and the other for evaluation."""
        return (self.facts.split == "train") != (self.facts.other_split == "train")

    def finding(self) -> Finding:
        """Return the overlap as a sentence; a warning where training meets evaluation."""
        facts = self.facts
        other = f"{facts.other} {facts.other_split}".rstrip() if facts.other != self.own else facts.other_split
        rows, videos = counted(facts.rows, "row"), counted(facts.videos, "video")
        asked = f"; {counted(facts.questions, 'question')} asked in both" if facts.questions else ""
        if not self.contaminates:
            what = f"{facts.split} and {other} share {videos}: {rows} here are about them{asked}"
            return Finding("note", "overlap", what, count=facts.rows)
        if facts.split == "train":
            what = f"train has {rows} about {counted(facts.videos, 'evaluation video')} of {other}{asked}"
            remedy = "Training on these rows shows the model videos of an evaluation. "
        else:
            what = f"{other} uses {videos} of this source's {facts.split} split{asked}"
            remedy = f"It matters if you train on {other} and evaluate on {facts.split}. "
        remedy += _MEND if self.listed else f"{_MEND}, once `video-sft eval-ids` has made the list of that split"
        places = [part.place_of(row) for part, found in self.rows for row in found[:_EXAMPLES].tolist()]
        return Finding("warning", "overlap", what, remedy, facts.rows, tuple(places[:_EXAMPLES]))


def other_splits(source: Source, data_dir: str | os.PathLike[str]) -> list[OtherSplit]:
    """Read another source's splits, as far as its files are there."""
    by_split: dict[str, list[OtherSplit]] = defaultdict(list)
    for part, locations in find_parts(source.parts, SourcePlace.of(data_dir)).present:
        rows = read_part(source, part, locations, what=f"comparing with {source.name} {part.name}")
        by_split[part.split].append(_as_other(source.name, part.split, [rows]))
    return [_joined(parts) for parts in by_split.values()]


def listed_splits(own: str, known: Sequence[OtherSplit]) -> list[OtherSplit]:
    """Return the evaluation splits of others that are known from lists, their files not being among those known."""
    there = {(split.source, split.split) for split in known}
    return [
        OtherSplit(entry.source, entry.split, *_digests(entry), None)
        for entry in chosen_lists()
        if entry.source != own and (entry.source, entry.split) not in there
    ]


def overlaps(own: str, parts: Sequence[PartRows], others: Sequence[OtherSplit]) -> Iterator[Overlap]:
    """Yield what each split of a source shares with its own splits after it, and with each of the others'."""
    by_split: dict[str, list[PartRows]] = defaultdict(list)
    for rows in parts:
        by_split[rows.part.split].append(rows)
    mine = {split: _as_other(own, split, rows) for split, rows in by_split.items()}
    listed = {(entry.source, entry.split) for entry in chosen_lists()}
    for number, (split, of_split) in enumerate(by_split.items()):
        for other in [*list(mine.values())[number + 1 :], *others]:
            found = _overlap(split, of_split, mine[split], other)
            if found is not None:
                facts, shared = found
                evaluated = (facts.other, facts.other_split) if split == "train" else (own, split)
                yield Overlap(facts, own, shared, evaluated in listed)


def _as_other(own: str, split: str, parts: Sequence[PartRows]) -> OtherSplit:
    videos, named, asked = (
        np.concatenate([rows.column(name) for rows in parts]) for name in ("videos", "named", "asked")
    )
    return OtherSplit(own, split, videos, np.unique(named), np.unique(asked))


def _joined(parts: Sequence[OtherSplit]) -> OtherSplit:
    first = parts[0]
    asked = np.unique(np.concatenate([part.asked for part in parts if part.asked is not None]))
    footage = np.unique(np.concatenate([part.footage for part in parts]))
    return OtherSplit(first.source, first.split, np.concatenate([part.videos for part in parts]), footage, asked)


def _overlap(
    split: str, parts: Sequence[PartRows], mine: OtherSplit, other: OtherSplit
) -> tuple[OverlapFacts, SharedRows] | None:
    rows = [(part, _rows_on(part, other)) for part in parts]
    shared = np.unique(np.concatenate([part.column("videos")[places] for part, places in rows]))
    if not len(shared):
        return None
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


def _rows_on(part: PartRows, other: OtherSplit) -> npt.NDArray[np.int64]:
    """Return the rows whose video, or whose footage by another name, the other split uses."""
    videos = part.column("videos")
    hit = np.isin(videos, other.videos) & (videos != NO_VIDEO)
    same = np.isin(part.column("footage"), other.footage)
    hit[part.column("footage_by")[same].astype(np.int64)] = True
    return np.flatnonzero(hit)


def _digests(entry: EvalList) -> tuple[Digests, Digests]:
    """Return the digests of a list's videos, and of what their footage is called elsewhere."""
    if entry.hashed:
        known = np.array([int(video, 16) for video in entry.videos], dtype=np.uint64)
        return known, known
    names = [keys_of_entry(video) for video in entry.videos]
    videos = np.array([key_digest(keys[0]) for keys in names], dtype=np.uint64)
    return videos, np.array([key_digest(key) for keys in names for key in keys], dtype=np.uint64)
