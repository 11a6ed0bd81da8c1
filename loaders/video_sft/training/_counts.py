"""Counts that a collator's copies in worker processes keep together."""

from __future__ import annotations

import logging

import torch
from torch.utils.data import get_worker_info

__all__ = ["SharedCounts"]

logger = logging.getLogger("video_sft.training")

#: Each worker of a loader counts in a row of its own, so that no two write to one place.
_WORKERS = 256


class SharedCounts:
    """Numbers by name, in memory that forked and spawned workers share; an ordinary copy where it is pickled.

    Args:
        names: what is counted.
    """

    def __init__(self, *names: str) -> None:
        self._names = names
        self._numbers = torch.zeros((_WORKERS + 1, len(names)), dtype=torch.int64).share_memory_()

    def add(self, name: str, number: int = 1) -> int:
        """Count, and return how many of that name this process has counted."""
        worker = get_worker_info()
        cell = self._numbers[0 if worker is None else 1 + worker.id % _WORKERS, self._names.index(name)]
        cell += number
        return int(cell)

    def totals(self) -> dict[str, int]:
        """Return the numbers of all processes together."""
        return dict(zip(self._names, self._numbers.sum(dim=0).tolist(), strict=True))

    def left_out(self, name: str, why: str) -> None:
        """Count a row that is left out, and say so the first time, the second, the fourth and so on."""
        number = self.add(name)
        if number & (number - 1) == 0:
            logger.warning("left out: %s (%s: %d in this process so far)", why, name, number)
