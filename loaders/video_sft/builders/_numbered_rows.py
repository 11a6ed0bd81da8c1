"""Records of rows without an id: a row's key is its video, and its number among the rows of that video."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

from video_sft._annotations import Problems, SourceRow
from video_sft._sources.open_part import OpenPart
from video_sft._sources.record import Body, Caption, Media, Record
from video_sft.errors import RowError

__all__ = ["numbered_records"]


def numbered_records(
    part: OpenPart,
    media: Callable[[SourceRow], Media],
    body: Callable[[SourceRow, Problems], tuple[Body, RowError | None]],
    *,
    prefix: str = "",
) -> Iterator[Record]:
    """Yield the rows of a part in file order, as conversations or detailed captions.

    A row takes its number before the rest of it is read: one that is left out as bad does not change the others' keys.

    `body` returns what a row says, and why it is unusable, if it is; `prefix` stands before such as `v_k_ZXmr8pmrs_0`.
    """
    counts: Counter[str] = Counter()

    def record(row: SourceRow) -> Record:
        video = media(row)
        key = f"{prefix}{video.id}_{counts[video.id]}"
        counts[video.id] += 1
        said, reason = body(row, part.problems)
        task = "detailed_caption" if isinstance(said, Caption) else "conversation"
        return Record(key=key, task=task, body=said, media=video, row=row, unusable=reason)

    yield from part.problems.read(part.json_rows(), record)
