"""Rows of one source that say the same about the same video under different ids."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from video_sft.checking._part_rows import PartRows
from video_sft.checking._report import Finding, counted

__all__ = ["repeat_findings", "repeats_in"]

_EXAMPLES = 5
#: The share of rows that repeat others from which a file may have been joined with itself or a part of itself.
_MANY = 0.1


def repeats_in(rows: PartRows) -> int:
    """Return how many rows of a part repeat an earlier one."""
    return len(rows) - len(np.unique(rows.column("contents")))


def repeat_findings(parts: Sequence[PartRows], verified: Callable[[PartRows], bool]) -> Iterator[Finding]:
    """Yield the repeats inside each part, and those between the parts.

    A row repeats another when video, clip, questions and answers are the same, whatever case and punctuation. Files
    have such rows upstream, so they are worth a warning only where they are many and nothing shows the file to be
    upstream's own: neither its hash, which `verified` tells of, nor the number of its rows.
    """
    for rows in parts:
        count = repeats_in(rows)
        if not count:
            continue
        own = verified(rows)
        expected = own or len(rows) in (rows.part.rows, *rows.part.also_counted) or count < _MANY * len(rows)
        that = "that repeats" if count == 1 else "that repeat"
        what = f"{rows.part.name} has {counted(count, 'row')} {that} an earlier one: "
        what += "the same video, question and answer under another id"
        what += "; the published file is like that" if own else ""
        remedy = "" if expected else "Look whether the file was joined with itself; training would see these rows twice"
        yield Finding("note" if expected else "warning", "repeats", what, remedy, count, list(_pairs(rows)))
    yield from _between(parts)


def _between(parts: Sequence[PartRows]) -> Iterator[Finding]:
    """Yield a finding for each part with rows that say the same as rows of a part before it."""
    contents = np.concatenate([rows.column("contents") for rows in parts] or [np.zeros(0, np.uint64)])
    part_of = np.repeat(np.arange(len(parts)), [len(rows) for rows in parts])
    _, first, group = np.unique(contents, return_index=True, return_inverse=True)
    before = part_of[first][group]
    ends = np.cumsum([len(rows) for rows in parts])
    repeated = before != part_of
    for earlier, later in np.unique(np.stack([before[repeated], part_of[repeated]]), axis=1).T.tolist():
        rows, start = parts[later], int(ends[later]) - len(parts[later])
        places = np.flatnonzero(repeated[start : ends[later]] & (before[start : ends[later]] == earlier))
        leaks = (parts[earlier].part.split == "train") != (rows.part.split == "train")
        what = f"{rows.part.name} has {counted(len(places), 'row')} that {parts[earlier].part.name} has too: "
        what += "the same video, question and answer"
        remedy = "Leave them out of one of the two: the evaluation would score what was trained on" if leaks else ""
        examples = [rows.place_of(row) for row in places[:_EXAMPLES].tolist()]
        yield Finding("warning" if leaks else "note", "repeats", what, remedy, len(places), examples)


def _pairs(rows: PartRows) -> Iterator[str]:
    """Yield the first repeats, each with the row it repeats."""
    contents = rows.column("contents")
    _, first = np.unique(contents, return_index=True)
    is_first = np.zeros(len(contents), dtype=np.bool_)
    is_first[first] = True
    for row in np.flatnonzero(~is_first)[:_EXAMPLES].tolist():
        yield f"{rows.place_of(row)} repeats {rows.place_of(int(np.argmax(contents == contents[row])))}"
