"""`prepare`: the videos of rows made ready for training, on this machine or on a cluster."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from video_sft._datasets import tqdm
from video_sft._engines.batch import Done, Lost
from video_sft._engines.engine import Engine, run
from video_sft._engines.local import LocalEngine
from video_sft._engines.ray_cluster import RayEngine
from video_sft._loading import load
from video_sft._media import Location, MediaPlaces
from video_sft.builders import configs
from video_sft.errors import ConfigError
from video_sft.mixing import mix
from video_sft.preparing._planning import Known, VideoPlan, planned, sized
from video_sft.preparing._report import PrepareReport
from video_sft.preparing._root import PreparedRoot
from video_sft.preparing._settings import DEFAULT_STEPS, Settings
from video_sft.preparing._storage import root_text
from video_sft.preparing._task import Prepared, Wanted, prepare_video

__all__ = ["prepare"]

#: More files than this are put into zips: file systems and servers slow down, or refuse them.
_MOST_FILES = 100_000
_PACK_BYTES = 1_000_000_000


def prepare(
    rows: Any,
    *,
    out: str | os.PathLike[str],
    media: MediaPlaces | Location | Sequence[Location] | None = None,
    steps: Sequence[str] = DEFAULT_STEPS,
    size: int = 224,
    max_fps: float | None = None,
    trim: Literal["exact", "copy"] = "exact",
    quality: int = 23,
    key_seconds: float = 1.0,
    encoder: str = "auto",
    split: str = "train",
    pools: Collection[str] | None = None,
    max_rows: int | None = None,
    shard: str | tuple[int, int] = (0, 1),
    retry_failed: bool = False,
    engine: Literal["local", "ray"] = "local",
    address: str | None = None,
    runtime_env: Mapping[str, Any] | None = None,
    memory: int | None = None,
    num_workers: int | None = None,
    seconds_per_video: float = 3600.0,
    packed: bool | None = None,
    progress: bool = True,
    **load_options: Any,
) -> PrepareReport:
    """Prepare the videos of rows for training: looked at, trimmed to what rows are about, made small, each once.

    All steps of a video are done in one process, with one fetch. Files are named after their content, and appear whole
    or not at all. What was done is in the manifest of `out`: run it again after it was stopped, or with more rows, and
    only what is new or has changed is read. A video that cannot be prepared, or brings its process down, is a row of
    the manifest with its `error`, and stops nothing.

    Args:
        rows: a config, a recipe (a bundled one, or the path of a YAML file), or a mapping of configs to weights, as
            for `load` and `mix`; or a `datasets.Dataset`, a list of rows, or of clips.
        out: a folder or fsspec URL for the results: the prepared root.
        media: where the originals are, as for `video_sft.load`.
        steps: some of `probe` (facts), `health` (every frame decoded), `fingerprint` (what footage it is), `trim` (only
            what rows are about; parts that overlap become one), `transcode` (a short side of `size`, a key frame every
            `key_seconds`, sound kept) and `frames` (JPEG files, `max_fps` or 2 a second, instead of a video).
        size: shortest side of what `transcode` writes, in pixels. A video of up to 1.5 times that is left as it is: it
            would not be read so much faster.
        max_fps: the most frames a second that `transcode` keeps; None keeps all, each at its own time.
        trim: `exact` encodes a part anew where it does not begin at a key frame; `copy` begins it at the key frame
            before, and the manifest's `timeline_offset` says from when on.
        quality: x264's rate factor, 0 to 51; more is smaller.
        key_seconds: from key frame to key frame.
        encoder: `libx264`, `h264_nvenc`, or `auto`: NVENC where a trial with it works, else x264.
        split: of a config or a recipe.
        pools: only videos of these.
        max_rows: look at so many rows.
        shard: do one part of the work, `"3/256"` or `(3, 256)`, counted from 0; videos fall to shards by their ids.
        retry_failed: try again what failed in an earlier run.
        engine: `local` (processes of this machine), or `ray`.
        address: of the Ray cluster: `host:6379`, `ray://host:10001`, `auto`, or `local` to start one.
        runtime_env: for Ray, such as `{"py_modules": [video_sft]}` where the package is not installed on its machines.
        memory: bytes that Ray sets aside for each task.
        num_workers: processes of `local`; None is one for each processor.
        seconds_per_video: a video that takes longer is given up.
        packed: put files into zips of about 1 GB, which are read in place; None does so above 100,000 files, and on the
            Hub.
        progress: show a bar.
        **load_options: for `load` or `mix`, where `rows` names a config or a recipe: `data_dir`, `sample`, `repo` ...

    Returns:
        What was done, left and cannot be done, with hours and bytes before and after.

    Raises:
        ConfigError: an option is not possible.
        BuildError: the results cannot be written, or workers not be started.

    Example:
        >>> report = video_sft.prepare("star", sample=True, out="star-prepared")
        >>> print(report)
    """
    began = time.monotonic()
    part = _shard(shard)
    root = root_text(out)
    _check_engine(engine, address, runtime_env, memory, num_workers)
    settings = Settings(
        root,
        tuple(steps),
        size=size,
        max_fps=max_fps,
        trim=trim,
        quality=quality,
        key_seconds=key_seconds,
        encoder=encoder,
    )
    found = _rows(rows, split, media, load_options)
    plan = planned(found, trimmed="trim" in settings.steps, pools=pools, max_rows=max_rows, shard=part)
    files = plan.parts * part[1]
    many = files > _MOST_FILES or root.startswith("hf://")  # where each file is a commit
    packed = settings.writes and (many if packed is None else packed)
    settings = replace(settings, returned=packed or root.startswith("memory://"))
    with PreparedRoot(root, part, packed=packed, pack_bytes=_PACK_BYTES) as prepared:
        known = Known(prepared.known, plan.videos, settings.told)
        wanted = (known.left(video, failed_too=not retry_failed) for video in plan.videos)
        left = list(sized(video for video in wanted if video is not None))
        good = sum(known.left(video, failed_too=False) is None for video in plan.videos)
        done_before = len(plan.videos) - len(left)
        tally = _Tally(settings, done_before, failed_before=done_before - good)
        prepared.add(tally.unreachable(plan))
        if left:
            work = functools.partial(prepare_video, settings)
            ways = {"address": address, "runtime_env": runtime_env, "memory": memory}
            with (
                _engine(engine, work, num_workers, seconds_per_video, ways) as running,
                tqdm(desc="preparing", total=len(left), unit=" videos", disable=not progress) as bar,
            ):
                for video, done in run(left, running, cost=lambda each: each.size or 1):
                    prepared.add(tally.took(video, done))
                    bar.set_postfix(failed=len(tally.failed), refresh=False)
                    bar.update()
    return tally.report(plan, time.monotonic() - began)


@dataclass
class _Tally:
    """Counts while the work goes on."""

    settings: Settings
    done_before: int
    failed_before: int
    prepared: int = 0
    left_as_is: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)
    seconds_before: float = 0.0
    seconds_after: float = 0.0
    bytes_before: int = 0
    bytes_after: int = 0
    cpu_seconds: float = 0.0

    def took(self, video: Wanted, done: Done | Lost) -> Iterator[Prepared]:
        """Yield what came of a video, counted."""
        if isinstance(done, Lost):
            yield from self._lost(video, done.reason)
            return
        self.cpu_seconds += done.cpu_seconds
        for number, each in enumerate(done.result):
            row = each.row
            if not number:
                self.bytes_before += row.get("original_bytes") or 0
                self.seconds_before += row.get("original_duration") or 0.0
            if row.get("error"):
                self.failed.append((_named(video), row["error"]))
            else:
                self.prepared += 1
                self.left_as_is += str(row.get("note") or "").startswith("left as it is")
                self.bytes_after += row.get("bytes") or 0
                self.seconds_after += row.get("duration") or 0.0
            yield each

    def unreachable(self, plan: VideoPlan) -> Iterator[Prepared]:
        """Yield the videos that are not there."""
        for video, error in plan.unreachable.items():
            yield from self._lost(video, error.reason)

    def report(self, plan: VideoPlan, seconds: float) -> PrepareReport:
        """Return all of it."""
        return PrepareReport(
            root=self.settings.root,
            videos=len(plan.videos) + len(plan.unreachable),
            prepared=self.prepared,
            left_as_is=self.left_as_is,
            done_before=self.done_before - self.failed_before,
            failed=tuple(self.failed),
            failed_before=self.failed_before,
            rows=plan.rows,
            rows_without=plan.without,
            hours_before=self.seconds_before / 3600,
            hours_after=self.seconds_after / 3600,
            bytes_before=self.bytes_before,
            bytes_after=self.bytes_after,
            cpu_seconds=self.cpu_seconds,
            seconds=seconds,
        )

    def _lost(self, video: Wanted, reason: str) -> Iterator[Prepared]:
        self.failed.append((_named(video), reason))
        for part in video.parts:
            yield Prepared(
                {
                    "video_id": video.video_id,
                    "video_path": video.video_path,
                    "start": part.start,
                    "stop": part.stop,
                    "original": video.original,
                    "version": video.version,
                    "steps": self.settings.told,
                    "error": reason,
                }
            )


def _named(video: Wanted) -> str:
    return f"{video.video_id} ({video.original})" if video.original != video.video_id else video.video_id


def _rows(rows: Any, split: str, media: Any, options: Mapping[str, Any]) -> Any:
    """Return the rows that a name stands for, or rows as they are."""
    if isinstance(rows, str) and rows in configs():
        return load(rows, split=split, media=media, **options)
    if isinstance(rows, (str, os.PathLike)) or (isinstance(rows, Mapping) and "video" not in rows):
        return mix(rows, split=split, media=media, **{"decontaminate": None, **options})
    if media is not None or options:
        names = ", ".join([*(["media"] if media is not None else []), *options])
        raise ConfigError(f"{names}: these go with a config or a recipe; rows that are loaded have their videos")
    return rows


def _shard(given: str | tuple[int, int]) -> tuple[int, int]:
    try:
        number, count = map(int, given.split("/")) if isinstance(given, str) else given
    except (ValueError, TypeError):
        number, count = -1, 0
    if not 0 <= number < count:
        raise ConfigError(f"shard is {given!r}; it is a number and a count such as '3/256', the first shard being 0")
    return number, count


def _check_engine(engine: str, address: object, runtime_env: object, memory: object, num_workers: object) -> None:
    if engine not in ("local", "ray"):
        raise ConfigError(f"engine is {engine!r}; it is 'local' or 'ray'")
    others = {"address": address, "runtime_env": runtime_env, "memory": memory}
    wrong = [name for name, value in others.items() if value is not None] if engine == "local" else []
    wrong += ["num_workers"] if engine == "ray" and num_workers is not None else []
    if wrong:
        raise ConfigError(f"engine={engine!r} takes no {', '.join(wrong)}")
    whole = isinstance(num_workers, int) and not isinstance(num_workers, bool)
    if num_workers is not None and not (whole and num_workers > 0):  # type: ignore[operator]
        raise ConfigError(f"num_workers is {num_workers!r}; it is a positive number of processes")


def _engine(engine: str, work: Any, num_workers: int | None, seconds: float, ways: Mapping[str, Any]) -> Engine:
    if engine == "ray":
        return RayEngine(work, seconds=seconds, **ways)
    return LocalEngine(work, num_workers=num_workers, seconds=seconds)
