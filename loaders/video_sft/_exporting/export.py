"""`export`: rows as files that other trainers read, with their media."""

from __future__ import annotations

import math
import os
import re
from pathlib import Path
from typing import Any

from video_sft._exporting.media_folder import MediaFolder
from video_sft._exporting.media_jobs import Clips
from video_sft._exporting.out_folder import OutFolder
from video_sft._exporting.report import ExportReport
from video_sft._exporting.run import ExportRun
from video_sft._exporting.target_names import TARGET_NAMES, TargetName
from video_sft._exporting.targets import TARGETS
from video_sft._exporting.targets.target import PackedTarget, Target
from video_sft._near_names import check_one_of
from video_sft.errors import BuildError, ConfigError, VideoSftError, one_line

__all__ = ["checked_target", "export"]

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
        BuildError: the disk is full, or cannot be written to.

    Example:
        >>> rows = video_sft.load("star", sample=True, split="train")
        >>> report = video_sft.export(rows, to="swift", out="star-swift")
        >>> print(report.command)  # ROOT_IMAGE_DIR=... swift sft --model ... --dataset .../train-*.jsonl
    """
    target, chosen = checked_target(to, clips, name, fps, max_frames)
    place = Path(out)
    run = ExportRun(
        to=to,
        target=target,
        clips=chosen,
        name=name,
        shard_bytes=_positive("shard_bytes", shard_bytes) or target.shard_bytes,
        num_threads=_positive("num_threads", num_threads) or os.cpu_count() or 1,
        cache_dir=cache_dir,
        folder=OutFolder(place, overwrite=overwrite),
        media=MediaFolder(place, target.media_folder(chosen), _LLAVA_FPS if to == "llava" else fps, max_frames),
    )
    try:
        return run.export(rows)
    except VideoSftError:
        raise
    except OSError as error:
        raise BuildError(
            f"the export to {place} stopped: {type(error).__name__}: {one_line(error)}. When there is room, and the "
            "folder can be written to, the same call goes on where it was"
        ) from error


def checked_target(
    to: TargetName, clips: str | None, name: str, fps: float, max_frames: int | None
) -> tuple[Target, Clips]:
    """Return the format, and how it is told of clips; the options are as for `export`.

    Raises:
        ConfigError: there is no such format, or it cannot be told so.
    """
    check_one_of("to", to, TARGET_NAMES)
    target = TARGETS[to]
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
