"""Frames side by side in one picture, each with its time: for looking at what a clip holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

__all__ = ["contact_sheet"]

_GAP, _CAPTION = 6, 16


def contact_sheet(
    frames: npt.NDArray[np.uint8], times: Sequence[float], *, columns: int = 4, title: str = ""
) -> Image.Image:
    """Return frames as a grid, left to right, top to bottom.

    Args:
        frames: (N, H, W, 3), at least one.
        times: N times in seconds.
        columns: how many frames a line has.
        title: one line above them.
    """
    count, height, width, _ = frames.shape
    columns = min(columns, count)
    lines = -(-count // columns)
    top = _CAPTION + _GAP if title else 0
    size = (columns * (width + _GAP) + _GAP, top + lines * (height + _CAPTION + _GAP) + _GAP)
    sheet = Image.new("RGB", size, (24, 24, 28))
    draw = ImageDraw.Draw(sheet)
    if title:
        draw.text((_GAP, _GAP), title, fill=(255, 255, 255))
    for number, (frame, seconds) in enumerate(zip(frames, times, strict=True)):
        x = _GAP + (number % columns) * (width + _GAP)
        y = top + _GAP + (number // columns) * (height + _CAPTION + _GAP)
        sheet.paste(Image.fromarray(frame), (x, y))
        draw.text((x, y + height + 2), f"{seconds:.2f} s", fill=(200, 200, 205))
    return sheet
