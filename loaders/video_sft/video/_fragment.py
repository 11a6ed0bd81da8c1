"""A path with a clip's limits, in one string.

People write them as a media fragment, ``a.mp4#t=11.1,19.6`` (https://www.w3.org/TR/media-frags/#naming-time). Cells of
a dataset hold them as a hop of an fsspec URL, ``clip://t=11.1,19.6::/data/a.mp4``, which readers of whole files are
refused (`video_sft.video._columns.clip_filesystem`). Either lives on in-memory paths only; what is published has the
limits in columns of their own.

A file that was cut out of a longer video is named with the second of that video at which its own clock shows 0,
``cut://from=11.1::/data/part.mp4``: all seconds of its clips are then those of the original. There is no file system of
that name, as there is none of folders of frames.

Where a cut clip's cell holds the file itself, its bytes are disguised: a reader that looks at them alone would show the
whole file.
"""

from __future__ import annotations

import math
import re

import numpy as np

__all__ = ["clip_url", "cut_url", "disguised", "split_cut", "split_fragment", "undisguised", "with_fragment"]

_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_FRAGMENT = re.compile(rf"#t=({_NUMBER})?,({_NUMBER})?$", re.ASCII)
#: Stands in front of disguised bytes, for whoever looks into them.
_NOTICE = b"A part of a video: read it with dataset.cast_column('video', video_sft.Video())\n"
_HOP = re.compile(rf"clip://t=({_NUMBER})?,({_NUMBER})?::", re.ASCII)
_CUT = re.compile(rf"cut://from=(-?{_NUMBER})::", re.ASCII)


def with_fragment(path: str, start_seconds: float | None, stop_seconds: float | None) -> str:
    """Append a clip's limits to a path.

    Args:
        path: a local path or URL without limits of its own.
        start_seconds: where the clip begins; None is the beginning of the file.
        stop_seconds: where the clip ends, itself not part of it; None is the end of the file.

    Returns:
        The path, with ``#t=start,stop`` when there is a limit. A path whose own name ends like a fragment always gets
        one, so that `split_fragment` returns exactly what was given here.

    Raises:
        ValueError: a limit is negative or not finite.
    """
    for limit in (start_seconds, stop_seconds):
        if limit is not None and not (math.isfinite(limit) and limit >= 0):
            raise ValueError(f"{path}: a clip's limits are seconds from 0 up, not {limit!r}")
    if start_seconds is None and stop_seconds is None and not _FRAGMENT.search(path):
        return path
    return f"{path}#t={_text(start_seconds)},{_text(stop_seconds)}"


def clip_url(path: str, start_seconds: float | None, stop_seconds: float | None) -> str:
    """Put a clip's limits in front of a path or URL, as a hop of an fsspec URL; a path without limits stays as it is.

    Raises:
        ValueError: a limit is negative or not finite.
    """
    limited = with_fragment("", start_seconds, stop_seconds)
    return f"clip://{limited.removeprefix('#')}::{path}" if limited else path


def split_fragment(path: str) -> tuple[str, float | None, float | None]:
    """Take a path apart into the bare path and the clip's limits.

    Anything that is not a well-formed fragment at the very end belongs to the file's name.

    Returns:
        The bare path, the start and the stop in seconds, either of them None where it is not given.
    """
    if path.startswith("clip://") and (hop := _HOP.match(path)):
        start, stop = hop.groups()
        return path[hop.end() :], _seconds(start), _seconds(stop)
    match = _FRAGMENT.search(path) if "#t=" in path else None
    if match is None:
        return path, None, None
    start, stop = match.groups()
    return path[: match.start()], _seconds(start), _seconds(stop)


def cut_url(path: str, offset_seconds: float, *, part: bool = False) -> str:
    """Return the location of a file that was cut out of a longer video; of one that was not, its own.

    Args:
        path: a path or URL without a clip's limits.
        offset_seconds: second of the original at which the file's clock shows 0.
        part: whether it is a part of the original though it begins where that does.

    Raises:
        ValueError: it is not finite.
    """
    if not math.isfinite(offset_seconds):
        raise ValueError(f"{path}: a file is cut from a second of a video, not {offset_seconds!r}")
    return f"cut://from={float(offset_seconds)!r}::{path}" if offset_seconds or part else path


def split_cut(path: str) -> tuple[str, float]:
    """Take the location of a cut-out file apart into its path and its offset; other paths have an offset of 0."""
    match = _CUT.match(path) if path.startswith("cut://") else None
    return (path, 0.0) if match is None else (path[match.end() :], float(match[1]))


def disguised(data: bytes) -> bytes:
    """Return a file's bytes in a form that no reader of whole files takes for a video."""
    return _NOTICE + np.bitwise_not(np.frombuffer(data, dtype=np.uint8)).tobytes()


def undisguised(data: bytes) -> bytes:
    """Return a file's bytes as they were before `disguised`; others stay as they are."""
    if not data.startswith(_NOTICE):
        return data
    return np.bitwise_not(np.frombuffer(data, dtype=np.uint8, offset=len(_NOTICE))).tobytes()


def _text(limit: float | None) -> str:
    return "" if limit is None else repr(abs(float(limit)))


def _seconds(text: str | None) -> float | None:
    return None if text is None else float(text)
