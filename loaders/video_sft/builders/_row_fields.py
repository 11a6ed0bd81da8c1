"""Fields of upstream rows as the shared rows have them: texts mended, times believed or not."""

from __future__ import annotations

from video_sft._annotations import Problems, SourceRow
from video_sft._text import cleaned
from video_sft.errors import RowError

__all__ = ["blank_field", "clean_or_blank", "clip_times", "unusable"]


def clean_or_blank(row: SourceRow, field: str) -> str:
    """Return a field trimmed and mended; an empty string where upstream has only blanks or null there.

    Raises:
        RowError: there is no such field, or it is not text.
    """
    return cleaned(row.text_or_blank(field))


def blank_field(row: SourceRow, **texts: str) -> RowError | None:
    """Return why a row is unusable, if one of these fields has no text in it: upstream's own gap, nothing to learn."""
    return next((unusable(row, field, "upstream has no text there") for field, text in texts.items() if not text), None)


def unusable(row: SourceRow, field: str, problem: str) -> RowError:
    """Return why nothing can be learned from a row as upstream published it."""
    return row.error(field, problem, "There is nothing to mend: the row is left out, and the -source config has it")


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
