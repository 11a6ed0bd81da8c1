"""Clips as notebooks show them: frames and a player, of a size that a saved notebook can bear."""

from __future__ import annotations

import io
import os
from html import escape
from typing import Any

from video_sft.errors import VideoError
from video_sft.video._contact_sheet import data_url, sheet_html
from video_sft.video._frames import VideoMetadata, facts_in_words

__all__ = ["clip_html"]

#: Files up to so many bytes become part of the notebook as they are, where browsers play them; of others, and of so
#: many seconds of them, a smaller video is made.
_MOST_BYTES, _MOST_SECONDS, _PLAYER_SIDE = 2 << 20, 20.0, 240
_PLAYED = {".mp4": "video/mp4", ".m4v": "video/mp4", ".webm": "video/webm"}
_CODECS = frozenset({"h264", "av1", "vp8", "vp9"})


def clip_html(clip: Any) -> str:
    """Return a `Clip` as HTML: what it is, frames of it, and a player where it can have one.

    Videos on a server are played from there; of a clip that cannot be read it says why.
    """
    name = f"<code>{escape(repr(clip))}</code>"
    try:
        facts = clip.metadata
        sheet = sheet_html(clip, f"frames of {clip!r}")
        player = _player(clip, facts)
    except VideoError as error:
        return f"<div>{name}<br>{escape(str(error))}</div>"
    return f"<div>{name}<br><small>{escape(facts_in_words(facts))}</small><br>{sheet}{player}</div>"


def _player(clip: Any, facts: VideoMetadata) -> str:
    path, start, stop = clip.path, clip.start_seconds, clip.stop_seconds
    kind = _PLAYED.get(os.path.splitext(path or "")[1].lower()) if facts.codec in _CODECS else None
    # Browsers show a frame before they play only where they are sent to one.
    limits = f"#t={start or 0.001:g}" + ("" if stop is None else f",{stop:g}")
    if (url := _url(path)) is not None:
        source = None if kind is None else f"{escape(url)}{limits}"
    elif kind is not None and path and os.path.isfile(path) and os.path.getsize(path) <= _MOST_BYTES:
        with open(path, "rb") as file:
            source = data_url(kind, file.read()) + limits
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
    from video_sft.video._bytes.http_file import hub_url  # clients of servers take long to load

    return hub_url(path)


def _smaller(clip: Any, facts: VideoMetadata) -> str | None:
    """Return the beginning of a clip as a small video; None where that would be too large all the same."""
    from video_sft.video._encoding.trimmed import write_trimmed

    begin, end = facts.within(clip.start_seconds, clip.stop_seconds)
    made = io.BytesIO()
    part = clip.part(begin, min(end, begin + _MOST_SECONDS))
    write_trimmed(part, made, shortest_side=_PLAYER_SIDE, quick=True)
    return f"{data_url('video/mp4', made.getvalue())}#t=0.001" if made.tell() <= _MOST_BYTES else None
