"""Figures about the rows of a mixture, over tables in which every row stands once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._probing.file_facts import facts_of
from video_sft._probing.medium_facts import MediumFacts
from video_sft._probing.probe import clip_seconds
from video_sft._probing.row_media import videos_counted
from video_sft.mixing._selection.questions import turns

__all__ = ["Piece", "Times", "by_value", "hours_of", "measured", "speech", "strictest", "videos"]

_CLIP_COLUMNS = ("video_id", "start_seconds", "stop_seconds")
Times = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Piece:
    """The rows of one part: a table without repeats, and how often each row is in the mixture.

    Attributes:
        name: of the part.
        table: its rows.
        times: how often each is in the mixture.
        measured: how long the different clips are whose rows do not state it, as their files show.
        measured_rows: how many rows, repeats included, these are of.
    """

    name: str
    table: pa.Table
    times: Times
    measured: Mapping[Hashable, float] = field(default_factory=dict)
    measured_rows: int = 0

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


def measured(pieces: Sequence[Piece]) -> list[Piece]:
    """Return pieces that know how long the clips are whose rows do not state it, where their files are at hand."""
    counted = [
        videos_counted(piece.table.filter(pa.array(~_timed(piece))), piece.times[~_timed(piece)]) for piece in pieces
    ]
    known = facts_of((each.medium for clips in counted for each in clips), local_only=True)
    found = []
    for piece, clips in zip(pieces, counted, strict=True):
        lengths: dict[Hashable, float] = {}
        for each in clips:
            facts = known.get(each.medium)
            if isinstance(facts, MediumFacts) and facts.metadata:
                lengths[each] = clip_seconds(each, facts.metadata) or 0.0
        rows = sum(clips[each] for each in clips if each in lengths)
        found.append(replace(piece, measured=lengths, measured_rows=rows))
    return found


def hours_of(pieces: list[Piece]) -> tuple[float | None, int]:
    """Return the length of all different clips in hours, and of how many rows it is known."""
    clips: dict[Hashable, float] = {}
    timed = 0
    for piece in pieces:
        known = _timed(piece)
        timed += int(piece.times[known].sum()) + piece.measured_rows
        clips.update(piece.measured)
        if known.any():
            columns = [piece.table.column(name).filter(pa.array(known)).to_pylist() for name in _CLIP_COLUMNS]
            clips.update({key: key[2] - key[1] for key in zip(*columns, strict=True)})
    return (sum(clips.values()) / 3600 if clips else None), timed


def _timed(piece: Piece) -> npt.NDArray[np.bool_]:
    """Return which rows state both limits of their clip."""
    columns = [piece.column(name) for name in _CLIP_COLUMNS]
    if any(column is None for column in columns):
        return np.zeros(len(piece.times), dtype=np.bool_)
    known: npt.NDArray[np.bool_] = np.logical_and.reduce([pc.is_valid(column).to_numpy() for column in columns])
    return known


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


def strictest(licenses: Iterable[str]) -> str | None:
    """Return the strictest of some SPDX ids; None without any.

    From free to strict: public domain, attribution (MIT, Apache, BSD, CC BY), share-alike and copyleft, non-commercial,
    no derivatives, and then what names no terms at all (`other`, `unknown`), since nothing can be taken for granted
    there. Between two of one kind the name decides, so the answer does not depend on their order.
    """
    return max(licenses, key=lambda name: (_strictness(name), name), default=None)


def _strictness(name: str) -> int:
    parts = name.casefold().replace(".", "-").split("-")
    if parts[0] in ("cc0", "unlicense", "pddl", "0bsd"):
        return 0
    if parts[0] == "cc":
        return 1 + ("sa" in parts) + 2 * ("nc" in parts) + 4 * ("nd" in parts)
    if parts[0] in ("gpl", "lgpl", "agpl", "odbl", "mpl"):
        return 2
    return 1 if parts[0] in ("mit", "apache", "bsd", "odc", "isc") else 9
