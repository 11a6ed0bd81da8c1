"""Sizes of the frames handed out."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["PixelBudget", "Size", "output_size"]


@dataclass(frozen=True)
class PixelBudget:
    """A size for models that cut pictures into patches: sides in whole patches, area within bounds, aspect kept.

    This is the resizing rule of Qwen2-VL and its followers
    (https://github.com/QwenLM/Qwen2.5-VL, ``smart_resize``).

    Attributes:
        max_pixels: the most pixels in one frame.
        min_pixels: the fewest.
        multiple_of: both sides are multiples of this: 28 for Qwen2-VL and Qwen2.5-VL, 32 for Qwen3-VL.
    """

    max_pixels: int
    min_pixels: int = 0
    multiple_of: int = 28

    def __post_init__(self) -> None:
        if self.multiple_of < 1 or self.max_pixels < max(self.min_pixels, self.multiple_of**2):
            raise ValueError(f"{self}: max_pixels must be at least min_pixels and one square of multiple_of")

    def fit(self, height: int, width: int) -> tuple[int, int]:
        """Return the (height, width) that a frame of this shape gets."""
        step = self.multiple_of
        rows, columns = max(step, round(height / step) * step), max(step, round(width / step) * step)
        if rows * columns > self.max_pixels:
            shrink = math.sqrt(height * width / self.max_pixels)
            rows = max(step, math.floor(height / shrink / step) * step)
            columns = max(step, math.floor(width / shrink / step) * step)
        elif rows * columns < self.min_pixels:
            grow = math.sqrt(self.min_pixels / (height * width))
            rows, columns = math.ceil(height * grow / step) * step, math.ceil(width * grow / step) * step
        return rows, columns


Size = int | tuple[int, int] | PixelBudget | None


def output_size(size: Size, height: int, width: int) -> tuple[int, int]:
    """Work out the (height, width) of the frames handed out.

    Args:
        size: None keeps the video's own size; a number is the shortest side, aspect kept; a pair is (height, width)
            exactly; a `PixelBudget` bounds the area.
        height: of the video, as shown.
        width: of the video, as shown.

    Raises:
        ValueError: the size is none of these, or not above zero.
    """
    if size is None:
        return height, width
    if isinstance(size, PixelBudget):
        return size.fit(height, width)
    if isinstance(size, (tuple, list)) and len(size) == 2 and all(map(_is_side, size)):
        return size[0], size[1]
    if not _is_side(size):
        raise ValueError(f"size must be the shortest side, (height, width) or a PixelBudget, not {size!r}")
    assert isinstance(size, int)
    if height <= width:
        return size, max(1, round(width * size / height))
    return max(1, round(height * size / width)), size


def _is_side(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
