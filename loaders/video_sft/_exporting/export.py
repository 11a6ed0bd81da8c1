"""`export`: rows as files that other trainers read, with their media."""

from __future__ import annotations

import math
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from video_sft._exporting.media_folder import MediaFolder
from video_sft._exporting.media_jobs import Clips, Need, need_of
from video_sft._exporting.out_folder import OutFolder
from video_sft._exporting.ready_rows import ReadyRows
from video_sft._exporting.report import ExportReport
from video_sft._exporting.spool import LaidRow, Spool
from video_sft._exporting.targets import TARGETS
from video_sft._exporting.targets.target import Export, JsonTarget, PackedTarget, Target
from video_sft._files import unfinished_folder, writing_whole
from video_sft._probing.file_facts import facts_of
from video_sft._probing.probe import tell_unreadable
from video_sft.errors import ConfigError, VideoError

__all__ = ["TargetName", "export"]

TargetName = Literal["swift", "llamafactory", "qwen", "llava", "webdataset", "mds"]
_NAME = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)
_LLAVA_FPS = 2.0


def export(
    rows: Any,
    *,
    to: TargetName,
    out: str | os.PathLike[str],
    clips: Clips | None = None,
    name: str = "train",
    fps: float = 2.0,
    max_frames: int | None = None,
    shard_bytes: int | None = None,
    num_threads: int | None = None,
    cache_dir: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
) -> ExportReport:
    """Write rows and their media in the form another trainer reads.

    The folder can be moved: rows name media relative to it. Videos are linked into it where the file system can do
    that, and copied where it cannot; members of archives and remote files become files; each is there once. Rows whose
    media are missing or broken, or whose answer is withheld, are left out and counted. A call that was stopped goes on
    where it was when it is made again. A media tag in the text, such as `<video>`, is written `<video >`.

    Args:
        rows: a `datasets.Dataset` or stream of the shared schema (one split), or a list of such rows.
        to: `swift` (ms-swift), `llamafactory` (LLaMA-Factory, with its `dataset_info.json`), `qwen` (parts for
            qwen-vl-utils; with `clips="trim"` conversations for Qwen-VL's fine-tuning scripts), `llava` (LLaVA-NeXT),
            `webdataset` (tar files) or `mds` (MosaicML Streaming), the last two by these libraries, with the media
            inside.
        out: a new or empty folder, or the one of the same export that was stopped.
        clips: how a clip is told from its video. `keys`: its limits, beside the whole file; where a reader that counts
            frames by the average rate would take others, the clip is trimmed nevertheless. `trim`: each different clip
            is a file of its own, encoded anew to begin and end where the clip does. `frames`: JPEG files of each clip,
            `fps` a second. By default `keys` where the trainer knows them (`swift`, `qwen`), else `trim`.
        name: what files and, for LLaMA-Factory, the dataset are called.
        fps: of `frames`; for LLaVA-NeXT always 2.
        max_frames: of one clip, evenly spread, with `frames`.
        shard_bytes: how large a file of rows is, about.
        num_threads: media that are prepared at the same time; None is one for each processor.
        cache_dir: where facts about files are kept; the `datasets` cache by default.
        overwrite: replace another export in the same folder.

    Returns:
        What was written and left out, and the command that trains on it.

    Raises:
        ConfigError: an option is not possible, the rows are not of the shared schema, or the folder holds something
            else.

    Example:
        >>> rows = video_sft.load("star", sample=True, split="train")
        >>> report = video_sft.export(rows, to="swift", out="star-swift")
        >>> print(report.command)  # ROOT_IMAGE_DIR=... swift sft --model ... --dataset .../train-*.jsonl
    """
    target, clips = _checked(to, clips, name, fps, max_frames)
    limit = _positive("shard_bytes", shard_bytes) or target.shard_bytes
    threads = _positive("num_threads", num_threads) or os.cpu_count() or 1
    fps = _LLAVA_FPS if to == "llava" else fps
    place = Path(out)
    folder = OutFolder(place, overwrite=overwrite)
    place.mkdir(parents=True, exist_ok=True)
    with unfinished_folder(place) as work:
        spool = Spool.of(rows, work / "rows.jsonl")
        folder.claim(
            {"to": to, "clips": clips, "name": name, "shard_bytes": limit}
            | ({"fps": fps, "max_frames": max_frames} if clips == "frames" else {}),
            spool.digest,
        )
        media = MediaFolder(place, target.media_folder(clips), fps, max_frames)
        ready = _with_media(spool, media, clips, threads, cache_dir)
        about = Export(place, name, clips, fps, ready.filled())
        about = replace(about, shards=tuple(_written(target, ready, about, folder, limit)))
    files = [*about.shards, *_beside(target, about)]
    report = _report(to, about, ready, files, target.command(about))
    if isinstance(target, PackedTarget):
        shutil.rmtree(place / target.media_folder(clips), ignore_errors=True)
    folder.finish(files, {**asdict(report), "out": "."})
    return report


