"""Frames of many clips at once, with a bounded number of threads and open files."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal

from video_sft.errors import VideoError
from video_sft.video._bytes.stopping import Job
from video_sft.video._clip import Clip
from video_sft.video._decoding.pictures import Dtype, Layout
from video_sft.video._decoding.sizing import Size
from video_sft.video._decoding.threads import default_threads
from video_sft.video._frames import Frames

__all__ = ["read_frames"]

#: How long threads that were told to stop are waited for; they end at their next read, or with the process.
_PARTING_SECONDS = 1.0


def read_frames(
    rows: Iterable[Any] | Mapping[str, Sequence[Any]],
    *,
    count: int | None = None,
    fps: float | None = None,
    size: Size = None,
    method: str = "midpoints",
    seed: int | None = None,
    max_frames: int | None = None,
    on_error: Literal["raise", "nearest", "null"] = "raise",
    layout: Layout = "NHWC",
    dtype: Dtype = "uint8",
    num_threads: int | None = None,
    square_pixels: bool = False,
    column: str = "video",
) -> list[Frames | None]:
    """Decode frames of many clips.

    Each thread reads one clip at a time, alone, which costs less processor time than several threads on one clip, and
    no more files are open than there are threads. All results are held in memory; give long datasets batch by batch.

    Args:
        rows: rows of a dataset, a batch as ``Dataset.map(batched=True)`` gives it, a `datasets.Dataset`, or clips
            themselves. Where a row's clip has no limits, its ``start_seconds`` and ``stop_seconds`` columns apply.
        count: as for `Clip.frames`, like `fps`, `size`, `method`, `max_frames`, `layout` and `dtype`.
        fps: see `count`.
        size: see `count`.
        method: see `count`.
        seed: for ``method="random"``: the row at position i draws with ``seed + i``.
        max_frames: see `count`.
        on_error: ``null`` gives None for a clip that cannot be read, ``nearest`` stands in for single frames.
        layout: see `count`.
        dtype: see `count`.
        num_threads: clips read at the same time; None is one for each processor, up to four, and one in worker
            processes.
        square_pixels: see `count`.
        column: where rows have their clip.

    Returns:
        Frames for each row, in order; None for rows without a video.

    Raises:
        VideoError: a clip cannot be read, unless `on_error` is ``null``. The first error ends the call, as Ctrl-C does;
            clips that are still being read are given up.
    """
    if on_error not in ("raise", "nearest", "null"):
        raise ValueError(f"on_error is 'raise', 'nearest' or 'null', not {on_error!r}")

    def read(position: int, clip: Clip | None) -> Frames | None:
        if clip is None:
            return None
        try:
            return clip.frames(
                count=count,
                fps=fps,
                size=size,
                method=method,
                seed=None if seed is None else seed + position,
                max_frames=max_frames,
                on_error="nearest" if on_error == "nearest" else "raise",
                layout=layout,
                dtype=dtype,
                num_threads=1,
                square_pixels=square_pixels,
            )
        except VideoError:
            if on_error == "null":
                return None
            raise

    clips = [_clip_of(row, column) for row in _rows_of(rows)]
    return _side_by_side(read, clips, num_threads or default_threads())


def _side_by_side(
    read: Callable[[int, Clip | None], Frames | None], clips: Sequence[Clip | None], num_threads: int
) -> list[Frames | None]:
    """Read clips in threads that neither an error nor the end of the process waits for, as those of a pool would be."""
    results: list[Frames | None] = [None] * len(clips)
    done: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
    job, lock, positions = Job(), threading.Lock(), iter(range(len(clips)))

    def work() -> None:
        with job.worked_on():
            while not job.stopped:
                with lock:
                    position = next(positions, None)
                if position is None:
                    return
                try:
                    results[position] = read(position, clips[position])
                except BaseException as error:  # noqa: BLE001 - raised in the calling thread
                    done.put(error)
                    return
                done.put(None)

    threads = [
        threading.Thread(target=work, name="video-sft-read", daemon=True) for _ in range(min(num_threads, len(clips)))
    ]
    try:
        for thread in threads:
            thread.start()
        for _ in clips:
            error = done.get()
            if error is not None:
                raise error
    finally:
        job.stop()
        end = time.monotonic() + _PARTING_SECONDS
        for thread in threads:
            if thread.ident is not None:
                thread.join(max(0.0, end - time.monotonic()))
    return results


def _rows_of(rows: Iterable[Any] | Mapping[str, Sequence[Any]]) -> Iterable[Any]:
    if isinstance(rows, Clip):
        return [rows]
    if isinstance(rows, Mapping):
        return (dict(zip(rows, values, strict=True)) for values in zip(*rows.values(), strict=True))
    return rows


def _clip_of(row: Any, column: str) -> Clip | None:
    if row is None or isinstance(row, Clip):
        return row
    if not isinstance(row, Mapping):
        return Clip(row)
    if column not in row:
        raise KeyError(f"the rows have no column {column!r}; name the right one with column=")
    cell = row[column]
    if cell is None:
        return None
    clip = cell if isinstance(cell, Clip) else Clip.from_storage(cell)
    if clip.start_seconds is None and clip.stop_seconds is None:
        return clip.part(row.get("start_seconds"), row.get("stop_seconds"))
    return clip
