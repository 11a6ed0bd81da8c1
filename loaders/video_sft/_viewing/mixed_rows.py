"""The rows of a mixture's parts, each with what the mixture does with it and why."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from typing import Any

import datasets
import numpy as np

from video_sft._viewing.row_set import Codes, RowSet
from video_sft.mixing._outcomes import PartOutcome

__all__ = ["MixedRows"]

_DRAWN, _SPARED, _OUT = "in the mixture", "kept, but not drawn", "left out: "


class MixedRows(RowSet):
    """All rows of all parts, one part after the other."""

    _parts: Sequence[PartOutcome]
    _starts: Sequence[int]

    @classmethod
    def of(cls, parts: Sequence[PartOutcome]) -> MixedRows:
        """Join the parts; rows that are left out are among them."""
        reasons = tuple(dict.fromkeys(reason for part in parts for reason in part.reasons))
        fates = []
        for part in parts:
            own = np.array([*(reasons.index(reason) + 2 for reason in part.reasons), 0], dtype=np.int32)
            fates.append(np.where(part.reason < 0, (part.times == 0).astype(np.int32), own[part.reason]))
        lengths = [len(part.rows) for part in parts]
        more = {
            "part": Codes(
                tuple(part.name for part in parts), np.repeat(np.arange(len(parts), dtype=np.int32), lengths)
            ),
            "mixture": Codes((_DRAWN, _SPARED, *(_OUT + reason for reason in reasons)), np.concatenate(fates)),
        }
        made = cls(datasets.concatenate_datasets([part.rows for part in parts]), more)
        made._parts, made._starts = parts, list(itertools.accumulate(lengths, initial=0))
        return made

    def fate(self, number: int) -> dict[str, Any]:
        """Return what the mixture does with a row, for people."""
        place = bisect.bisect_right(self._starts, number, hi=len(self._parts)) - 1
        part, own = self._parts[place], number - self._starts[place]
        times, reason = int(part.times[own]), int(part.reason[own])
        if reason >= 0:
            what, why = "left out", part.reasons[reason]
        elif times:
            what, why = f"drawn {times:,} {'time' if times == 1 else 'times'}", ""
        else:
            what, why = "kept, but not drawn", "the part's share was full before its turn came"
        share = f"{part.asked:.1%} asked for, {part.reached:.1%} reached, of {len(part.rows):,} rows"
        return {"part": part.name, "what": what, "why": why, "times": times, "share": share}
