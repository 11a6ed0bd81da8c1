"""From rows to the videos that have to be prepared: which parts of each, and which of those are not done yet."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from video_sft._datasets import indices_of, stored_batches
from video_sft._probing.row_media import medium_of
from video_sft._probing.versions import versions_of
from video_sft.errors import ConfigError, VideoError
from video_sft.preparing._task import Stretch, Wanted
from video_sft.video import Clip
from video_sft.video._bytes.archive_index import BadArchiveError, member_name
from video_sft.video._bytes.media_bytes import MediaBytes, archive_at
from video_sft.video._bytes.range_cache import without_access
from video_sft.video._columns.saved_videos import is_remote_video
from video_sft.video._fragment import split_cut

__all__ = ["KNOWN", "Known", "VideoPlan", "planned", "shard_of", "sized"]

_COLUMNS = ("id", "video", "video_id", "video_path", "start_seconds", "stop_seconds")
_BATCH = 10_000
#: What has to be known of what is done.
KNOWN = ("version", "start", "stop", "steps", "error")


@dataclass
class VideoPlan:
    """What rows need.

    Attributes:
        videos: with their parts, in no order.
        rows: that have a video.
        without: rows that have none: no file was found for them.
        unreachable: videos of which nothing can be learnt, and why.
    """

    videos: list[Wanted] = field(default_factory=list)
    rows: int = 0
    without: int = 0
    unreachable: dict[Wanted, VideoError] = field(default_factory=dict)

    @property
    def parts(self) -> int:
        """How many files there will be, at most."""
        return sum(len(video.parts) for video in self.videos)


def planned(
    rows: object, *, trimmed: bool, pools: Collection[str] | None, max_rows: int | None, shard: tuple[int, int]
) -> VideoPlan:
    """Return the videos of rows, each once, whose ids fall to a shard; no file is opened.

    Args:
        rows: a `datasets.Dataset`, a list of rows or of clips.
        trimmed: whether parts are wanted, joined where they overlap, rather than whole videos.
        pools: leave out videos of others.
        max_rows: look at so many rows.
        shard: number, from 0 on, and count.

    Raises:
        ConfigError: these are no rows with videos.
    """
    plan = VideoPlan()
    found: dict[tuple[str, str | None, MediaBytes, Stretch | None], set[Stretch]] = {}
    known: dict[str, Any] = {}
    for row in _rows(rows, max_rows):
        medium = medium_of(row, known)
        if medium is None or medium.medium[0] != "video":
            plan.without += 1
            continue
        source = medium.medium[1]
        video_id = row.get("video_id") or _name(source)
        if pools is not None and str(video_id).partition("/")[0] not in pools:
            continue
        plan.rows += 1
        if shard_of(str(video_id), shard[1]) != shard[0]:
            continue
        part = Stretch(medium.start_seconds, medium.stop_seconds)
        cut = part if part != Stretch() and _is_cut(row, source) else None
        parts = found.setdefault((str(video_id), row.get("video_path"), source, cut), set())
        parts.add(part if trimmed or cut else Stretch())
    wanted = [
        Wanted(video_id, path, source, _name(source), "", _joined(parts), cut is not None)
        for (video_id, path, source, cut), parts in found.items()
    ]
    _identify(wanted, plan)
    return plan


def shard_of(video_id: str, count: int) -> int:
    """Return the shard a video falls to, the same on every machine and in every release."""
    return int.from_bytes(hashlib.blake2b(video_id.encode(), digest_size=8).digest(), "big") % count


class Known:
    """What a manifest knows, for the question whether a part is done.

    Args:
        table: the manifest, the columns `KNOWN` of it at least.
        videos: that are asked about.
        told: the steps and parameters that are wanted now.
    """

    def __init__(self, table: pa.Table, videos: Iterable[Wanted], told: str) -> None:
        self._done: dict[str, list[tuple[Stretch, bool]]] = {}
        versions = pa.array([video.version for video in videos], pa.string())
        table = table.filter(pc.and_(pc.equal(table["steps"], told), pc.is_in(table["version"], versions)))
        for batch in table.select(("version", "start", "stop", "error")).to_batches(max_chunksize=_BATCH):
            for version, start, stop, error in zip(*(column.to_pylist() for column in batch), strict=True):
                self._done.setdefault(version, []).append((Stretch(start, stop), error is None))

    def left(self, video: Wanted, *, failed_too: bool) -> Wanted | None:
        """Return a video with the parts that are not done; None where all are.

        Args:
            video: one of those asked about.
            failed_too: whether failures count as done.
        """
        done = self._done.get(video.version, [])
        left = tuple(
            part
            for part in video.parts
            if not any(known.covers(part) if good else failed_too and known == part for known, good in done)
        )
        return replace(video, parts=left) if left else None


def sized(videos: Iterable[Wanted]) -> Iterator[Wanted]:
    """Yield videos with the sizes of those in archives of this machine, which are looked into, once each."""
    for video in videos:
        inside = archive_at(video.source.path or "") if not video.size and video.source.data is None else None
        size = 0
        if inside is not None and not is_remote_video(inside[2].path or ""):
            kind, member, archive = inside
            with suppress(KeyError, VideoError, BadArchiveError):  # which the task tells
                size = archive.members(kind)[member_name(member)].size
        yield replace(video, size=size) if size else video


def _rows(rows: object, max_rows: int | None) -> Iterator[Mapping[str, Any]]:
    if isinstance(rows, datasets.Dataset):
        if "video" not in rows.column_names:
            raise ConfigError(f"these rows have no video; their columns are {rows.column_names}")
        order = indices_of(rows)
        numbers = None if order is None else order.to_numpy()[:max_rows].astype(np.int64)
        if numbers is None:
            numbers = np.arange(len(rows) if max_rows is None else min(max_rows, len(rows)))
        columns = [name for name in _COLUMNS if name in rows.column_names]
        for batch in stored_batches(rows, columns, _BATCH, np.unique(numbers)):
            yield from batch.to_pylist()
        return
    if isinstance(rows, Clip):
        rows = [rows]
    if not isinstance(rows, Iterable) or isinstance(rows, (str, bytes, Mapping)):
        raise ConfigError(f"rows are a config, a recipe, a Dataset, a list of rows or of clips, not {rows!r:.80}")
    for number, row in enumerate(rows):
        if max_rows is not None and number >= max_rows:
            return
        yield row if isinstance(row, Mapping) and not isinstance(row, Clip) else {"video": row}


def _name(source: MediaBytes) -> str:
    if source.data is not None:
        return f"bytes/{hashlib.blake2b(source.data, digest_size=16).hexdigest()}"
    return without_access(source.path or "")


def _is_cut(row: Mapping[str, Any], source: MediaBytes) -> bool:
    """Return whether a row's file is called after the row rather than its video: the user has it cut already."""
    key = str(row.get("id") or "").partition("/")[2].partition("+")[0]
    stem = PurePosixPath(split_cut(source.path or "")[0].partition("::")[0]).stem
    return bool(key) and stem == key and PurePosixPath(row.get("video_path") or "").stem != key


def _joined(parts: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Return the fewest parts that cover some; those that overlap or touch become one."""
    found: list[Stretch] = []
    for part in sorted(parts, key=lambda each: -1.0 if each.start is None else each.start):
        last = found[-1] if found else None
        if last is not None and (last.stop is None or part.start is None or part.start <= last.stop):
            stop = None if last.stop is None or part.stop is None else max(last.stop, part.stop)
            found[-1] = Stretch(last.start, stop)
        else:
            found.append(part)
    return tuple(found)


def _identify(wanted: Sequence[Wanted], plan: VideoPlan) -> None:
    """Put videos into a plan, with the version of each file."""
    by_source: dict[MediaBytes, list[Wanted]] = {}
    for video in wanted:
        by_source.setdefault(video.source, []).append(video)
    for source, known in versions_of(by_source):
        for video in by_source[source]:
            if isinstance(known, VideoError):
                plan.unreachable[video] = known
            else:
                plan.videos.append(replace(video, version=known[0], size=known[1]))
