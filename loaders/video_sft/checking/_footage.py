"""Training videos that show an evaluation video under another id: of the source's own splits, and of lists."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from video_sft._probing.footage import Footage, footage_of
from video_sft._probing.row_media import RowMedium, medium_of
from video_sft.checking._media import FoundMedia
from video_sft.checking._overlap import Overlap
from video_sft.checking._part_rows import PartRows
from video_sft.checking._report import Finding, OverlapFacts, counted
from video_sft.mixing._eval_lists.chosen import chosen_lists
from video_sft.mixing._eval_lists.footage import FootageIndex, why_not
from video_sft.mixing._eval_lists.lists import EvalList

__all__ = ["ComparedFootage", "compare_footage"]

_EXAMPLES = 5
_MEND = "video_sft.mix(..., decontaminate='eval-content') leaves them out"


@dataclass
class ComparedFootage:
    """What came of comparing training videos with evaluation videos by what they show.

    Attributes:
        found: training rows on evaluation videos under other ids, by evaluation split.
        findings: the same in words, and what could not be compared.
    """

    found: list[Overlap] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


@dataclass
class _Rows:
    """The rows of a part that are about a video: the id of each, what it shows, and where it stands."""

    part: PartRows
    videos: list[str]
    media: list[RowMedium | None]
    footage: list[Footage | None] = field(default_factory=list)


def compare_footage(
    own: str, parts: Sequence[PartRows], media: FoundMedia, by_id: Sequence[Overlap], *, with_lists: bool
) -> ComparedFootage:
    """Look into the videos of all splits, and compare those of `train` with the others and with evaluation lists.

    Args:
        own: the source's name.
        parts: its rows.
        media: where their videos are.
        by_id: the rows that are known by their ids to be on evaluation videos; they are not told again.
        with_lists: compare with lists that have fingerprints, too.
    """
    rows = [_rows_of(part, media, number) for number, part in enumerate(parts) if part.media]
    known = footage_of(each for of_part in rows for each in of_part.media if each)
    for of_part in rows:
        of_part.footage = [None if each is None else known[each] for each in of_part.media]
    evaluated = _own_lists(own, [of_part for of_part in rows if of_part.part.part.split != "train"])
    there = {(entry.source, entry.split) for entry in evaluated}
    listed = [entry for entry in chosen_lists() if entry.fingerprints and (entry.source, entry.split) not in there]
    lists = [*evaluated, *(listed if with_lists else [])]
    trained = [of_part for of_part in rows if of_part.part.part.split == "train"]
    compared = ComparedFootage(findings=list(_not_compared(trained, lists)))
    matches = FootageIndex(lists).find(
        one for of_part in trained for each in of_part.footage if each for one in each.fingerprints
    )
    for number, entry in enumerate(lists):
        near = {one: by_list[number] for one, by_list in matches.items() if number in by_list}
        overlap, example = _overlap(own, trained, near, entry, by_id)
        if overlap is not None:
            compared.found.append(overlap)
            compared.findings.append(_finding(overlap, example, entry in listed))
    return compared


def _rows_of(part: PartRows, media: FoundMedia, number: int) -> _Rows:
    rows = pa.concat_tables(part.media).select(["video_id", "image", "start", "stop"]).to_pylist()
    cut, prepared = media.cut[number], media.prepared[number]
    known: dict[str, RowMedium] = {}
    videos: list[str] = []
    found: list[RowMedium | None] = []
    for row, (code, each) in enumerate(zip(media.codes[number].tolist(), rows, strict=True)):
        about_video = code >= 0 and not each["image"]
        videos.append(each["video_id"] if about_video else "")
        place = cut.get(row, media.places[code]) if about_video else None
        if place is None:
            found.append(None)
            continue
        cell: dict[str, object] = {"video": {"path": place, "bytes": None}}
        if row not in cut or row in prepared:  # a clip that is already cut has seconds of its own
            cell |= {"start_seconds": each["start"], "stop_seconds": each["stop"]}
        found.append(medium_of(cell, known))
    return _Rows(part, videos, found)


def _own_lists(own: str, rows: Sequence[_Rows]) -> list[EvalList]:
    """Return the source's own evaluation splits as lists, as far as their videos are at hand."""
    by_split: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for of_part in rows:
        for video, footage in zip(of_part.videos, of_part.footage, strict=True):
            if footage is not None:
                by_split[of_part.part.part.split][video].update(footage.fingerprints)
    lists = []
    for split, videos in by_split.items():
        prints = {video: tuple(sorted(each)) for video, each in videos.items() if each}
        lists.append(EvalList(own, split, 0, tuple(videos), frozenset(), {}, fingerprints=prints))
    return lists


def _overlap(
    own: str, trained: Sequence[_Rows], near: dict[str, str], entry: EvalList, by_id: Sequence[Overlap]
) -> tuple[Overlap | None, str]:
    """Return the training rows near a list's videos that are not known by id, and a pair of videos to look at."""
    told = {
        (part.part.name, row)
        for overlap in by_id
        if (overlap.facts.split, overlap.facts.other, overlap.facts.other_split) == ("train", entry.source, entry.split)
        for part, rows in overlap.rows
        for row in rows.tolist()
    }
    shared = []
    pairs: dict[str, str] = {}
    for of_part in trained:
        hits = []
        for row, footage in enumerate(of_part.footage):
            match = next((near[one] for one in footage.fingerprints if one in near), None) if footage else None
            if match is None or (of_part.part.part.name, row) in told or match == of_part.videos[row]:
                continue
            hits.append(row)
            pairs.setdefault(of_part.videos[row], match)
        if hits:
            shared.append((of_part.part, np.array(hits, np.int64)))
    if not shared:
        return None, ""
    facts = OverlapFacts(
        split="train",
        other=entry.source,
        other_split=entry.split,
        videos=len(pairs),
        rows=sum(len(rows) for _, rows in shared),
        other_rows=None,
        questions=None,
    )
    first, second = next(iter(pairs.items()))
    return Overlap(facts, own, shared, listed=True), f"{first} and {second}"


def _finding(overlap: Overlap, example: str, listed: bool) -> Finding:
    facts = overlap.facts
    other = f"{facts.other} {facts.other_split}".rstrip() if facts.other != overlap.own else facts.other_split
    what = f"train has {counted(facts.rows, 'row')} about {counted(facts.videos, 'video')} that show what videos of "
    what += f"{other} show, under other ids, such as {example}"
    remedy = f"Training on these rows shows the model videos of an evaluation. {_MEND}"
    remedy += "" if listed else ", once `video-sft eval-ids make` with --media has made the list of that split"
    places = [part.place_of(row) for part, found in overlap.rows for row in found[:_EXAMPLES].tolist()]
    return Finding("warning", "overlap", what, remedy, facts.rows, tuple(places[:_EXAMPLES]))


def _not_compared(trained: Sequence[_Rows], lists: Sequence[EvalList]) -> Iterator[Finding]:
    if not any(entry.fingerprints for entry in lists):
        what = "Footage was not compared: there are no fingerprints of evaluation videos"
        remedy = "`video-sft eval-ids add NAME FOLDER_OF_VIDEOS` makes a list of them"
        yield Finding("note", "overlap", what, remedy)
    reasons = Counter(
        why
        for of_part in trained
        for video, footage in zip(of_part.videos, of_part.footage, strict=True)
        if video and (why := why_not(footage))
    )
    for why, count in reasons.items():
        what = f"{counted(count, 'training row')} could not be compared by footage: {why}"
        yield Finding("note", "overlap", what, "What they show is not known; their ids are compared", count)
