"""Files that list what a report only counts: missing media, bad rows, repeats, rows on evaluation videos."""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from video_sft._files import writing_whole
from video_sft.checking._overlap import Overlap
from video_sft.checking._part_rows import PartRows

__all__ = ["ListFiles"]

_PLACE = ("id", "file", "row")


class ListFiles:
    """Where the lists of one report go.

    The place is a folder, which gets one file for each kind of list, named after the source; or, with a suffix such as
    `.txt`, the one file for missing media.
    """

    def __init__(self, place: str | os.PathLike[str] | None, source: str) -> None:
        self._place = None if place is None else Path(place)
        self._source = source
        self.written: dict[str, str] = {}

    @property
    def _one_file(self) -> bool:
        return self._place is not None and bool(self._place.suffix) and not self._place.is_dir()

    def missing_media(self, paths: Iterable[str]) -> str | None:
        """Write the missing `video_path`s, one a line, and return where; None where no list is wanted or needed."""
        wanted = list(paths)
        if self._place is None or not wanted:
            return None
        place = self._place if self._one_file else self._place / f"{self._source}-missing-media.txt"
        return self._write("missing_media", place, lambda sink: sink.writelines(f"{path}\n" for path in wanted))

    def rows(self, parts: Sequence[PartRows], overlaps: Sequence[Overlap]) -> None:
        """Write the lists of rows there is something in: bad ones, repeats, those on evaluation videos."""
        if self._place is None or self._one_file:
            return
        bad = (("part", "file", "row", "field", "problem"), _bad_rows(parts))
        repeats = (_PLACE, _repeats(parts))
        shared = ((*_PLACE, "split", "other", "other_split"), _shared(overlaps))
        for name, (header, lines) in {"bad_rows": bad, "repeats": repeats, "overlap": shared}.items():
            first = next(lines, None)
            if first is not None:
                place = self._place / f"{self._source}-{name.replace('_', '-')}.csv"
                table = itertools.chain([header, first], lines)
                self._write(name, place, lambda sink, table=table: csv.writer(sink).writerows(table))  # type: ignore[misc]

    def _write(self, name: str, place: Path, fill: Callable[[IO[str]], object]) -> str:
        place.parent.mkdir(parents=True, exist_ok=True)
        with (
            writing_whole(place) as unfinished,
            open(unfinished, "w", encoding="utf-8", errors="surrogateescape", newline="") as sink,
        ):
            fill(sink)
        self.written[name] = str(place)
        return str(place)


def _bad_rows(parts: Sequence[PartRows]) -> Iterator[Sequence[object]]:
    for rows in parts:
        for file, position, field, problem in rows.problems.listed:
            yield rows.part.name, file, position, field, problem


def _repeats(parts: Sequence[PartRows]) -> Iterator[Sequence[object]]:
    for rows in parts:
        _, first = np.unique(rows.column("contents"), return_index=True)
        repeats = np.ones(len(rows), dtype=np.bool_)
        repeats[first] = False
        for row in np.flatnonzero(repeats).tolist():
            yield rows.id_of(row), rows.file, rows.numbers[row]


def _shared(overlaps: Sequence[Overlap]) -> Iterator[Sequence[object]]:
    for overlap in overlaps:
        facts = overlap.facts
        for rows, places in overlap.rows if overlap.contaminates else ():
            for row in places.tolist():
                yield rows.id_of(row), rows.file, rows.numbers[row], facts.split, facts.other, facts.other_split
