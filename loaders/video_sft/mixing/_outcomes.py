"""The outcome for every row of a mixture's parts: how often it is drawn, or why it is left out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from datasets import Dataset

from video_sft.mixing._mixture import mixed_rows, parts_and_options, selected_rows
from video_sft.mixing._options import MixOptions
from video_sft.mixing._parts import Parts
from video_sft.mixing._provenance import record_in
from video_sft.mixing._selection.filters import Selection
from video_sft.mixing._table import row_numbers

__all__ = ["Outcomes", "PartOutcome", "outcomes"]


@dataclass(frozen=True)
class PartOutcome:
    """One part, all of its rows.

    Attributes:
        name: of the part.
        rows: all it has, those that are left out as well.
        asked: its share as asked for, of 1.
        reached: its share of the mixture's rows.
        times: how often each row is in the mixture.
        reasons: why rows are left out.
        reason: the number of the reason of each row, in `reasons`; -1 for rows that are not left out.
    """

    name: str
    rows: Dataset
    asked: float
    reached: float
    times: npt.NDArray[np.int64]
    reasons: tuple[str, ...]
    reason: npt.NDArray[np.int16]


@dataclass(frozen=True)
class Outcomes:
    """A mixture and what became of the rows of each part; `parts` and `options` are those it was read with."""

    mixture: Dataset
    outcomes: tuple[PartOutcome, ...]
    parts: Parts
    options: MixOptions


def outcomes(
    parts: Mapping[str, Any] | Sequence[str] | str | os.PathLike[str],
    *,
    load_options: Mapping[str, Any],
    **options: Any,
) -> Outcomes:
    """Mix as `mix` does, and tell what became of each row; a recipe of streams is read as rows.

    Raises:
        ConfigError: see `mix`.
    """
    named, chosen = parts_and_options(parts, MixOptions(load_options=load_options, **options))
    chosen = replace(chosen, streaming=False)
    lists = chosen.eval_lists()
    selections = selected_rows(named, chosen, lists)
    mixture = mixed_rows(named, selections, chosen, lists)
    record, numbers = record_in(mixture.info), row_numbers(mixture)
    assert record is not None
    assert numbers is not None
    times = np.bincount(numbers.astype(np.int64), minlength=mixture.data.num_rows)
    drawn = {part.name: each for part, _, each in record.drawn(times)}
    shares = {part.name: part.requested for part in record.parts}
    found = (
        _outcome(name, selection, shares[name], drawn.get(name), len(mixture)) for name, selection in selections.items()
    )
    return Outcomes(mixture, tuple(found), named, chosen)


def _outcome(
    name: str, selection: Selection, asked: float, drawn: npt.NDArray[np.int64] | None, all_rows: int
) -> PartOutcome:
    rows, numbers = selection.dataset, row_numbers(selection.dataset)
    reason = np.full(len(rows), -1, np.int16)
    for number, positions in enumerate(selection.dropped.values()):
        reason[positions] = number
    times = np.zeros(len(rows), np.int64)
    if drawn is not None:
        times = drawn if numbers is None else drawn[numbers.astype(np.int64)]
        times = np.where(reason < 0, times, 0)  # of a selection that has a row of its table twice
    return PartOutcome(name, rows, asked, int(times.sum()) / all_rows, times, tuple(selection.dropped), reason)
