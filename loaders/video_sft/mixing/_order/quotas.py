"""Quotas: the number of rows each part gives under each stopping strategy, by arithmetic on sizes and shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from video_sft.errors import ConfigError

__all__ = ["MAX_ROWS", "STRATEGIES", "Quotas", "StoppingStrategy", "quotas"]

StoppingStrategy = Literal["exact", "first_exhausted", "all_exhausted", "all_exhausted_without_replacement"]
STRATEGIES: tuple[str, ...] = get_args(StoppingStrategy)

#: Rows a schedule may have: 4 GiB of row numbers. A longer one is a mistake, such as a tiny weight under all_exhausted.
MAX_ROWS = 2**29

RowCounts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Quotas:
    """What a schedule is made from, one entry for each part.

    Attributes:
        counts: rows the part gives at most.
        rates: its share of the rows while it lasts; a part with `counts / rates` smaller than another's ends earlier.
        marks: how many rows it has given when it counts as exhausted, 0 where that never matters.
        stop: the schedule ends at the first (`any`) or the last (`all`) part to reach its mark, or only where the
            counts do (None).
    """

    counts: RowCounts
    rates: Shares
    marks: RowCounts
    stop: Literal["any", "all"] | None = None


def quotas(
    names: Sequence[str],
    sizes: Sequence[int],
    shares: Shares,
    *,
    strategy: StoppingStrategy = "exact",
    epochs: int = 1,
    num_rows: int | None = None,
    max_epochs: Sequence[int | None] | None = None,
) -> Quotas:
    """Return how many rows each part gives.

    `exact` gives `num_rows` rows (default: `epochs` times the rows of all parts), each part its share of them to
    within one row. A part that `max_epochs` stops short leaves the rest of its rows to the others, by their shares;
    only when every part is stopped is the mixture shorter.

    The other strategies mean what `datasets.interleave_datasets` means by them, with a part counted as exhausted after
    `epochs` passes: stop when the first part is, when all are (parts that were earlier start over), or give every row
    `epochs` times and stop. `num_rows` then only cuts the end off, and a part that reached `max_epochs` drops out.

    `sizes` and `shares` are positive, shares sum to one; `max_epochs` has None for any number of passes over a part.

    Raises:
        ConfigError: the mixture would have more than `MAX_ROWS` rows.
    """
    rows = np.asarray(sizes, dtype=np.int64)
    caps = np.full(len(rows), np.iinfo(np.int64).max)
    for part, allowed in enumerate(max_epochs or ()):
        if allowed is not None:
            caps[part] = min(int(rows[part]) * allowed, int(caps[part]))
    if strategy == "exact":
        wanted = int(rows.sum()) * epochs if num_rows is None else num_rows
        _check_length(wanted, names, shares, rows)
        counts = _apportioned(wanted, shares, caps)
        return Quotas(counts, counts.astype(np.float64), np.zeros_like(counts))
    marks = np.minimum(rows * epochs, caps)
    ends = marks / shares
    if strategy == "first_exhausted":
        counts = np.minimum(np.floor(shares * ends.min() * (1 + 1e-12)).astype(np.int64), marks)
        counts[ends <= ends.min()] = marks[ends <= ends.min()]
        return Quotas(counts, shares, marks, "any")
    if strategy == "all_exhausted_without_replacement":
        _check_length(int(marks.sum()), names, shares, rows)
        return Quotas(marks, shares, marks)
    last = float(ends.max()) if num_rows is None else min(float(ends.max()), float(num_rows + 4 * len(rows)))
    _check_length(last, names, shares, rows)
    counts = np.minimum(np.ceil(shares * last * (1 - 1e-12)).astype(np.int64), caps)
    return Quotas(np.maximum(counts, marks) if num_rows is None else counts, shares, marks, "all")


def _apportioned(total: int, shares: Shares, caps: RowCounts) -> RowCounts:
    """Split `total` rows by shares to within one (largest remainders), no part above its cap."""
    counts = np.zeros(len(shares), dtype=np.int64)
    open_parts = np.ones(len(shares), dtype=bool)
    while open_parts.any():
        left = total - int(counts[~open_parts].sum())
        ideal = left * (shares[open_parts] / shares[open_parts].sum())
        full = ideal > caps[open_parts]
        if not full.any():
            floors = np.floor(ideal).astype(np.int64)
            missing = left - int(floors.sum())
            largest = np.argsort(floors - ideal, kind="stable")[:missing]
            floors[largest] += 1
            counts[open_parts] = floors
            break
        filled = np.flatnonzero(open_parts)[full]
        counts[filled] = caps[filled]
        open_parts[filled] = False
    return counts


def _check_length(length: float, names: Sequence[str], shares: Shares, rows: RowCounts) -> None:
    if length <= MAX_ROWS:
        return
    slowest = int(np.argmax(rows / shares))
    raise ConfigError(
        f"the mixture would have {length:.3g} rows, more than {MAX_ROWS:,}; the part that asks for most is "
        f"{names[slowest]!r} ({int(rows[slowest]):,} rows at a share of {shares[slowest]:.3g}). Give num_rows, fewer "
        "epochs, a larger weight or another stopping_strategy"
    )
