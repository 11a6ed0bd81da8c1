"""The part of a video a row is about, as far as its start and end can be believed."""

from __future__ import annotations

from video_sft._annotations import Problems, SourceRow

__all__ = ["clip_times"]


def clip_times(row: SourceRow, problems: Problems) -> tuple[float | None, float | None]:
    """Return a row's `start` and `end` in seconds; two times None, which is the whole video, where they give no clip.

    That is where one of them is missing or null, and where the end is not after the start: which of the two is wrong
    cannot be told, and what the row is about is in the whole video in any case. A clip that begins before the video
    does begins with it.

    Raises:
        RowError: one of them is not a time.
    """
    if row.value.get("start") is None or row.value.get("end") is None:
        return None, None
    start, stop = row.seconds("start", before_start=True), row.seconds("end", before_start=True)
    if start >= stop or stop <= 0:
        problems.mend("Rows with a start that is not before their end, taken to be about the whole video")
        return None, None
    if start < 0:
        problems.mend("Clips that begin before 0 s, which begin at 0 in these rows")
    return max(start, 0.0), stop
