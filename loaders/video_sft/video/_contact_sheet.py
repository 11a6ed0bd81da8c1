"""Frames side by side in one picture, each with its time: for looking at what a clip holds."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL import Image

__all__ = ["contact_sheet", "data_url", "frames_html", "sheet_html"]

_GAP, _CAPTION = 6, 16
#: Of a sheet in a notebook, how many frames, and their shortest side in pixels.
_FEW, _SIDE = 8, 112


class TimedFrames(Protocol):
    """What `Frames` are: this module knows nothing of clips, so that they may show themselves by it."""

    @property
    def data(self) -> npt.NDArray[Any]:
        """The pictures."""

    @property
    def pts_seconds(self) -> npt.NDArray[np.float64]:
        """When each is shown."""


class GivesFrames(Protocol):
    """What `Clip` is."""

    def frames(self, *, count: int, size: Any, on_error: Any) -> Any:
        """Return `Frames`."""


def contact_sheet(
    frames: GivesFrames | TimedFrames | npt.NDArray[Any],
    times: Sequence[float] | None = None,
    *,
    count: int = 8,
    size: Any = None,
    columns: int = 4,
    title: str = "",
) -> Image.Image:
    """Return frames as one picture: a grid, left to right, top to bottom, the second of the file below each.

    Args:
        frames: a `Clip`, of which frames are read; `Frames`, as uint8 in RGB; or an array of them, (N, H, W, 3), at
            least one.
        times: with an array, N times in seconds.
        count: of a clip, how many frames, evenly spread; fewer where it has fewer.
        size: of a clip, their size as `Clip.frames` takes it; their own by default.
        columns: how many frames a line has.
        title: one line above them.

    Returns:
        A Pillow image in RGB.

    Raises:
        VideoError: a clip cannot be read.
        ValueError: there is no frame, or frames are not uint8 (N, H, W, 3); or an array has no times.

    Example:
        >>> video_sft.contact_sheet(row["video"], count=12, size=160).save("clip.png")
    """
    from PIL import Image, ImageDraw

    pictures, seconds_of = _timed(frames, times, count, size)
    if pictures.ndim != 4 or pictures.shape[-1] != 3 or str(pictures.dtype) != "uint8" or not len(pictures):
        raise ValueError(f"frames are uint8 (N, H, W, 3) with N from 1 up, not {pictures.dtype} {pictures.shape}")
    number, height, width, _ = pictures.shape
    columns = max(1, min(columns, number))
    lines = -(-number // columns)
    top = _CAPTION + _GAP if title else 0
    pixels = (columns * (width + _GAP) + _GAP, top + lines * (height + _CAPTION + _GAP) + _GAP)
    sheet = Image.new("RGB", pixels, (24, 24, 28))
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((_GAP, _GAP), title, fill=(255, 255, 255))
    for place, (frame, seconds) in enumerate(zip(pictures, seconds_of, strict=True)):
        x = _GAP + (place % columns) * (width + _GAP)
        y = top + _GAP + (place // columns) * (height + _CAPTION + _GAP)
        sheet.paste(Image.fromarray(frame), (x, y))
        draw.text((x, y + height + 2), f"{seconds:.2f} s", fill=(200, 200, 205))
    return sheet


def _timed(
    frames: GivesFrames | TimedFrames | npt.NDArray[Any], times: Sequence[float] | None, count: int, size: Any
) -> tuple[npt.NDArray[Any], Sequence[float]]:
    """Return pictures, and when each is shown."""
    if isinstance(frames, np.ndarray):
        if times is None:
            raise ValueError("an array of frames needs their times")
        return frames, times
    if not hasattr(frames, "frames"):
        shown: Any = frames
        return shown.data, shown.pts_seconds.tolist()
    clip: Any = frames
    read = clip.frames(count=count, size=size, on_error="nearest")
    different = np.flatnonzero(np.diff(read.indices, prepend=-1) != 0)  # a clip may have fewer than so many
    return read.data[different], read.pts_seconds[different].tolist()


def frames_html(frames: Any) -> str:
    """Return `Frames` as a notebook shows them: their shape and times, and some of them where they are pictures."""
    data, shown = frames.data, f"<code>{escape(repr(frames))}</code>"
    if len(frames) and data.ndim == 4 and data.shape[-1] == 3 and str(data.dtype) == "uint8":
        step, shrink = -(-len(frames) // _FEW), max(1, min(data.shape[1:3]) // _SIDE)
        sheet = sheet_html(data[::step, ::shrink, ::shrink], "frames", frames.pts_seconds[::step].tolist())
        shown += f"<br>{sheet}"
    return f"<div>{shown}</div>"


def sheet_html(frames: Any, alt: str, times: Sequence[float] | None = None) -> str:
    """Return a small sheet of a clip, or of frames, as a picture that is part of the page."""
    made = io.BytesIO()
    contact_sheet(frames, times, count=_FEW, size=_SIDE).save(made, "JPEG", quality=75)
    return f'<img alt="{escape(alt)}" src="{data_url("image/jpeg", made.getvalue())}" style="max-width:100%">'


def data_url(kind: str, data: bytes) -> str:
    """Return an address that holds a file itself."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
