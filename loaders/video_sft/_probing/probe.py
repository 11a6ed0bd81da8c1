"""`probe`: length, rate, size and sound of each row's file."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any, Literal

import datasets
import pyarrow as pa

from video_sft._probing.file_facts import facts_of
from video_sft._probing.medium_facts import Facts, MediumFacts
from video_sft._probing.row_media import RowMedium, media_of
from video_sft.errors import ConfigError, VideoError
from video_sft.video import VideoMetadata

__all__ = ["clip_seconds", "probe", "tell_unreadable"]

logger = logging.getLogger("video_sft")
_EXAMPLES = 3
_SCHEMA = pa.schema(
    [
        ("duration_seconds", pa.float64()),
        ("clip_seconds", pa.float64()),
        ("begin_seconds", pa.float64()),
        ("fps", pa.float64()),
        ("num_frames", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("has_sound", pa.bool_()),
        ("error", pa.string()),
    ]
)


def probe(
    rows: object,
    *,
    on_error: Literal["row", "raise"] = "row",
    num_threads: int | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
) -> datasets.Dataset:
    """Return the facts about each row's file: length, rate, frames, size and sound.

    A file is opened once, for its layout alone, and what is learnt is kept on disk under its path, size and time of
    change (of a URL: with the `ETag`, or the time, that the server states): the next call, also one in another process
    or after a call that was stopped, opens only files that are new or have changed.

    Args:
        rows: a `datasets.Dataset` with the columns `video` or `image`, a list of rows, or clips.
        on_error: a file that cannot be read gives a row with its `error` (`row`; one line is logged on how many), or
            stops (`raise`).
        num_threads: files that are opened at the same time; None is one for each processor, up to four.
        cache_dir: where facts are kept; the `datasets` cache by default.

    Returns:
        A dataset with as many rows, in the same order: `duration_seconds` of the file and `clip_seconds` of the part
        the row is about, `begin_seconds` (when the first frame is shown), `fps` (frames a second, on average),
        `num_frames` of the file, `width` and `height` in pixels as shown, `has_sound`, and `error`. An image has
        `width` and `height` only; a row without media has nothing. Put beside the rows by
        `datasets.concatenate_datasets([rows, facts], axis=1)`.

    Raises:
        ConfigError: these are no rows.
        VideoError: a file cannot be read, with `on_error="raise"`.

    Example:
        >>> rows = video_sft.load("star", sample=True, split="train")
        >>> facts = video_sft.probe(rows)
        >>> facts[0]["duration_seconds"], facts[0]["fps"], facts[0]["has_sound"]
        (7.0, 10.0, False)
    """
    if on_error not in ("row", "raise"):
        raise ConfigError(f"on_error is {on_error!r}; it is 'row' or 'raise'")
    media = media_of(rows)
    known = facts_of((each.medium for each in media if each), num_threads=num_threads, cache_dir=cache_dir)
    errors = [facts for facts in known.values() if isinstance(facts, VideoError)]
    if errors and on_error == "raise":
        raise errors[0]
    tell_unreadable(errors, len(known))
    told = [{} if each is None else _told(each, known[each.medium]) for each in media]
    return datasets.Dataset(pa.Table.from_pylist(told, schema=_SCHEMA))


def tell_unreadable(errors: Sequence[VideoError], files: int) -> None:
    """Log how many files cannot be read, and the first of them."""
    if errors:
        first = "; ".join(str(error) for error in errors[:_EXAMPLES])
        logger.warning("%d of %d files cannot be read: %s", len(errors), files, first)


def clip_seconds(each: RowMedium, facts: VideoMetadata) -> float | None:
    """Return how long the part of a file is that a row is about; None where it lies behind the file's end."""
    start, stop = facts.within(each.start_seconds, each.stop_seconds)
    return stop - start if stop > start else None


def _told(each: RowMedium, facts: Facts) -> dict[str, Any]:
    if not isinstance(facts, MediumFacts):
        return {"error": str(facts)}
    told: dict[str, Any] = {"width": facts.width, "height": facts.height}
    video = facts.metadata
    if video is None:
        return told
    seconds = clip_seconds(each, video)
    if seconds is None:
        told["error"] = f"the clip is not within the video, which goes on until {video.end_seconds:g} s"
    return told | {
        "duration_seconds": video.duration_seconds,
        "clip_seconds": seconds,
        "begin_seconds": video.begin_seconds,
        "fps": video.fps,
        "num_frames": video.num_frames,
        "has_sound": video.audio is not None,
    }
