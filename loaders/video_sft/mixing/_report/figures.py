"""Figures about the rows of a mixture, over tables in which every row stands once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft.mixing._selection.questions import turns

__all__ = ["Piece", "Times", "by_value", "hours_of", "speech", "videos"]

Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Piece:
    """The rows of one part: a table without repeats, and how often each row is in the mixture."""

    name: str
    table: pa.Table
    times: Times

    def column(self, name: str) -> pa.ChunkedArray | None:
        """Return a column, None where the rows have none of that name."""
        return self.table.column(name) if name in self.table.column_names else None


def by_value(pieces: list[Piece], name: str) -> dict[str, int]:
    """Return how many rows have each value of a column, the most frequent first."""
    counted: Counter[str] = Counter()
    for piece in pieces:
        column = piece.column(name)
        if column is None or not len(column):
            continue
        codes = pc.fill_null(column, "unknown").combine_chunks().dictionary_encode()
        codes = codes.combine_chunks() if isinstance(codes, pa.ChunkedArray) else codes
        sums = np.bincount(codes.indices.to_numpy(), weights=piece.times, minlength=len(codes.dictionary))
        counted.update(dict(zip(codes.dictionary.to_pylist(), sums.astype(int).tolist(), strict=True)))
    return dict(counted.most_common())


def videos(pieces: list[Piece]) -> set[str]:
    """Return the different videos."""
    columns = [column for piece in pieces if (column := piece.column("video_id")) is not None]
    return {video for column in columns for video in column.unique().to_pylist() if video is not None}


def hours_of(pieces: list[Piece]) -> tuple[float | None, int]:
    """Return the length of all different clips in hours, and how many rows state one."""
    clips: set[tuple[str, float, float]] = set()
    timed = 0
    for piece in pieces:
        columns = [piece.column(name) for name in ("video_id", "start_seconds", "stop_seconds")]
        if any(column is None for column in columns):
            continue
        known = np.logical_and.reduce([pc.is_valid(column).to_numpy() for column in columns])
        timed += int(piece.times[known].sum())
        values = [column.filter(pa.array(known)).to_pylist() for column in columns if column is not None]
        clips.update(zip(*values, strict=True))
    return (sum(stop - start for _, start, stop in clips) / 3600 if clips else None), timed


def speech(pieces: list[Piece]) -> tuple[float | None, float | None]:
    """Return how many user turns and how many characters a row has, on average."""
    rows = spoken = characters = 0
    for piece in pieces:
        messages = piece.column("messages")
        if messages is None or not len(messages):
            continue
        said = turns(messages)
        times = piece.times[said.rows]
        rows += int(piece.times.sum())
        spoken += int(times[pc.equal(said.roles, "user").to_numpy(zero_copy_only=False)].sum())
        characters += int((pc.utf8_length(said.texts).to_numpy(zero_copy_only=False) * times).sum())
    return (spoken / rows, characters / rows) if rows else (None, None)
