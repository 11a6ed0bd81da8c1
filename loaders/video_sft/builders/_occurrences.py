"""Keys for sources whose rows have no id of their own."""

from __future__ import annotations

from collections import Counter

__all__ = ["Occurrences"]


class Occurrences:
    """Numbers the rows of each video, in file order, from 0.

    A row takes its number before the rest of it is read: one that is left out as bad does not change the others' keys.
    """

    def __init__(self, prefix: str = "") -> None:
        """Take what the keys begin with."""
        self._prefix = prefix
        self._counts: Counter[str] = Counter()

    def key(self, video: str) -> str:
        """Return the next key of a video, such as `v_k_ZXmr8pmrs_0`."""
        number = self._counts[video]
        self._counts[video] += 1
        return f"{self._prefix}{video}_{number}"
