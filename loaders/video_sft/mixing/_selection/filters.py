"""The selection of the rows of a part that are mixed, with the reasons why the others are not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from datasets import Dataset

from video_sft._datasets import indices_of
from video_sft.mixing._eval_lists.index import EvalIndex
from video_sft.mixing._eval_lists.lists import DIGEST_BYTES, EvalList
from video_sft.mixing._selection.questions import question_digest, questions

__all__ = [
    "DECONTAMINATIONS",
    "Decontaminate",
    "RowTest",
    "Selection",
    "keep_licensed",
    "leave_out_evaluation",
]

Decontaminate = Literal["eval-videos", "eval-questions", "eval-content"]
DECONTAMINATIONS: tuple[str, ...] = get_args(Decontaminate)


@dataclass
class Selection:
    """The rows of one part that are still in, and what was left out.

    Attributes:
        dataset: the part.
        positions: of the rows that are in, ascending; None while all are.
        dropped: positions of the others, by the reason why they are out.
        on_lists: rows by the evaluation list they are on; one that is on two counts for both.
        not_compared: rows that stay though their video could not be compared by content, by the reason.
    """

    dataset: Dataset
    positions: npt.NDArray[np.int64] | None = None
    dropped: dict[str, npt.NDArray[np.int64]] = field(default_factory=dict)
    on_lists: dict[str, int] = field(default_factory=dict)
    not_compared: dict[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.dataset) if self.positions is None else len(self.positions)

    @property
    def left_out(self) -> dict[str, int]:
        """How many rows are out, by reason."""
        return {reason: len(positions) for reason, positions in self.dropped.items()}

    def has(self, name: str) -> bool:
        """Whether the part has a column."""
        return name in self.dataset.column_names

    def values(self, name: str) -> pa.ChunkedArray:
        """Return one column of the rows that are in."""
        values, rows = self.dataset.data.column(name), indices_of(self.dataset)
        values = values if rows is None else values.take(rows)
        return values if self.positions is None else values.take(pa.array(self.positions))

    def drop(self, reasons: Mapping[str, npt.NDArray[np.bool_]]) -> None:
        """Leave rows out; a row with several reasons counts for the first."""
        gone = np.zeros(len(self), dtype=bool)
        positions = np.arange(len(self), dtype=np.int64) if self.positions is None else self.positions
        for reason, mask in reasons.items():
            fresh = positions[mask & ~gone]
            if len(fresh):
                self.dropped[reason] = np.concatenate([self.dropped.get(reason, fresh[:0]), fresh])
            gone |= mask
        if gone.any():
            self.positions = positions[~gone]


def keep_licensed(selection: Selection, licenses: Sequence[str]) -> None:
    """Leave out rows whose `license` is not among those given; upper and lower case are the same."""
    if not selection.has("license"):
        selection.drop({"no license stated": np.ones(len(selection), dtype=bool)})
        return
    allowed = pa.array([name.casefold() for name in licenses], type=pa.string())
    stated = selection.values("license")
    kept = pc.is_in(pc.utf8_lower(stated), value_set=allowed)
    reasons = {}
    for name in stated.filter(pc.invert(kept)).unique().to_pylist():
        same = pc.is_null(stated) if name is None else pc.fill_null(pc.equal(stated, name), False)
        reasons[f"license {name}" if name else "no license stated"] = np.asarray(same.to_numpy(), dtype=bool)
    selection.drop(reasons)


def leave_out_evaluation(selection: Selection, lists: Sequence[EvalList], by: Decontaminate) -> None:
    """Leave out rows that an evaluation split uses: by its videos, or by its questions on those videos."""
    if not selection.has("video_id") or (by == "eval-questions" and not selection.has("messages")):
        return
    videos = selection.values("video_id")
    reasons = {}
    index = EvalIndex(lists)
    for entry, mask in zip(lists, index.masks(videos), strict=True):
        if by == "eval-questions" and mask.any():
            mask = _asked(selection, videos, np.flatnonzero(mask), entry)
        if mask.any():
            selection.on_lists[entry.name] = int(mask.sum())
            reasons[f"{'question' if by == 'eval-questions' else 'video'} of {entry.name}"] = mask
    selection.drop(reasons)


class RowTest:
    """The same two filters as a test of one row, for parts that are streamed; picklable, for workers."""

    def __init__(self, lists: Sequence[EvalList], by: Decontaminate | None, licenses: Sequence[str] | None) -> None:
        self._by = by
        self._index = EvalIndex(lists)
        self._licenses = None if licenses is None else frozenset(name.casefold() for name in licenses)

    @property
    def idle(self) -> bool:
        """Whether it leaves nothing out."""
        return self._licenses is None and (self._by is None or not len(self._index))

    def __call__(self, row: Mapping[str, Any]) -> bool:
        """Return whether the row stays."""
        if self._licenses is not None and (row.get("license") or "").casefold() not in self._licenses:
            return False
        video = row.get("video_id")
        if self._by is None or video is None:
            return True
        found = self._index.find(video)
        if not found or self._by != "eval-questions":
            return not found
        if "messages" not in row:
            return True
        said = questions(pa.array([row["messages"]])).texts.to_pylist()
        lists = self._index.lists
        return not any(
            question_digest(name, words, DIGEST_BYTES) in lists[number].questions
            for number, name in found.items()
            for words in said
        )


def _asked(
    selection: Selection, videos: pa.ChunkedArray, rows: npt.NDArray[np.int64], entry: EvalList
) -> npt.NDArray[np.bool_]:
    """Mark the rows among `rows` that ask one of the list's questions."""
    some = pa.array(rows)
    one = EvalIndex([entry])
    ids = [one.find(video)[0] for video in videos.take(some).to_pylist()]
    said = questions(selection.values("messages").take(some))
    mask = np.zeros(len(videos), dtype=bool)
    for row, words in zip(said.rows.tolist(), said.texts.to_pylist(), strict=True):
        if question_digest(ids[row], words, DIGEST_BYTES) in entry.questions:
            mask[rows[row]] = True
    return mask