def _checked(to: str, clips: str | None, name: str, fps: float, max_frames: int | None) -> tuple[Target, Clips]:
    """Return the format, and how it is told of clips.

    Raises:
        ConfigError: there is no such format, or it cannot be told so.
    """
    target = TARGETS.get(to)
    if target is None:
        raise ConfigError(f"to is {to!r}; it is one of {', '.join(TARGETS)}")
    chosen = target.clips[0] if clips is None else clips
    if chosen not in target.clips:
        known = " and ".join(target.clips)
        raise ConfigError(f"clips is {clips!r}; for {to} it is one of {known}: it cannot be told of clips otherwise")
    if not _NAME.fullmatch(name):
        raise ConfigError(f"name is {name!r}; it is made of letters, digits, - and _")
    if not (math.isfinite(fps) and fps > 0):
        raise ConfigError(f"fps is {fps!r}; it should be above 0")
    _positive("max_frames", max_frames)
    if isinstance(target, PackedTarget):
        target.check()
    return target, chosen


def _positive(name: str, value: int | None) -> int | None:
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
        raise ConfigError(f"{name} is {value!r}; it should be a whole number from 1")
    return value


def _with_media(
    spool: Spool, media: MediaFolder, clips: Clips, threads: int, cache_dir: str | os.PathLike[str] | None
) -> ReadyRows:
    """Put the media of rows into the folder, and leave out the rows whose media cannot be read."""
    wanted = (row.medium.medium for row in spool.rows if row.medium)
    facts = facts_of(wanted, num_threads=threads, cache_dir=cache_dir)
    tell_unreadable([each for each in facts.values() if isinstance(each, VideoError)], len(facts))
    needs = [None if row.medium is None else need_of(row.medium, facts[row.medium.medium], clips) for row in spool.rows]
    places = media.made((need.job for need in needs if isinstance(need, Need)), num_threads=threads)
    tell_unreadable([place for place in places.values() if isinstance(place, VideoError)], len(places))
    kept: list[tuple[LaidRow, Need | None]] = []
    out: list[tuple[LaidRow, str]] = []
    for row, need in zip(spool.rows, needs, strict=True):
        if isinstance(need, str):
            out.append((row, need))
        elif need is not None and isinstance(places[need.job], VideoError):
            out.append((row, "the clip cannot be decoded"))
        else:
            kept.append((row, need))
    for (_, reason), (_, name, _) in zip(out, spool.read(row for row, _ in out), strict=True):
        spool.leave_out(reason, name)
    return ReadyRows(spool, kept, places)


def _written(target: Target, ready: ReadyRows, about: Export, folder: OutFolder, limit: int) -> Iterator[str]:
    """Write the rows; yield the names of their files."""
    if isinstance(target, PackedTarget):
        folder.announce([about.name])
        yield from target.write(ready.read(), about, folder, limit)
        return
    assert isinstance(target, JsonTarget)
    shards = ready.shards(limit, inferred=target.inferred)
    names = [target.shard(about, number, len(shards)) for number in range(len(shards))]
    folder.announce(names)
    for name, numbers in zip(names, shards, strict=True):
        (about.out / name).parent.mkdir(exist_ok=True)
        with writing_whole(about.out / name) as unfinished, unfinished.open("wb") as file:
            for row in ready.read(numbers):
                file.write(orjson.dumps(target.line(row, about)) + b"\n")
        yield name


def _beside(target: Target, about: Export) -> Iterator[str]:
    """Write what lies beside the rows; yield the names."""
    for name, text in target.beside(about).items() if isinstance(target, JsonTarget) else ():
        with writing_whole(about.out / name) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
        yield name


def _report(to: str, about: Export, ready: ReadyRows, files: Sequence[str], command: str) -> ExportReport:
    needs = [need for _, need in ready.rows if need]
    jobs = {need.job for need in needs}
    paths = {path for job in jobs for path in ready.place_of(job)}
    return ExportReport(
        to=to,
        clips=about.clips,
        out=about.out,
        rows=len(ready.rows),
        files=tuple(files),
        left_out=dict(ready.spool.left_out),
        examples={reason: tuple(ids) for reason, ids in ready.spool.examples.items()},
        media=dict(Counter(job.kind for job in jobs)),
        media_bytes=sum((about.out / path).stat().st_size for path in paths),
        trimmed_instead=sum(need.instead for need in needs),
        spaced=ready.spool.spaced,
        command=command,
    )
