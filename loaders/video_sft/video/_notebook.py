"""Clips and frames as notebooks show them: small pictures and a player, of a size that a saved notebook can bear."""

from __future__ import annotations

import base64
import io
import os
import re
from collections.abc import Sequence
from html import escape
from typing import Any

from video_sft.errors import VideoError
from video_sft.video._contact_sheet import contact_sheet
from video_sft.video._frames import VideoMetadata

__all__ = ["clip_html", "frames_html"]

#: Pictures of a sheet, and their shortest side in pixels.
_FRAMES, _SIDE = 8, 112
#: Files up to so many bytes become part of the notebook as they are, where browsers play them; of others, and of so
#: many seconds of them, a smaller video is made.
_MOST_BYTES, _MOST_SECONDS, _PLAYER_SIDE = 2 << 20, 20.0, 240
_PLAYED = {".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm"}
_CODECS = frozenset({"h264", "av1", "vp8", "vp9"})
_HUB_FILE = re.compile(r"hf://datasets/([^/@]+/[^/@]+)(?:@([^/]+))?/(.+)")


def clip_html(clip: Any) -> str:
    """Return a `Clip` as HTML: what it is, frames of it, and a player where it can have one.

    Videos on a server are played from there; of a clip that cannot be read it says why.
    """
    name = f"<code>{escape(repr(clip))}</code>"
    try:
        facts = clip.metadata
        sheet = _picture(clip, f"frames of {clip!r}")
        player = _player(clip, facts)
    except VideoError as error:
        return f"<div>{name}<br>{escape(str(error))}</div>"
    told = [f"{facts.duration_seconds:.2f} s", f"{facts.width} x {facts.height}", f"{facts.fps:.4g} frames/s"]
    told += [facts.codec, facts.container, "no sound" if facts.audio is None else f"sound: {facts.audio.codec}"]
    return f"<div>{name}<br><small>{escape(', '.join(told))}</small><br>{sheet}{player}</div>"


def frames_html(frames: Any) -> str:
    """Return `Frames` as HTML: their shape and times, and some of them where they are pictures."""
    data, shown = frames.data, f"<code>{escape(repr(frames))}</code>"
    if len(frames) and data.ndim == 4 and data.shape[-1] == 3 and str(data.dtype) == "uint8":
        step, shrink = -(-len(frames) // _FRAMES), max(1, min(data.shape[1:3]) // _SIDE)
        sheet = _picture(data[::step, ::shrink, ::shrink], "frames", frames.pts_seconds[::step].tolist())
        shown += f"<br>{sheet}"
    return f"<div>{shown}</div>"


def _picture(frames: Any, alt: str, times: Sequence[float] | None = None) -> str:
    made = io.BytesIO()
    contact_sheet(frames, times, count=_FRAMES, size=_SIDE).save(made, "JPEG", quality=75)
    return f'<img alt="{escape(alt)}" src="{_data_url("image/jpeg", made.getvalue())}" style="max-width:100%">'


def _player(clip: Any, facts: VideoMetadata) -> str:
    path, start, stop = clip.path, clip.start_seconds, clip.stop_seconds
    kind = _PLAYED.get(os.path.splitext(path or "")[1].lower()) if facts.codec in _CODECS else None
    # Browsers show a frame before they play only where they are sent to one.
    limits = f"#t={start or 0.001:g}" + ("" if stop is None else f",{stop:g}")
    if (url := _url(path)) is not None:
        source = None if kind is None else f"{escape(url)}{limits}"
    elif kind is not None and path and os.path.isfile(path) and os.path.getsize(path) <= _MOST_BYTES:
        with open(path, "rb") as file:
            source = _data_url(kind, file.read()) + limits
    else:
        source = _smaller(clip, facts)
    if source is None:
        return ""
    size = "width:384px;max-width:100%;max-height:320px"
    label = escape(f"plays {clip!r}")
    return f'<br><video controls preload="metadata" aria-label="{label}" style="{size}" src="{source}"></video>'


def _url(path: str | None) -> str | None:
    """Return where a browser finds a file of a server; None for others."""
    if path is None or not path.startswith(("https://", "http://", "hf://")) or "::" in path:
        return None
    if not path.startswith("hf://"):
        return path
    from huggingface_hub import hf_hub_url

    found = _HUB_FILE.fullmatch(path)
    return None if found is None else hf_hub_url(found[1], found[3], repo_type="dataset", revision=found[2])


def _smaller(clip: Any, facts: VideoMetadata) -> str | None:
    """Return the beginning of a clip as a small video; None where that would be too large all the same."""
    from video_sft.video._trimmed import write_trimmed

    begin, end = facts.within(clip.start_seconds, clip.stop_seconds)
    made = io.BytesIO()
    part = clip.part(begin, min(end, begin + _MOST_SECONDS))
    write_trimmed(part, made, shortest_side=_PLAYER_SIDE, quick=True)
    return f"{_data_url('video/mp4', made.getvalue())}#t=0.001" if made.tell() <= _MOST_BYTES else None


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
