"""The rows whose media are ready, and in which file each of them goes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from video_sft._exporting.media_folder import Place
from video_sft._exporting.media_jobs import MediaJob, Need
from video_sft._exporting.spool import LaidRow, Spool
from video_sft._exporting.targets.target import ReadyRow
from video_sft.errors import VideoError

__all__ = ["ReadyRows"]


@dataclass(frozen=True)
class ReadyRows:
    """The rows of an export, read from the spool as they are written.

    Attributes:
        spool: where their text is.
        rows: those that are exported, with what their media need.
        places: where the media are.
    """

    spool: Spool
    rows: Sequence[tuple[LaidRow, Need | None]]
    places: Mapping[MediaJob, Place | VideoError]

    def place_of(self, job: MediaJob) -> Place:
        """Return where what a job made lies."""
        place = self.places[job]
        assert not isinstance(place, VideoError)
        return place

    def paths(self) -> set[str]:
        """Return the paths of all media, relative to the export."""
        return {path for job in {need.job for _, need in self.rows if need} for path in self.place_of(job)}

    def filled(self) -> frozenset[str]:
        """Return which optional things any row has; see `ReadyRow.filled`."""
        found: set[str] = set()
        for row, need in self.rows:
            found |= _filled(row, need)
        return frozenset(found)

    def read(self, numbers: Sequence[int] | None = None) -> Iterator[ReadyRow]:
        """Yield rows by number; all of them by default."""
        chosen = [self.rows[number] for number in (range(len(self.rows)) if numbers is None else numbers)]
        for (row, need), (_, name, turns) in zip(chosen, self.spool.read(row for row, _ in chosen), strict=True):
            if need is None or row.medium is None:
                yield ReadyRow(name, turns)
                continue
            place = self.place_of(need.job)
            if row.medium.medium[0] == "image":
                yield ReadyRow(name, turns, image=place[0])
            else:
                yield ReadyRow(name, turns, list(place) if need.job.kind == "frames" else place[0], None, need.limits)

    def shards(self, shard_bytes: int, *, inferred: bool) -> list[list[int]]:
        """Return which rows go into which file, in order.

        Args:
            shard_bytes: how large a file is, about.
            inferred: let each file begin with a row of every kind there is: readers that infer types from the
                beginning would refuse what comes later. There are then no more files than rows of the rarest kind.
        """
        total = sum(row.size for row, _ in self.rows)
        count = max(1, min(-(-total // shard_bytes), len(self.rows)))
        kinds = [_filled(row, need) for row, need in self.rows]
        every = frozenset().union(*kinds)
        if not inferred or all(kind == every for kind in kinds):
            return _cut(range(len(self.rows)), count)
        by_kind = {name: [number for number, kind in enumerate(kinds) if name in kind] for name in every}
        count = min(count, *(len(numbers) for numbers in by_kind.values()))
        first: list[list[int]] = [[] for _ in range(count)]
        taken: set[int] = set()
        for name in sorted(every, key=lambda name: (len(by_kind[name]), name)):
            left = (number for number in by_kind[name] if number not in taken)
            for shard in first:
                if not any(name in kinds[number] for number in shard):
                    shard.append(next(left))
                    taken.add(shard[-1])
        rest = _cut([number for number in range(len(self.rows)) if number not in taken], count)
        return [sorted(lead) + others for lead, others in zip(first, rest, strict=True)]


def _filled(row: LaidRow, need: Need | None) -> frozenset[str]:
    if need is None or row.medium is None:
        return frozenset()
    return frozenset({row.medium.medium[0]} | ({"limits"} if need.limits else set()))


def _cut(numbers: Sequence[int], count: int) -> list[list[int]]:
    """Cut numbers into so many stretches of about the same length."""
    edges = [len(numbers) * place // count for place in range(count + 1)]
    return [list(numbers[start:stop]) for start, stop in itertools.pairwise(edges)]
