"""The report on what was prepared, what was left, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["PrepareReport"]

_SHOWN = 10


@dataclass(frozen=True)
class PrepareReport:
    """What `video_sft.prepare` did.

    Attributes:
        root: where the prepared media are: what `media=` takes.
        videos: that the rows have, of this shard.
        prepared: parts of videos that were prepared now.
        left_as_is: those of them whose file is the original's.
        done_before: videos that an earlier run had done, unchanged since.
        failed: what cannot be prepared: id and path of each video, and why.
        failed_before: videos that failed in an earlier run, and were not tried again.
        rows: that have a video.
        rows_without: that have none: their media were not found.
        hours_before: of the originals that were read now.
        hours_after: of the files that came of them.
        bytes_before: of the originals that were read now, as far as known.
        bytes_after: of the files that came of them.
        cpu_seconds: that steps took, all processors together.
        seconds: that the job took.
    """

    root: str
    videos: int = 0
    prepared: int = 0
    left_as_is: int = 0
    done_before: int = 0
    failed: tuple[tuple[str, str], ...] = ()
    failed_before: int = 0
    rows: int = 0
    rows_without: int = 0
    hours_before: float = 0.0
    hours_after: float = 0.0
    bytes_before: int = 0
    bytes_after: int = 0
    cpu_seconds: float = 0.0
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values."""
        return asdict(self)

    def lines(self) -> Iterator[tuple[str, str]]:
        """Yield what a person wants to know, each with what it is called."""
        yield "prepared", f"{self.prepared:,} parts of {self.videos:,} videos, for {self.rows:,} rows"
        if self.left_as_is:
            yield "left as they are", f"{self.left_as_is:,}"
        if self.done_before:
            yield "done before", f"{self.done_before:,} videos"
        if self.failed:
            yield "failed", f"{len(self.failed):,}"
        if self.failed_before:
            yield "failed before", f"{self.failed_before:,} videos; --retry-failed tries them again"
        if self.rows_without:
            yield "without a video", f"{self.rows_without:,} rows"
        yield "hours", f"{self.hours_before:,.2f} before, {self.hours_after:,.2f} after"
        yield "bytes", f"{_size(self.bytes_before)} before, {_size(self.bytes_after)} after"
        yield "took", f"{self.seconds:,.1f} s, {self.cpu_seconds:,.1f} s of processors"
        yield "use it", f"media={self.root!r}"

    def __str__(self) -> str:
        told = [f"{name}: {what}" for name, what in self.lines()]
        told += [f"  {video}: {why}" for video, why in self.failed[:_SHOWN]]
        if len(self.failed) > _SHOWN:
            told.append(f"  and {len(self.failed) - _SHOWN:,} more: the manifest's `error`")
        return "\n".join(told)


def _size(count: int) -> str:
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count / 1e3:,.1f} kB"
