"""The table of a video stream's packets: when each is shown, where it lies, and whether decoding can start at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

__all__ = ["PacketTable"]

Ticks = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PacketTable:
    """The packets of one stream in decoding order.

    Attributes:
        pts: when each packet's frame is shown, in ticks, int64 (N,).
        duration: for how long, in ticks.
        position: where each packet begins in the file; -1 where unknown.
        size: of each packet, in bytes.
        key: whether decoding can start there.
        shown: whether the packet's frame is ever shown; edit lists and VP8's reference-only frames have others.
        seek_tick: what to ask the container for in order to land on each packet.
        runs: first packet of each run of neighbours, where only parts of the stream are known.
    """

    pts: Ticks
    duration: Ticks
    position: Ticks
    size: Ticks
    key: npt.NDArray[np.bool_]
    shown: npt.NDArray[np.bool_]
    seek_tick: Ticks
    runs: tuple[int, ...] = (0,)

    def __len__(self) -> int:
        return len(self.pts)

    @cached_property
    def rows(self) -> Ticks:
        """Packet of each frame, by the frame's number in display order."""
        rows = np.flatnonzero(self.shown)
        return rows[np.argsort(self.pts[rows], kind="stable")]

    @cached_property
    def ordinals(self) -> Ticks:
        """Frame number in display order of each packet; below zero, and each another, where none is shown."""
        ordinals = -1 - np.arange(len(self))
        ordinals[self.rows] = np.arange(len(self.rows))
        return ordinals

    @cached_property
    def keys(self) -> Ticks:
        """Packets that decoding can start at, each shown later than the one before."""
        rows = np.flatnonzero(self.key)
        times = self.pts[rows]
        rising = np.append(True, times[1:] > np.maximum.accumulate(times)[:-1]) if len(rows) else rows.astype(bool)
        return np.asarray(rows[rising])

    @cached_property
    def rises(self) -> bool:
        """Whether frames are shown in the order in which they are stored, as far as their times tell."""
        return bool((np.diff(self.pts) > 0).all())

    @cached_property
    def _key_times(self) -> Ticks:
        return self.pts[self.keys]

    @property
    def one_frame_each(self) -> bool:
        """Whether the packets shown may be taken for the frames, as far as their times tell.

        False where two have the same time, or where a frame is shown before the first key packet's: whether a decoder
        gives such frames, which lean on packets before the file's beginning, only decoding tells.
        """
        times = self.pts[self.rows]
        if not len(times) or not self.key[0] or not (np.diff(times) > 0).all():
            return False
        return bool(times[0] >= self.pts[0])

    def entry(self, row: int, earlier: int = 0) -> int:
        """Return the packet to start at in order to decode a packet's frame exactly.

        That is the last key packet stored and shown no later than the frame. A key packet that comes before it in the
        file but is shown after it (open GOP) will not do: its frame leans on what came before.

        Args:
            row: the packet wanted.
            earlier: go back by so many key packets more, for streams whose key packets promise too much.
        """
        shown_before = int(np.searchsorted(self._key_times, self.pts[row], side="right"))
        stored_before = int(np.searchsorted(self.keys, row, side="right"))  # fewer only where the times are damaged
        found = min(shown_before, stored_before) - 1 - earlier
        run = max(begin for begin in self.runs if begin <= row)
        return max(run, int(self.keys[found])) if found > 0 else run
